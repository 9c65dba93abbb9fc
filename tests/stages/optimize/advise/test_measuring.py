from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import InputError
from underpaint.core.progress import Progress
from underpaint.pipelines.generator import Generator, load_opened
from underpaint.runtime.energy import Meter
from underpaint.runtime.fingerprint import Fingerprint, read_fingerprint
from underpaint.runtime.gpu import Gpu, Gpus
from underpaint.stages.optimize.advise.measured import FILE
from underpaint.stages.optimize.advise.measuring import measure, place_named
from underpaint.stages.optimize.advise.power import measured_power
from underpaint.stages.optimize.advise.rounds import LOG, MeasurePlan, affordable, plan_for, read_rounds, requests_of

DAY, LATER = date(2026, 1, 2), date(2026, 1, 3)
PLAN = MeasurePlan(sizes=(1, 2), seconds=0.2)


class Counting:
    """A clock of which every reading is 10 ms later."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 0.01
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(autouse=True)
def load(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The load average that the system tells; nothing runs until a test says so."""
    told = [0.0]
    monkeypatch.setattr(os, "getloadavg", lambda: (told[0], 0.0, 0.0), raising=False)
    return told


@pytest.fixture
def generator(tiny: Any) -> Generator:
    return load_opened(tiny)


@pytest.fixture
def here() -> Fingerprint:
    return read_fingerprint(gpus=Gpus())


def test_a_measurement_names_model_and_machine_and_is_not_made_twice(
    generator: Generator, here: Fingerprint, tmp_path: Path
) -> None:
    told: list[Progress] = []
    measured = measure(generator, here, PLAN, tmp_path, DAY, told.append, Counting())
    assert (measured.model_digest, measured.fingerprint) == (generator.model.digest, here.digest())
    assert (measured.host_class, measured.device, measured.day) == (here.host_class, "cpu", DAY)
    assert [batch.size for batch in measured.batches] == [1, 2]
    assert all(took == pytest.approx(10.0) for batch in measured.batches for took in batch.times_ms)
    assert told[-1].done == told[-1].total
    again = measure(generator, here, PLAN, tmp_path, LATER, told.append, Counting())
    assert again == measured


def test_what_was_measured_on_a_busy_machine_is_told_and_measured_anew(
    generator: Generator, here: Fingerprint, tmp_path: Path, load: list[float]
) -> None:
    load[0] = 99.0
    disturbed = measure(generator, here, PLAN, tmp_path, DAY, clock=Counting())
    assert "99.00" in disturbed.noise[0]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    load[0] = 0.0
    anew = measure(generator, here, PLAN, tmp_path, LATER, clock=Counting())
    assert (anew.day, anew.noise) == (LATER, ())


def test_a_disturbed_measurement_that_was_kept_is_not_taken(
    generator: Generator, here: Fingerprint, tmp_path: Path
) -> None:
    kept = measure(generator, here, PLAN, tmp_path, DAY, clock=Counting())
    (file,) = tmp_path.glob(f"*/{FILE}")
    file.write_text(kept.model_copy(update={"noise": ("others ran",)}).model_dump_json())
    assert measure(generator, here, PLAN, tmp_path, LATER, clock=Counting()).day == LATER


def test_rounds_of_a_busy_time_before_an_interruption_are_told(
    generator: Generator, here: Fingerprint, tmp_path: Path, load: list[float]
) -> None:
    def interrupted(progress: Progress) -> None:
        if progress.unit == "seconds":
            raise KeyboardInterrupt

    load[0] = 99.0
    with pytest.raises(KeyboardInterrupt):
        measure(generator, here, PLAN, tmp_path, DAY, interrupted, Counting())
    load[0] = 0.0
    assert "99.00" in measure(generator, here, PLAN, tmp_path, DAY, clock=Counting()).noise[0]


