"""The data benchmark: what is planted is what it says, rates add up, figures are taken once, memory is that of all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.run import run

COUNT = 220
Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, load_benchmark: Load) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "set"
    load_benchmark("data_pictures").write_pictures(folder, COUNT)
    return folder


def test_planted_copies_are_equal_and_near_ones_are_not(drawn: Path, load_benchmark: Load) -> None:
    pairs = load_benchmark("data_pictures").planted_pairs(COUNT)
    same = {
        kind: {(drawn / "pictures" / a).read_bytes() == (drawn / "pictures" / b).read_bytes() for a, b in found}
        for kind, found in pairs.items()
        if found
    }
    assert same.pop("exact") == {True}
    assert same == {kind: {False} for kind in same}
    assert sum(map(len, pairs.values())) == 9, "three in each of three families"


def test_pictures_of_different_numbers_differ(drawn: Path) -> None:
    contents = [path.read_bytes() for path in sorted((drawn / "pictures").glob("*.png"))]
    assert len(contents) == COUNT
    assert len(set(contents)) == COUNT - 3, "all but three exact copies"


def test_a_build_refuses_what_was_planted_and_nothing_else(drawn: Path, tmp_path: Path, load_benchmark: Load) -> None:
    config = FolderConfig(name="drawn", license="CC0-1.0")
    run(config, drawn, tmp_path / "out", keep_going=True, jobs=1)
    audit = json.loads((tmp_path / "out" / "audit.json").read_text())
    found = load_benchmark("data_build").refused(drawn, audit["dropped"])
    assert all(rates["recall"] == rates["precision"] == 1 and rates["planted"] for rates in found.values())
    assert sum(rates["planted"] for rates in found.values()) == len(audit["dropped"])


def test_rates_count_pairs_whatever_their_order(load_benchmark: Load) -> None:
    planted = {"exact": [("a", "b"), ("c", "d")], "near": [("a", "e")]}
    found = {frozenset(pair) for pair in (("b", "a"), ("e", "a"), ("x", "y"), ("x", "z"))}
    assert load_benchmark("data").rates(planted, found) == {
        "recall": {"exact": 0.5, "near": 1.0},
        "precision": 0.5,
        "other_pairs": 2,
    }


def test_figures_are_measured_once_and_read_again(tmp_path: Path, load_benchmark: Load) -> None:
    results: Callable[[Path], Any] = load_benchmark("data").Results
    key = ("search", 10, "tool", 1, 0)
    first = results(tmp_path / "r.json").row(key, lambda: {"seconds": 1.5})
    again = results(tmp_path / "r.json")
    assert again.row(key, lambda: {"seconds": 9.0}) == first
    assert again.row((*key[:-1], 1), lambda: {"seconds": 9.0})["seconds"] == 9


def test_memory_is_that_of_all_processes_together(load_benchmark: Load) -> None:
    hold = "import time; held = bytes(range(256)) * 250_000; time.sleep(0.6)"
    both = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}; p.wait()"
    run_measured = load_benchmark("process_tree").run_measured
    one, two = (run_measured([sys.executable, "-c", code]).own_mb for code in (hold, both))
    assert 64 < one < 100
    assert 128 < two < 200


def test_a_killed_command_ends_early(load_benchmark: Load) -> None:
    run_measured = load_benchmark("process_tree").run_measured
    assert run_measured([sys.executable, "-c", "import time; time.sleep(60)"], kill_after_s=0.2).seconds < 10


def test_a_command_that_fails_is_an_error(load_benchmark: Load) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        load_benchmark("process_tree").run_measured([sys.executable, "-c", "raise SystemExit('no such thing')"])
