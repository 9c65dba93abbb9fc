"""What cannot be made, or takes too long to make, is told with its reason, and costs no process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from underpaint.core.errors import InputError, OptimizationRefused, StorageError
from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import Progress, Report, silent
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.making import Workshop
from underpaint.stages.optimize.search.quality import Eyes, limits_of, loss_of, unsound
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.record import Base, Raced
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.workbench import Workbench, _remove
from underpaint.stages.optimize.transforms.checking import arranged, step_of

FEWER = arranged(step_of("steps.count", "sampler", steps=1))
TRAINED = arranged(step_of("prune.width", "transformer", hidden=64, recover=2000))
BASE = Base(latency_ms=50.0, cpu_ms=50.0, peak_rss_mb=1.0, disk_mb=1.0, values={}, limits={}, seconds=0.0)

Maker = Callable[[Report, Clock], Path]
"""Makes a candidate, and moves the clock by what that takes."""


@pytest.fixture
def bench(tiny_space: Space, moved_clock: Clock) -> Callable[[Maker], Workbench]:
    """Return what makes a workbench whose candidates are made by a function."""

    def build(make: Maker) -> Workbench:
        class Makes:
            def candidate(self, recipe: OptimizationRecipe, report: Report) -> Path:
                return make(report, moved_clock)

        return Workbench(
            config=SearchConfig(),
            model=cast(Any, None),
            workshop=cast(Workshop, Makes()),
            space=tiny_space,
            host_class="x86-avx2",
            device="cpu",
            eyes=cast(Eyes, None),
            requests=(),
            others=(),
            clock=moved_clock,
        )

    return build


def slowly(report: Report, clock: Clock) -> Path:
    for step in range(100):
        clock.sleep(10.0)
        report(Progress(task="convert", done=step))
    return Path("never")


def raising(error: Exception) -> Maker:
    def make(report: Report, clock: Clock) -> Path:
        raise error

    return make


def test_what_takes_too_long_to_make_is_ended(bench: Callable[..., Workbench]) -> None:
    found = bench(slowly).examine(FEWER, BASE, 500.0, silent)
    assert (found.state, found.reason and found.reason.code) == ("killed", "budget.time")
    assert found.reason is not None and "(convert) took longer than 150 s, 30% of the time left" in found.reason.text


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (OptimizationRefused("no GPU", code="host.cuda"), "refused", "host.cuda"),
        (InputError("too few captions"), "failed", "make.failed"),
    ],
)
def test_what_cannot_be_made_has_a_reason(
    bench: Callable[..., Workbench], error: Exception, state: str, code: str
) -> None:
    found = bench(raising(error)).examine(FEWER, BASE, 500.0, silent)
    assert (found.rung, found.state) == (0, state)
    assert found.reason is not None and (found.reason.code, found.reason.text) == (code, str(error))


def test_a_race_has_the_time_that_is_left_and_making_its_candidates_is_part_of_it(
    bench: Callable[..., Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, in_time = bench(slowly), list[bool]()
    made.rivals = [cast(Any, "rival")]

    def runner_of(*_: object) -> None:
        made.clock.sleep(40.0)

    def race(*told: Any) -> Raced:
        for _ in range(2):
            in_time.append(told[3].in_time())
            made.clock.sleep(15.0)
        return Raced()

    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.runner_of", runner_of)
    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.race", race)
    allowed = RaceTime(left_s=100.0, decision_s=10.0, least_s=0.0, picture_ms=50.0)
    made.race([], BASE, allowed, silent)
    assert in_time == [True, False], "80 s and 95 s after the race began"


def test_a_candidate_that_was_made_before_an_interruption_is_not_made_again(tmp_path: Path) -> None:
    workshop = Workshop(model=cast(Any, None), pipeline=cast(Any, None), prompts=(), folder=tmp_path)
    (tmp_path / "candidates" / FEWER.name).mkdir(parents=True)
    assert workshop.candidate(FEWER, silent) == tmp_path / "candidates" / FEWER.name


def test_a_candidate_that_is_removed_is_made_anew_wherever_its_removal_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "candidate"
    folder.mkdir()
    (folder / "graph").write_bytes(b"graph")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        _remove(folder)
    assert not folder.exists() and len(list(tmp_path.iterdir())) == 1
    folder.mkdir()
    _remove(folder)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_the_search_and_is_no_recipe_s_fault(bench: Callable[..., Workbench]) -> None:
    with pytest.raises(StorageError):
        bench(raising(StorageError("the disk is full"))).examine(FEWER, BASE, 500.0, silent)


def test_a_calibration_without_time_is_not_begun(bench: Callable[..., Workbench]) -> None:
    dear = arranged(step_of("engine.openvino", "pipeline", precision="int8"))
    found = bench(raising(AssertionError("nothing is made"))).examine(dear, BASE, 200.0, silent)
    assert found.reason is not None and (found.state, found.reason.code) == ("infeasible", "budget.making")


def test_a_training_without_time_is_not_begun(bench: Callable[..., Workbench]) -> None:
    found = bench(raising(AssertionError("nothing is made"))).examine(TRAINED, BASE, 900.0, silent)
    assert found.reason is not None and (found.state, found.reason.code) == ("infeasible", "budget.training")
    assert "2000 steps of training take about 40 min" in found.reason.text


def test_what_is_bearable_lies_between_chance_and_known_bad_weights() -> None:
    null = {"kid": (0.01, -0.01, 0.03, 96), "match": (-0.02, -0.03, -0.01, 96)}
    bad = {"kid": (0.2, 0.1, 0.3, 96), "match": (0.01, 0.0, 0.02, 96)}
    limits = limits_of(null, bad, bad)
    assert limits["kid"].limit == pytest.approx(0.1) and limits["match"].limit == pytest.approx(0.04)
    assert loss_of({"kid": (0.05, 0.0, 0.1, 96), "match": (0.06, 0.0, 0.1, 96)}, limits) == pytest.approx(1.5)


def test_unsound_pictures_are_told_apart() -> None:
    good = np.random.default_rng(0).integers(256, size=(2, 8, 8, 4), dtype=np.uint8)
    assert unsound(good, good.copy(), 8) == ""
    assert "of the shape (8, 8, 4) instead of (16, 16, 4)" in unsound(good, good, 16)
    assert "other pixels" in unsound(good, good + np.uint8(1), 8)
    assert "2 of 2 pictures are of one color" in unsound(good * 0, good * 0, 8)