def test_another_machine_or_plan_is_measured_anew(generator: Generator, here: Fingerprint, tmp_path: Path) -> None:
    measure(generator, here, PLAN, tmp_path, DAY, clock=Counting())
    other = here.model_copy(update={"environment": {"OMP_NUM_THREADS": "7"}})
    assert measure(generator, other, PLAN, tmp_path, LATER, clock=Counting()).day == LATER
    longer = PLAN.model_copy(update={"seconds": 0.25})
    assert measure(generator, here, longer, tmp_path, LATER, clock=Counting()).day == LATER
    assert len(list(tmp_path.iterdir())) == 3


def test_an_interrupted_measurement_goes_on_after_the_last_whole_round(
    generator: Generator, here: Fingerprint, tmp_path: Path
) -> None:
    def interrupted(progress: Progress) -> None:
        if progress.unit == "seconds":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(generator, here, PLAN, tmp_path, DAY, interrupted, Counting())
    (log,) = tmp_path.glob(f"*/{LOG}")
    before = list(read_rounds(log))
    assert before
    log.write_text(log.read_text() + "[[1, 5.0], [2")
    measured = measure(generator, here, PLAN, tmp_path, DAY, clock=Counting())
    assert list(read_rounds(log))[: len(before)] == before
    assert sum(len(batch.times_ms) for batch in measured.batches) == len(list(read_rounds(log)))


def test_sizes_that_would_take_all_of_the_time_are_left_out() -> None:
    assert affordable(MeasurePlan(seconds=6.0), 100.0) == [1, 2, 4, 8]
    assert affordable(MeasurePlan(seconds=6.0), 300.0) == [1, 2]
    assert affordable(MeasurePlan(seconds=6.0), 9000.0) == [1]


def test_pictures_are_drawn_as_the_model_draws_by_default(generator: Generator) -> None:
    requests = requests_of(generator)
    assert len({request.caption for request in requests}) == len(requests) == 6
    assert {request.seed for request in requests} != {None}


def test_a_gpu_that_is_not_used_does_not_decide_the_class(here: Fingerprint) -> None:
    gpu = Gpu(name="a GPU", capability=(9, 0), memory_bytes=None, driver="1")
    both = here.model_copy(update={"gpus": (gpu,)})
    assert both.host_class == "cuda-sm90"
    assert place_named(None, both).host_class == here.host_class
    assert place_named("cuda:0", both).host_class == "cuda-sm90"
    assert place_named("mps", both).host_class == "other"
    assert place_named("cuda", here).host_class == "other"


def test_time_that_cannot_be_spent_is_refused() -> None:
    assert plan_for("cuda", 5.0).sizes[-1] > plan_for(None, 5.0).sizes[-1]
    with pytest.raises(InputError, match="seconds"):
        plan_for(None, 0.0)


class Steady:
    """A meter of a machine that takes 20 W at rest and 60 W at work."""

    component, method, update_s = "package-0", "counter", 0.001

    def __init__(self, clock: Counting, working: list[bool]) -> None:
        self.clock, self.working = clock, working
        self.before = 0.0

    def start(self) -> None:
        self.working[0] = False
        self.before = self.clock.time

    def stop(self) -> tuple[float, float, float]:
        joules = (self.clock.time - self.before) * (60.0 if self.working[0] else 20.0)
        return joules, joules, joules


def test_power_is_told_at_rest_and_at_work() -> None:
    clock, working = Counting(), [False]
    meters: list[Meter] = [Steady(clock, working)]  # pyright: ignore[reportAssignmentType]
    told: list[tuple[int, int]] = []

    def draw() -> None:
        working[0] = True

    power = measured_power(draw, meters, clock, lambda *counts: told.append(counts), windows=3, seconds=2.0)
    assert power is not None
    assert power.idle[1] == pytest.approx(20.0, rel=0.03)
    assert power.busy[1] == pytest.approx(60.0, rel=0.03)
    assert (power.components, power.method, told[-1]) == (("package-0",), "counter", (6, 6))
    assert power.busy[0] <= power.busy[1] <= power.busy[2]


def test_a_graph_is_measured_and_advised_on_without_torch() -> None:
    modules = ", ".join(f"underpaint.stages.optimize.advise.{name}" for name in ("measuring", "run", "text", "writing"))
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_meter_no_power_is_told() -> None:
    assert measured_power(lambda: None, [], Counting(), lambda *_: None) is None
