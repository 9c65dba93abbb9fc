"""One table says where the models of the comparison lie, whichever benchmark draws with them."""

from __future__ import annotations

import argparse
from typing import Any, get_args

import pytest


def test_every_family_has_a_folder_and_an_option_of_its_name(load_benchmark: Any) -> None:
    models, families = load_benchmark("frontier_models"), get_args(load_benchmark("frontier_points").Family)
    assert tuple(models.FOLDERS) == families
    parser = argparse.ArgumentParser()
    models.add_models(parser)
    args = parser.parse_args(["--few-step", "elsewhere"])
    assert models.folders_of(args) == {**models.FOLDERS, "few-step": "elsewhere"}


@pytest.mark.parametrize("name", ["hybrid_vs_diffusion", "static_graphs"])
def test_a_benchmark_looks_for_its_models_there(
    load_benchmark: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    models, benchmark = load_benchmark("frontier_models"), load_benchmark(name)
    monkeypatch.setattr("sys.argv", [name, *(("--work", "work") if name == "static_graphs" else ())])
    found = models.folders_of(benchmark.parse())
    assert "hybrid" in found and found == {family: models.FOLDERS[family] for family in found}


def test_graphs_are_of_the_families_that_are_drawn_with(load_benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    models, graphs = load_benchmark("frontier_models"), load_benchmark("static_graphs")
    monkeypatch.setattr("sys.argv", ["static_graphs", "--work", "work"])
    assert models.folders_of(graphs.parse()).keys() == {case.family for case in graphs.CASES}
