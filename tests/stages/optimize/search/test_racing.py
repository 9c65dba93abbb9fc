"""The best and the rivals run side by side: who cannot run is left out with its reason, and time is kept to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import pytest

from underpaint.core.errors import EngineLost
from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import silent
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.search.config import LEAST_RACED, LEAST_STARTS
from underpaint.stages.optimize.search.drawing import CandidateFailed, Drawing
from underpaint.stages.optimize.search.entrants import Runner
from underpaint.stages.optimize.search.frontier import ladder
from underpaint.stages.optimize.search.frontier import raced as after
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.racing import Course, race
from underpaint.stages.optimize.search.record import Cost, Trial
from underpaint.stages.optimize.search.timing import WARM_UPS
from underpaint.stages.optimize.search.trial_log import line_of, row_of
from underpaint.stages.optimize.transforms.checking import arranged, step_of

TOOK = {"base": 60.0, "t-001": 20.0, "t-002": 40.0, "export": 30.0, "fast": 36.0, "short": 56.0}
"""Milliseconds of a picture by address."""
LOADING_S = 2.0
SLOW_S = 500.0
"""Loading whatever is called slow."""


@dataclass
class Steady:
    """A model that always takes as long, in no process."""

    clock: ClassVar[Clock]
    """Shows how many pictures were drawn: each takes a second of it, however long it says that it took."""
    address: str
    device: str = "cpu"
    threads: int = 1
    limit_s: float = math.inf
    drawn: int = field(default=0)

    def __post_init__(self) -> None:
        if self.address == "broken":
            raise CandidateFailed("no such graph")
        loading_s = SLOW_S if "slow" in self.address else LOADING_S
        self.clock.sleep(min(loading_s, self.limit_s))
        if loading_s > self.limit_s:
            raise CandidateFailed(f"it took longer than {self.limit_s:.0f} s", killed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        self.drawn += 1
        self.clock.sleep(1.0)
        if self.address == "mortal" and self.drawn > 12:
            raise CandidateFailed("its process ended with signal 9", killed=True)
        return TOOK.get(self.address, 50.0), TOOK.get(self.address, 50.0)

    def peak_mb(self) -> float:
        return 100.0


def kept(address: str, **options: Any) -> Steady:
    """Return the model before, which nothing goes on without."""
    try:
        return Steady(address, **options)
    except CandidateFailed as error:
        raise EngineLost(str(error)) from None


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch, moved_clock: Clock) -> None:
    monkeypatch.setattr(Steady, "clock", moved_clock, raising=False)
    for name, loaded in (("Drawing", Steady), ("KeptDrawing", kept)):
        monkeypatch.setattr(f"underpaint.stages.optimize.search.racing.{name}", loaded)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))


COURSE = Course(
    requests=[DrawRequest(caption="a", seed=0)], starts=3, rounds=10, threads=1, seed=0, loss=lambda *_: 0.25
)


def runner(address: str) -> Runner:
    return Runner(name=address, address=address, digest=f"{address}-digest", disk_mb=9.0, device="cpu")


def run(candidates: list[str], rivals: list[str], course: Course = COURSE) -> Any:
    return race(runner("base"), [*map(runner, candidates)], [*map(runner, rivals)], course, silent)


def test_each_candidate_is_told_beside_the_model_before_and_beside_each_rival() -> None:
    raced = run(["t-001", "t-002"], ["export"])
    assert {name: round(cost.latency_ratio[0], 6) for name, cost in raced.costs.items()} == {
        "t-001": round(1 / 3, 6),
        "t-002": round(2 / 3, 6),
    }
    (rival,) = raced.rivals
    assert (rival.name, rival.model_digest, rival.loss) == ("export", "export-digest", 0.25)
    assert rival.cost.latency_ratio[0] == pytest.approx(0.5) and (rival.cost.pairs, rival.cost.starts) == (30, 3)
    assert rival.beside["t-001"].by("wall")[0] == pytest.approx(2 / 3)
    assert rival.beside["t-002"].by("processor")[0] == pytest.approx(4 / 3)


def test_a_rival_that_cannot_be_loaded_says_why_and_the_others_run() -> None:
    raced = run(["t-001"], ["broken", "export"])
    broken, export = raced.rivals
    assert broken.cost is None and broken.reason.text == "no such graph" and not broken.beside
    assert export.beside.keys() == raced.costs.keys() == {"t-001"}


def test_where_one_is_lost_on_the_way_nobody_s_time_counts() -> None:
    raced = run(["t-001", "mortal"], ["export"])
    assert not raced.costs and raced.reason.code == "race.lost"
    assert "the race was not finished: its process ended with signal 9" in raced.rivals[0].reason.text
    assert run(["mortal"], ["broken"]).rivals[0].reason.text == "no such graph", "a reason of its own is kept"


A_START_S = 3 * (LOADING_S + WARM_UPS + COURSE.rounds)
"""What a start of three entrants takes."""
BEFORE_S = 2 * LOADING_S
"""What loading each of two alone takes."""


def in_time(course: Course, seconds: float) -> Course:
    """Return a course with so much time for the starts of three entrants."""
    until_s = Steady.clock.now() + BEFORE_S + seconds
    return replace(course, clock=Steady.clock, until_s=lambda _: until_s)


def run_in_time(starts: int, seconds: float) -> Any:
    """Let a candidate and a rival race where time is short."""
    return run(["t-001"], ["export"], in_time(replace(COURSE, starts=starts), seconds))


def test_when_no_time_is_left_the_starts_count_that_were_finished() -> None:
    whole, cut = run_in_time(5, 5 * A_START_S + 1), run_in_time(5, 5 * A_START_S)
    assert (whole.missed_starts, cut.missed_starts) == (0, 1)
    assert (cut.costs["t-001"].starts, cut.costs["t-001"].pairs) == (LEAST_RACED, 40)
    (rival,) = cut.rivals
    assert rival.cost.starts == LEAST_RACED and rival.beside.keys() == {"t-001"}


@pytest.mark.parametrize(("starts", "least"), [(LEAST_STARTS, 2), (3, 3), (LEAST_RACED, 4), (12, 4)])
def test_starts_that_are_too_few_to_tell_anyone_apart_are_no_race(starts: int, least: int) -> None:
    raced = run_in_time(starts, least * A_START_S)
    assert not raced.costs and raced.missed_starts == starts
    (rival,) = raced.rivals
    assert rival.cost is None and not rival.beside
    assert rival.reason.text == (
        f"the race was not finished: no time was left for {least} starts of everyone; give a larger --budget"
    )
    assert run_in_time(starts, least * A_START_S + 1).costs


@pytest.mark.parametrize(("starts_s", "loads"), [(-1.0, 0), (1.0, 1), (A_START_S + 1.0, 3)])
def test_nobody_is_loaded_for_a_start_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, starts_s: float, loads: int
) -> None:
    loaded = list[str]()

    def load(address: str, **options: Any) -> Steady:
        loaded.append(address)
        return Steady(address, **options)

    for name in ("Drawing", "KeptDrawing"):
        monkeypatch.setattr(f"underpaint.stages.optimize.search.racing.{name}", load)
    assert run_in_time(12, starts_s).missed_starts == 12
    assert len(loaded) == 2 + loads, "each alone, and all for the starts that are begun, until no time is left"


def test_no_start_is_begun_that_does_not_fit_if_it_takes_as_long_as_the_longest(moved_clock: Clock) -> None:
    assert run_in_time(12, 5.9 * A_START_S).missed_starts == 7
    assert moved_clock.now() == pytest.approx(BEFORE_S + 5 * A_START_S)


@pytest.mark.parametrize(("planned_ms", "slower"), [(120.0, 1.0), (60.0, 1.0), (40.0, 1.5), (20.0, 3.0)])
def test_a_race_leaves_the_decision_as_much_more_time_as_pictures_take_longer_than_planned(
    moved_clock: Clock, planned_ms: float, slower: float
) -> None:
    """The model before takes 60 ms; a decision was planned for the time of two starts."""
    left_s = BEFORE_S + 12 * A_START_S + 1.0
    allowed = RaceTime(left_s=left_s, decision_s=2 * A_START_S, least_s=0.0, picture_ms=planned_ms)
    raced = run(["t-001"], ["export"], replace(COURSE, starts=12, clock=moved_clock, until_s=allowed.seconds))
    assert raced.missed_starts == 2 * slower
    assert moved_clock.now() + slower * allowed.decision_s == pytest.approx(left_s - 1.0)


@pytest.mark.parametrize(
    ("candidates", "rivals", "late"),
    [
        (["slow", "t-001"], ["broken", "export"], "slow"),
        (["t-001", "slow"], ["broken", "export"], "slow"),
        (["t-001"], ["broken", "slow rival", "export"], "slow rival"),
    ],
)
def test_a_load_before_the_first_start_ends_the_race_when_no_time_is_left(
    moved_clock: Clock, candidates: list[str], rivals: list[str], late: str
) -> None:
    raced = run(candidates, rivals, replace(COURSE, starts=12, clock=moved_clock, until_s=lambda _: 60.0))
    assert moved_clock.now() == 60.0 and (raced.costs, raced.missed_starts) == ({}, 12)
    assert (raced.reason.code, raced.reason.text) == (
        "race.no_time",
        f"no time was left to load {late}; give a larger --budget",
    )
    assert raced.rivals[-1].reason.text == f"the race was not finished: {raced.reason.text}"
    assert row_of(line_of(raced), "line 1") == raced, "the log keeps the reason"


def test_the_pictures_of_a_rival_end_the_race_when_no_time_is_left(moved_clock: Clock) -> None:
    def look(drawing: Any, left_s: float) -> float:
        moved_clock.sleep(left_s)
        raise CandidateFailed(f"it took longer than {left_s:.0f} s", killed=True)

    raced = run(["t-001"], ["export"], replace(COURSE, clock=moved_clock, until_s=lambda _: 60.0, loss=look))
    assert moved_clock.now() == 60.0
    assert raced.reason.text == "no time was left to look at the pictures of export; give a larger --budget"


def test_where_the_model_before_loads_too_slowly_the_race_ends_and_not_the_search(moved_clock: Clock) -> None:
    course = replace(COURSE, clock=moved_clock, until_s=lambda _: 60.0)
    raced = race(runner("slow"), [runner("t-001")], [], course, silent)
    assert moved_clock.now() == 60.0 and raced.missed_starts == COURSE.starts
    assert raced.reason is not None and raced.reason.code == "race.no_time"
    with pytest.raises(EngineLost, match="no such graph"):
        race(runner("broken"), [runner("t-001")], [], replace(course, until_s=lambda _: 900.0), silent)


@dataclass
class Machine:
    """A machine on which the same model raced against itself is not the same: what a race must see through.

    Args:
        rng: Of the luck of processes and pictures.
        last: Who drew last.
        place: How many of this round drew already.
    """

    rng: np.random.Generator
    last: str = ""
    place: int = 0

    def process(self, address: str, **_: Any) -> Drawing:
        return cast(Drawing, Moody(address, machine=self, luck=0.02 * self.rng.standard_normal()))


@dataclass
class Moody(Steady):
    """A process that is as fast as its start, slower after another than after itself, and slower late in a round."""

    machine: Machine = field(kw_only=True)
    luck: float = field(kw_only=True)

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        machine = self.machine
        self.clock.sleep(1.0)
        slower = 0.03 * (machine.last != self.address) + 0.02 * machine.place
        machine.last, machine.place = self.address, (machine.place + 1) % 3
        took = TOOK.get(self.address, 50.0) * float(np.exp(self.luck + slower + 0.05 * machine.rng.standard_normal()))
        return took, took


RACES = 200


def use_a_moody_machine(monkeypatch: pytest.MonkeyPatch, *seed: int) -> None:
    machine = Machine(np.random.default_rng(seed))
    for name in ("Drawing", "KeptDrawing"):
        monkeypatch.setattr(f"underpaint.stages.optimize.search.racing.{name}", machine.process)


def shares_that_hold_one(monkeypatch: pytest.MonkeyPatch, starts: int) -> float:
    held = 0
    for number in range(RACES):
        use_a_moody_machine(monkeypatch, number, starts)
        course = replace(COURSE, starts=starts, rounds=60 // starts, seed=number)
        raced = race(runner("before"), [runner("same")], [runner("again")], course, silent)
        _, low, high = raced.costs["same"].latency_ratio
        held += low <= 1.0 <= high
    return held / RACES


def test_a_model_that_races_against_itself_is_as_fast_as_itself_in_95_of_100_races_of_six_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 races: .95 has a standard error of .015."""
    assert 0.91 <= shares_that_hold_one(monkeypatch, 6) <= 0.99


