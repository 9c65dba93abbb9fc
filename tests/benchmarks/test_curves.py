"""Laws of the curves: what is read from a log, and that names do not cover each other."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def curves(load_benchmark: Any) -> ModuleType:
    return load_benchmark("curves")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of twenty lines of training, and two validations."""
    lines = [{"step": step, "loss": 9.0, "lr": 1.0, "tokens": float(step)} for step in range(1, 21)]
    lines += [{"step": step, "seconds": 1.0, "held_out_nll": 2.0 * step} for step in (10, 20)]
    file = tmp_path / "a-training.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def test_the_training_loss_is_averaged_and_the_held_out_one_is_as_written(curves: ModuleType, log: Path) -> None:
    trained, held_out = curves.read_curves(log)
    assert trained == {"tokens": ([8, 16, 20], [4.5, 12.5, 18.5])}
    assert held_out == {"nll": ([10, 20], [20.0, 40.0])}


def test_what_holds_no_training_loss_is_named(curves: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"step": 1, "held_out_psnr": 20.0}\n')
    with pytest.raises(SystemExit, match=r"other\.jsonl holds no loss of a training"):
        curves.read_curves(file)


def test_a_log_of_more_lines_than_colors_is_drawn_whole(curves: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    names = [f"nll_{number}" for number in range(11)]
    lines = [{"step": 1, "tokens": 1.0}, *({"step": s, **{f"held_out_{n}": 1.0 for n in names}} for s in (1, 2))]
    file.write_text("\n".join(map(json.dumps, lines)))
    plot = str(curves.curves_plot([file]))
    assert all(f">{name}<" in plot for name in names) and plot.count("<polyline") == 12


def test_names_are_moved_apart_as_little_as_needed(curves: ModuleType) -> None:
    places = [30.0, 0.0, 5.0, 50.0]
    moved = curves.spread(places, 10.0)
    assert moved == [30.0, 0.0, 10.0, 50.0]
    assert all(after - before >= 10.0 for before, after in pairwise(sorted(curves.spread([1.0] * 5, 10.0))))


def test_every_curve_has_a_row_and_every_line_its_name(curves: ModuleType, log: Path) -> None:
    plot = str(curves.curves_plot([log, log]))
    assert plot.count("a-training: training batches") == 2 and plot.count("<polyline") == 4
    assert plot.count(">tokens<") == plot.count(">nll<") == 2
