"""Laws of the figures of serving: percentiles are those of NumPy, and what was not answered took for ever."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PEERS = Path(__file__).parents[2] / "benchmarks" / "serve_peers"


@pytest.fixture(scope="module")
def figures(load_benchmark) -> ModuleType:
    return load_benchmark("serve_figures")


@pytest.fixture(scope="module")
def device(load_benchmark) -> ModuleType:
    sys.path.insert(0, str(PEERS))
    try:
        return load_benchmark("device")
    finally:
        sys.path.remove(str(PEERS))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("number", [1, 2, 20, 100, 101, 997])
def test_percentiles_are_those_of_numpy(figures, share, number):
    values = np.random.default_rng(number).exponential(size=number)
    assert figures.percentile(list(values), share) == np.percentile(values, 100 * share, method="inverted_cdf")


def test_what_was_not_answered_took_for_ever(figures):
    assert figures.percentile([1.0, 2.0, 3.0], 0.5, missing=3) == 3.0
    assert figures.percentile([1.0, 2.0, 3.0], 0.51, missing=3) == math.inf
    assert figures.percentile([], 0.5, missing=1) == math.inf


def make(figures, answered: int, sent: int, cpu_s: float = 1.0):
    load = figures.Load(seconds=2.0, sent=sent, latencies_s=[0.1] * answered, in_time=answered)
    return figures.figures_of(load, cpu_s, bytes([8, 8, 4]))


def test_figures_are_of_good_answers_and_errors_of_all_others(figures):
    one = make(figures, 90, 100)
    assert (one.per_s, one.errors, one.sent) == (45.0, 10, 100)
    assert one.cpu_ms == pytest.approx(1000 / 90)
    assert one.batch == pytest.approx(20 / 3)
    assert (one.p50_ms, one.p95_ms) == (pytest.approx(100.0), math.inf)
    assert one.keeps_up and not make(figures, 89, 100).keeps_up
    assert make(figures, 0, 5).cpu_ms == math.inf


def test_rounds_are_summed_up_by_median_and_range_and_what_is_infinite_has_no_number(figures):
    summary = figures.over_rounds([make(figures, good, 100) for good in (50, 100, 97)])
    assert summary["per_s"] == [48.5, 25.0, 50.0]
    assert summary["p95_ms"] == [100.0, 100.0, None]


def test_ratios_are_taken_within_rounds_that_both_have(figures):
    ours = {number: make(figures, good, 100) for number, good in ((0, 100), (1, 80), (2, 10))}
    theirs = {number: make(figures, good, 100) for number, good in ((0, 50), (1, 80))}
    assert figures.ratios(ours, theirs, "per_s") == [1.5, 1.0, 2.0]
    assert figures.ratios(ours, {}, "per_s") == [None, None, None]


def test_the_device_notes_its_calls_and_takes_eight_pictures_at_a_time(device, tmp_path):
    size = device.SIDE * device.SIDE * 4
    (tmp_path / "pictures").write_bytes(bytes(size) + bytes([255]) * size)
    (tmp_path / "seconds").write_text("0.0")
    files = {name: str(tmp_path / name) for name in ("seconds", "pictures", "calls")}
    plan = device.DevicePlan(**files, padding=3)
    assert device.DevicePlan.read(plan.environment()) == plan
    sleeping = device.SleepingDevice(plan)
    drawn = sleeping.draw(19)
    assert [len(one) for one in drawn] == [size] * 19
    assert [one[0] for one in drawn[:4]] == [0, 255, 0, 255]
    sleeping.draw(1)
    assert (tmp_path / "calls").read_bytes() == bytes([8, 8, 3, 1])


def test_a_call_takes_as_long_for_one_picture_as_for_eight(device, tmp_path, monkeypatch):
    (tmp_path / "pictures").write_bytes(bytes(device.SIDE * device.SIDE * 4))
    (tmp_path / "seconds").write_text("0.25")
    slept: list[float] = []
    monkeypatch.setattr(device.time, "sleep", slept.append)
    files = {name: str(tmp_path / name) for name in ("seconds", "pictures", "calls")}
    sleeping = device.SleepingDevice(device.DevicePlan(**files))
    for count in (1, 8, 9):
        sleeping.draw(count)
    assert slept == [0.25] * 4


def made(figures, per_s, p50_ms):
    return figures.Figures(
        per_s=per_s, p50_ms=p50_ms, p95_ms=math.inf, p99_ms=math.inf, cpu_ms=1.0, batch=math.nan, errors=0, sent=1,
        reply_bytes=1,
    )  # fmt: skip


def test_ours_is_set_beside_the_best_peer_of_each_figure(load_benchmark, figures, device):
    overhead = load_benchmark("serve_overhead")
    results = overhead.Results()
    for name, rounds in {
        overhead.OURS: [(90.0, 10.0), (110.0, 8.0)],
        "slow": [(50.0, 4.0), (50.0, 4.0)],
        "fast": [(100.0, 20.0), (100.0, 20.0)],
    }.items():
        for number, (per_s, p50_ms) in enumerate(rounds):
            results.loads[name].setdefault("8 callers", {})[number] = made(figures, per_s, p50_ms)
    rows = overhead.against_peers(results)["8 callers"]
    assert rows["per_s"] == {"best": "fast", "ours_over_best": [1.0, 0.9, 1.1]}
    assert rows["p50_ms"] == {"best": "slow", "ours_over_best": [2.25, 2.0, 2.5]}
    assert rows["p95_ms"]["ours_over_best"] == [None] * 3


def test_a_batch_that_nobody_counted_has_no_size(figures):
    assert figures.over_rounds([made(figures, 1.0, 2.0)])["batch"] == [None] * 3
