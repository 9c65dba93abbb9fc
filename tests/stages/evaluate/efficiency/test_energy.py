from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from underpaint.core.errors import MissingDependency, SetupError, TooFewSamples
from underpaint.runtime.energy import Energy, ProcessorModel
from underpaint.stages.evaluate.efficiency import energy
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan

PLAN = EfficiencyPlan(energy_windows=5, energy_window_s=5.0, idle_s=10.0, cooldown_s=1.0)


class Counter:
    """A counter of a machine that takes 20 W at rest and 30 W more at work."""

    component = "package-0"
    update_s = 0.1

    def __init__(self, clock, busy: list[float], method: str = "counter") -> None:
        self.clock, self.busy, self.method = clock, busy, method

    def joules(self) -> float:
        return 20.0 * self.clock.now() + 30.0 * sum(self.busy)

    def start(self) -> None:
        self.before = self.joules()

    def stop(self) -> tuple[float, float, float]:
        spent = self.joules() - self.before
        return spent, spent, spent


def working(clock, busy: list[float], seconds: float = 0.5):
    def draw(index: int) -> None:
        clock.sleep(seconds)
        busy.append(seconds)

    return draw


def test_gross_and_idle_subtracted_energy_of_a_counter(clock):
    busy: list[float] = []
    part = energy.measure_energy(working(clock, busy), [Counter(clock, busy)], PLAN, clock)  # pyright: ignore[reportArgumentType]
    (one,) = part.measurements
    assert one.value == pytest.approx(25.0) and one.energy_method == "counter" and one.n == 5
    assert part.details["idle_w"] == pytest.approx(20.0)
    assert part.details["idle_subtracted_j"] == pytest.approx(15.0)
    assert part.details["components"]["package-0"] == {"j_per_image": pytest.approx(25.0), "method": "counter"}


def test_few_or_short_windows_are_refused_for_counters(clock):
    busy: list[float] = []
    meter = Counter(clock, busy)
    short = PLAN.model_copy(update={"energy_window_s": 1.0})
    with pytest.raises(TooFewSamples, match="too short for package-0, which needs 5 s"):
        energy.measure_energy(working(clock, busy), [meter], short, clock)  # pyright: ignore[reportArgumentType]
    few = PLAN.model_copy(update={"energy_windows": 4})
    with pytest.raises(TooFewSamples, match="needs 5 windows, got 4"):
        energy.measure_energy(working(clock, busy), [meter], few, clock)  # pyright: ignore[reportArgumentType]


def test_twenty_updates_of_a_slow_counter_make_a_window(clock):
    busy: list[float] = []
    meter = Counter(clock, busy)
    meter.update_s = 1.0
    with pytest.raises(TooFewSamples, match="needs 20 s"):
        energy.measure_energy(working(clock, busy), [meter], PLAN, clock)  # pyright: ignore[reportArgumentType]


def test_a_model_has_short_windows_and_at_least_half_on_either_side(clock):
    meter = ProcessorModel((10.0, 10.0), clock.now)
    plan = PLAN.model_copy(update={"energy_window_s": 0.1})
    part = energy.measure_energy(working(clock, []), [meter], plan, clock)
    (one,) = part.measurements
    assert one.energy_method == "modelled" and one.value == pytest.approx(5.0)
    assert one.interval is not None and (one.interval.low, one.interval.high) == (
        pytest.approx(2.5),
        pytest.approx(7.5),
    )
    assert part.details["idle_subtracted_j"] is None and "memory" in part.details["not_included"]


def test_the_interval_is_students_over_windows():
    joules = [10.0, 12.0, 11.0, 13.0, 9.0]
    windows = [
        energy.Window(
            images=2,
            seconds=5.0,
            parts=[Energy(component="package-0", joules=2 * j, low=2 * j, high=2 * j, method="counter")],
        )
        for j in joules
    ]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(joules), scale=stats.sem(joules))
    found = energy.interval_of(windows)
    assert (found.low, found.high) == (pytest.approx(low, rel=2e-3), pytest.approx(high, rel=2e-3))


def test_the_processor_without_counters_is_modelled(monkeypatch):
    monkeypatch.setattr(energy, "find_rapl", list)
    (meter,) = energy.find_meters(torch.device("cpu"), (2.0, 15.0))
    assert meter.method == "modelled"


def test_a_gpu_without_nvml_has_no_energy_rather_than_a_wrong_one(monkeypatch):
    def missing(index: int) -> None:
        raise MissingDependency("install pynvml")

    monkeypatch.setattr(energy.nvml, "Gpu", missing)
    with pytest.raises(MissingDependency):
        energy.find_meters(torch.device("cuda:0"), (2.0, 15.0))
    with pytest.raises(SetupError, match="no energy meter"):
        energy.find_meters(torch.device("mps"), (2.0, 15.0))
