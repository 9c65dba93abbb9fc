from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import InputError, MetricError
from underpaint.runtime.energy import (
    Energy,
    PowerSampler,
    ProcessorModel,
    RaplCounter,
    find_rapl,
    metered,
    processor_seconds,
    total,
    unwrapped,
)


def zone(root: Path, folder: str, name: str, energy: int = 0, wrap: int = 1_000_000) -> Path:
    path = root / "sys/class/powercap" / folder
    path.mkdir(parents=True)
    (path / "name").write_text(name + "\n")
    (path / "energy_uj").write_text(f"{energy}\n")
    (path / "max_energy_range_uj").write_text(f"{wrap}\n")
    return path


@pytest.mark.parametrize(("before", "after", "expected"), [(10, 30, 20), (990, 10, 20), (5, 5, 0)])
def test_a_counter_that_starts_again_loses_nothing(before, after, expected):
    assert unwrapped(before, after, 1000) == expected


def test_a_counter_counts_microjoules_across_its_end(tmp_path):
    path = zone(tmp_path, "intel-rapl:0", "package-0", energy=900_000)
    counter = RaplCounter(path)
    counter.start()
    (path / "energy_uj").write_text("400000")
    assert counter.stop() == (0.5, 0.5, 0.5)


def test_nothing_is_counted_twice(tmp_path):
    for folder, name in {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "uncore",
        "intel-rapl:0:2": "dram",
        "intel-rapl:1": "psys",
        "intel-rapl-mmio:0": "package-0",
    }.items():
        zone(tmp_path, folder, name)
    broken = zone(tmp_path, "intel-rapl:2", "package-1")
    (broken / "energy_uj").unlink()
    assert [counter.component for counter in find_rapl(tmp_path)] == ["package-0", "dram"]


def test_a_machine_without_counters_has_none(tmp_path):
    assert find_rapl(tmp_path) == []


class Script:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_sampled_power_is_the_trapezoid_between_its_readings():
    clock, watts = Script(), iter([10.0, 30.0, 20.0])
    sampler = PowerSampler("gpu-0", lambda: next(watts), period_s=1000.0, clock=clock)
    sampler.start()
    clock.time = 2.0
    sampler.sample()
    clock.time = 3.0
    assert sampler.stop() == (40.0 + 25.0, 20.0 + 20.0, 60.0 + 30.0)


def test_a_model_is_never_surer_than_half():
    spent = iter([0.0, 2.0, 0.0, 2.0])
    narrow = ProcessorModel((10.0, 10.0), lambda: next(spent))
    narrow.start()
    assert narrow.stop() == (20.0, 10.0, 30.0)
    wide = ProcessorModel((2.0, 18.0), lambda: next(spent))
    wide.start()
    assert wide.stop() == (20.0, 4.0, 36.0)


@pytest.mark.parametrize("watts", [(0.0, 3.0), (5.0, 3.0), (-1.0, 1.0)])
def test_an_impossible_range_of_watts_is_refused(watts):
    with pytest.raises(InputError, match="positive and rising"):
        ProcessorModel(watts)


def test_processor_time_is_spent_by_work_alone():
    before = processor_seconds()
    assert sum(range(300_000)) > 0
    assert processor_seconds() > before


def test_a_sum_is_as_good_as_its_weakest_part():
    counted = Energy(component="gpu-0", joules=5.0, low=5.0, high=5.0, method="counter")
    modelled = Energy(component="processor", joules=2.0, low=1.0, high=3.0, method="modelled")
    both = total([counted, modelled])
    assert (both.joules, both.low, both.high, both.method) == (7.0, 6.0, 8.0, "modelled")
    assert total([counted]).method == "counter"
    with pytest.raises(MetricError, match="no meter"):
        total([])


def test_meters_stop_even_when_the_work_fails():
    sampler = PowerSampler("gpu-0", lambda: 1.0, period_s=1000.0)

    def fail() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        metered(fail, [sampler])
    assert metered(lambda: None, [sampler])[0].component == "gpu-0"
