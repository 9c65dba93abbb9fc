"""Laws of the timing in both engines: all ways in every round, equal prompts, and graphs that are made once."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from underpaint.pipelines.settings import DrawRequest


@pytest.fixture(scope="module")
def graphs(load_benchmark: Any) -> ModuleType:
    return load_benchmark("static_graphs")


def test_every_way_draws_the_same_in_every_round_and_the_order_turns(graphs: ModuleType) -> None:
    drawn: list[tuple[str, DrawRequest]] = []
    cases = {case.name: case for case in graphs.CASES[:4]}
    ways = {(name, engine): lambda r, n=name: drawn.append((n, r[0])) for name in cases for engine in graphs.ENGINES}
    asked = [DrawRequest(caption=f"picture {number}", seed=number) for number in range(3)]
    times = graphs.measure(ways, cases, asked, 4)
    assert all(len(own) == 4 for own in times.values())
    rounds = [drawn[start : start + len(ways)] for start in range(0, len(drawn), len(ways))]
    assert len(rounds) == 4 + graphs.WARM_UPS
    for one, next_one in itertools.pairwise(rounds):
        assert len({(request.caption, request.seed) for _, request in one}) == 1
        assert [name for name, _ in one] == [name for name, _ in next_one][::-1]
    assert {request.guidance for name, request in drawn if name.startswith("flow")} == {2.0}
    assert {request.guidance for name, request in drawn if name == graphs.BASE} == {None}


def test_a_way_is_told_beside_the_hybrid_in_the_same_engine(graphs: ModuleType) -> None:
    times = {
        (graphs.BASE, "torch"): [20.0] * 8,
        (graphs.BASE, "graph"): [10.0] * 8,
        ("flow", "torch"): [30.0] * 8,
        ("flow", "graph"): [25.0] * 8,
    }
    row = graphs.row_of("flow", times)
    assert row["torch"]["over_hybrid"]["value"] == pytest.approx(1.5)
    assert row["graph"]["over_hybrid"]["value"] == pytest.approx(2.5)
    assert row["torch_over_graph"]["value"] == pytest.approx(1.2)


def test_a_graph_is_made_once_and_draws_what_torch_draws(
    graphs: ModuleType, load_benchmark: Any, tiny_model: Path, tmp_path: Path
) -> None:
    opened = load_benchmark("frontier_drawing").open_family({"hybrid": str(tiny_model)})["hybrid"]
    case = graphs.Case(name=graphs.BASE, family="hybrid")
    folder = graphs.exported(case, opened, tmp_path)
    before = (folder / "manifest.json").stat().st_mtime_ns
    ways = graphs.drawers(case, opened, tmp_path)
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    requests = [DrawRequest(caption="a cat", seed=1)]
    (ours,), (theirs,) = (ways[engine](requests) for engine in graphs.ENGINES)
    assert abs(ours.astype(int) - theirs.astype(int)).max() <= 2
