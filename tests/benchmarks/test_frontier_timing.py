"""Laws of the timing: a round holds every point once, rounds alternate, and a stopped run goes on."""

from __future__ import annotations

import json
import time
from collections import Counter

import numpy as np
import pytest


@pytest.fixture(scope="module")
def timing(load_benchmark):
    return load_benchmark("frontier_timing")


@pytest.fixture(autouse=True)
def quick(timing, monkeypatch):
    """Look for the peak for an instant alone."""
    monkeypatch.setattr(timing, "PEAK_SECONDS", 0.005)
    monkeypatch.setattr(timing, "PEAK_SIDES", (32,))
    monkeypatch.setattr(timing, "WARM_UPS", 1)


@pytest.fixture
def timed(timing, load_benchmark, tiny_model, asked, tmp_path):
    """Return what times some of the tiny model's points: ``timed("hybrid, default")``."""
    models = load_benchmark("frontier_drawing").open_family({"hybrid": str(tiny_model)})
    points = {point.name: point for point in load_benchmark("frontier_points").HYBRID}

    def build(*names: str):
        chosen = [(points[name], points[name].sampling(models["hybrid"].base)) for name in names]
        return timing.Timed(
            models=models, points=chosen, asked=asked["test_composition"], log=tmp_path / "work" / "log.jsonl"
        )

    return build


NAMES = ("hybrid, default", "hybrid, default, other seeds", "hybrid, tokens alone", "hybrid, no guidance")
CELLS = {("hybrid, default", 1), ("hybrid, default", 8), ("hybrid, tokens alone", 1), ("hybrid, no guidance", 1)}


def test_a_round_holds_every_point_once_and_the_next_one_in_the_opposite_order(timed, timing):
    one = timed(*NAMES)
    assert list(one.run(2)) == [0, 1]
    rounds = timing.read_rounds(one.log)
    orders = [[(name, count) for name, count, _ in record["cells"]] for record in rounds]
    assert [Counter(order) for order in orders] == [Counter(CELLS)] * 2
    assert orders[1] == orders[0][::-1]


def test_all_points_of_a_round_draw_the_same_prompts_and_rounds_go_through_all_of_them(timed):
    one = timed(*NAMES)
    assert one.requests(3, 1) == one.requests(3, 1) != one.requests(4, 1)
    captions = {request.caption for round_ in range(15) for request in one.requests(round_, 8)}
    assert len(captions) == len(one.asked.samples) == 120


def test_a_stopped_run_goes_on_and_warms_up_again(timed, timing):
    one = timed(*NAMES)
    stopped = one.run(3)
    assert next(stopped) == 0
    stopped.close()
    with one.log.open("a") as file:
        file.write('{"round": 1, "cel')
    assert one.rounds_done() == 1, "a half line does not count"
    lines = one.log.read_text().splitlines()
    one.log.write_text("\n".join(lines[:-1]) + "\n")
    assert list(one.run(3)) == [1, 2] and list(one.run(3)) == []
    assert len(timing.read_rounds(one.log)) == 3
    assert len(timing.conditions_of(one.log)["peak_gmac_per_s"]) == 3, "before each start and after the end"


def test_rounds_without_some_point_do_not_count_for_all(timed):
    few, all_of_them = timed(*NAMES[:2]), timed(*NAMES)
    list(few.run(2))
    assert (few.rounds_done(), all_of_them.rounds_done()) == (2, 0)
    list(all_of_them.run(1))
    assert (few.rounds_done(), all_of_them.rounds_done()) == (3, 1)


def test_times_are_a_picture_each_and_stages_add_up_to_no_more_than_the_whole(timed, timing, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.thread_time)  # other processes come in between and take no time
    one = timed(*NAMES)
    list(one.run(3))
    times = timing.times_of(one.log)
    assert set(times) == CELLS
    for stages in times.values():
        total = stages[timing.TOTAL]
        assert total.shape == (3,) and (total > 0).all()
        parts = sum(ms for stage, ms in stages.items() if stage != timing.TOTAL)
        assert (parts <= total * 1.01).all() and (parts > 0.8 * total).all()
    residual = {name: float(np.median(stages["residual"])) for (name, count), stages in times.items() if count == 1}
    assert residual["hybrid, tokens alone"] < 0.1 * residual["hybrid, default"]


def test_arithmetic_is_counted_once_and_less_without_guidance(timed, timing):
    one = timed(*NAMES)
    one.count()
    one.count()
    counts = timing.read_counts(one.log)
    assert set(counts) == {name for name, _ in CELLS} and len(timing.read_log(one.log)) == len(counts)
    assert 0 < counts["hybrid, tokens alone"] < counts["hybrid, default"]
    assert counts["hybrid, no guidance"] < counts["hybrid, default"]


def test_the_summary_holds_the_median_and_its_interval(timing, simulate_times):
    found = timing.summary_of(simulate_times(20.0, 0, rounds=40))
    assert found["rounds"] == 40 and found["median_ms"] == pytest.approx(20.0, rel=0.05)
    assert found["interval_ms"][0] <= found["median_ms"] <= found["interval_ms"][1] <= found["p95_ms"]
    assert set(found["stages_ms"]) == {"text", "transformer", "decoder"}
    assert timing.summary_of(simulate_times(20.0, 0, rounds=5))["interval_ms"] is None


def test_a_load_above_the_cores_is_said(timing, tmp_path):
    log = tmp_path / "log.jsonl"
    for load, busy in ((0.0, False), (1e6, True)):
        log.write_text(json.dumps({"round": 0, "load": [0.0, load], "cells": []}) + "\n")
        assert timing.conditions_of(log)["busy"] is busy
    assert timing.conditions_of(tmp_path / "nothing")["load_median"] is None


def test_the_log_belongs_to_its_models(timing, timed, tmp_path):
    models = timed(NAMES[0]).models
    names = {timing.log_of(tmp_path, models), timing.log_of(tmp_path, {}), timing.log_of(tmp_path, dict(models))}
    assert len(names) == 2
    assert np.all([name.parent == tmp_path for name in names])