@pytest.mark.exhaustive
def test_one_start_holds_for_its_own_processes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shares_that_hold_one(monkeypatch, 1) < 0.85


def looked_at(name: str, ratio: float, loss: float, recipe: OptimizationRecipe) -> Trial:
    sizes = dict.fromkeys(("latency_ms", "base_ms", "peak_rss_mb", "disk_mb"), 1.0)
    near = (ratio, ratio - 0.02, ratio + 0.02)
    cost = Cost.model_validate({"latency_ratio": near, "cpu_ratio": near, "pairs": 20, **sizes})
    values = {"id": name, "origin": "start", "rung": 2, "state": "feasible", "cost": cost, "loss": loss}
    return Trial.model_validate({**values, "recipe": recipe, "recipe_digest": recipe.digest()})


@pytest.mark.parametrize("starts", [0, 1, 2, 3, LEAST_RACED, 6, 12])
def test_wherever_a_race_ends_the_one_look_that_is_left_goes_to_the_fastest(
    monkeypatch: pytest.MonkeyPatch, starts: int
) -> None:
    one = step_of("steps.count", "sampler", steps=1)
    both = arranged(one, step_of("engine.onnx", "pipeline", precision="int8"))
    trials = [looked_at("fast", 0.6, 0.3, both), looked_at("short", 0.93, 0.05, arranged(one))]
    for number in range(RACES // 4):
        use_a_moody_machine(monkeypatch, number, starts)
        course = in_time(replace(COURSE, starts=12, seed=number), starts * A_START_S + 1)
        found = race(runner("base"), [runner("fast"), runner("short")], [], course, silent)
        one_look = found.model_copy(update={"looks": 1})
        assert [trial.id for trial in ladder(after(trials, found), 0.98, one_look)] == ["fast"]
