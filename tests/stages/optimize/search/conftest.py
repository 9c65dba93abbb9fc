"""A search without pictures: what a recipe costs and loses follows from its digest, and it moves the clock itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import underpaint
from underpaint.core.optimization import Change, Effort, Judgement, OptimizationRecipe, Readiness, Step, Verdict
from underpaint.core.progress import Progress, Report, silent
from underpaint.metrics.distribution import student_quantile
from underpaint.pipelines.slots import Capabilities, capabilities_of
from underpaint.runtime.capacity import Capacity
from underpaint.runtime.fingerprint import Cores, Fingerprint, System
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.search.bench import Examined
from underpaint.stages.optimize.search.budget_words import LARGER
from underpaint.stages.optimize.search.config import LEAST_RACED, SearchConfig
from underpaint.stages.optimize.search.frontier import settled
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.record import (
    RACE_LOST,
    Base,
    Begun,
    Beside,
    Cost,
    Limit,
    Raced,
    Ratio,
    Reason,
    Rival,
    Trial,
)
from underpaint.stages.optimize.search.searching import Search
from underpaint.stages.optimize.search.space import Space, space_of
from underpaint.stages.optimize.search.trial_log import TrialLog
from underpaint.stages.optimize.search.unchanged import Made

KID, MATCH = "kid@randconv-v1", "match@randconv-v1"
LIMITS = {name: Limit(limit=0.5, null=0.1, bad=1.0, glance_bad=1.0) for name in (KID, MATCH)}


@dataclass
class MovedClock:
    """A clock that stands still unless it is moved."""

    time_s: float = 0.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds


@pytest.fixture
def moved_clock() -> MovedClock:
    return MovedClock()


def share(recipe: OptimizationRecipe, salt: str) -> float:
    """Return a number in [0, 1) that a recipe always has."""
    return int(OptimizationRecipe(steps=recipe.steps).digest()[salt == "loss" :][:6], 16) / 16**6


@dataclass
class StubBench:
    """Looks at recipes without drawing; every look takes 10 seconds of the clock."""

    space: Space
    clock: MovedClock
    host_class: str = "x86-vnni"
    pace_s: float = 0.05
    base_s: float = 10.0
    race_s: float = 5.0
    race_picture_ms: float = 50.0
    rival: float = 0.5
    lost: str = ""
    examined: list[str] = field(default_factory=list)
    slow: Callable[[], None] = lambda: None

    def picture_s(self, report: Report) -> float:
        return self.pace_s

    def base(self, report: Report) -> Base:
        for done in (1, 2):
            self.clock.sleep(self.base_s)
            report(Progress(task="draw with the model before", done=done, total=2))
        return Base(
            latency_ms=50.0,
            cpu_ms=50.0,
            peak_rss_mb=300.0,
            disk_mb=20.0,
            loading_s=1.2,
            values={},
            limits=LIMITS,
            seconds=0.0,
        )

    def examine(self, recipe: OptimizationRecipe, base: Base, seconds_left: float, report: Report) -> Examined:
        self.clock.sleep(10.0)
        self.slow()
        self.examined.append(recipe.digest())
        ratio, loss = 0.3 + share(recipe, "ratio"), 2.0 * share(recipe, "loss")
        cost = Cost(
            latency_ratio=(ratio, ratio * 0.95, ratio * 1.05),
            cpu_ratio=(ratio, ratio * 0.95, ratio * 1.05),
            latency_ms=50.0 * ratio,
            base_ms=50.0,
            peak_rss_mb=250.0,
            disk_mb=10.0,
            pairs=20,
        )
        quality = {KID: (loss * 0.5, 0.0, 1.0, 96), MATCH: (loss * 0.4, 0.0, 1.0, 96)}
        if ratio >= 0.98:
            return Examined(rung=1, state="dominated", reason=Reason(code="cost.no_gain", text="slow"), cost=cost)
        reason = None if loss <= 1.0 else Reason(code="quality.beyond_margin", text="bad")
        state = "feasible" if reason is None else "rejected"
        digest = recipe.digest()
        return Examined(rung=2, state=state, reason=reason, cost=cost, quality=quality, loss=loss, candidate=digest)

    def candidate(self, recipe: OptimizationRecipe, report: Report) -> Made:
        return Made(folder=Path(recipe.name), digest=recipe.digest())

    def race(self, runners: Sequence[Trial], base: Base, allowed: RaceTime, report: Report) -> Raced:
        """Measure what the trials measured, less exactly with fewer starts, and one rival."""
        took, planned = min(self.race_s, allowed.seconds(self.race_picture_ms)), SearchConfig().starts
        starts = int(planned * took / self.race_s)
        self.clock.sleep(took)
        if starts < LEAST_RACED:
            late = Reason(code="race.no_time", text=f"no time was left to load t-003; {LARGER}")
            return Raced(missed_starts=planned, reason=late)
        if self.lost:
            return Raced(reason=Reason(code=RACE_LOST, text=self.lost))
        costs = {one.id: after(one.cost, starts, planned) for one in runners if one.cost is not None}
        beside = {name: over(cost, self.rival) for name, cost in costs.items()}
        own = next(iter(costs.values()), None)
        exact = (self.rival, self.rival, self.rival)
        cost = own and own.model_copy(update={"latency_ratio": exact, "cpu_ratio": exact})
        rival = Rival(name="export", model_digest="e", cost=cost, loss=0.1, beside=beside)
        return Raced(costs=costs, rivals=(rival,), missed_starts=planned - starts)


def after(cost: Cost, starts: int, planned: int) -> Cost:
    """Return a cost after some starts: with the interval that it has after as many as were planned, or a wider one."""
    wider = reach(starts) / reach(planned)

    def widened(ratio: Ratio) -> Ratio:
        value, low, high = ratio
        return value, value * (low / value) ** wider, value * (high / value) ** wider

    ends = {"latency_ratio": widened(cost.latency_ratio), "cpu_ratio": widened(cost.cpu_ratio)}
    return cost.model_copy(update={"starts": starts, **ends})


def reach(starts: int) -> float:
    """Return how far Student's interval over some starts reaches, in standard deviations of one."""
    return student_quantile(0.975, starts - 1) / starts**0.5


def over(cost: Cost, ratio: float) -> Beside:
    """Return a candidate's time over that of a rival with a ratio to the model before."""
    value, low, high = (end / ratio for end in cost.latency_ratio)
    return Beside(latency_ratio=(value, low, high), cpu_ratio=(value, low, high))


@dataclass
class StubJudge:
    """Says what it is told to say; every verdict takes 60 seconds of the clock."""

    clock: MovedClock
    verdicts: tuple[Verdict, ...] = ("pass",)
    readiness: Readiness = field(default_factory=lambda: Readiness(planted={"int3": "fail"}))
    identity: str = "judge"
    asked: list[str] = field(default_factory=list)

    def groups(self) -> frozenset[str]:
        return frozenset()

    def effort(self) -> Effort:
        return Effort(base=1000, each=1000)

    def prepare(self, report: Report) -> Readiness:
        self.clock.sleep(60.0)
        return self.readiness

    def judge(self, candidate: Path, report: Report) -> Judgement:
        self.clock.sleep(60.0)
        verdict = self.verdicts[min(len(self.asked), len(self.verdicts) - 1)]
        self.asked.append(candidate.name)
        change = Change(delta=0.01, low=-0.02, high=0.04, n=880, margin=0.1)
        return Judgement(verdict=verdict, reasons=("so it is",), quality={"fd@evaluator-64": change}, document={"a": 1})


def machine(*flags: str) -> Fingerprint:
    return Fingerprint(
        processor=Processor(family="x86", flags=flags, flags_known=True),
        cores=Cores(logical=2, allowed=2, physical=2),
        capacity=Capacity.model_construct(),
        gpus=(),
        system=System(name="Linux", machine="x86_64", libc="", python="3.12"),
        engines={},
        environment={},
    )


@pytest.fixture(scope="session")
def bare_machine() -> Callable[..., Fingerprint]:
    """Return a machine with some instructions: ``bare_machine("avx2")``."""
    return machine


@pytest.fixture(scope="session")
def tiny_capabilities(tiny_model: Path) -> Capabilities:
    return capabilities_of(underpaint.load(tiny_model, engine="torch").networks)


@pytest.fixture(scope="session")
def tiny_space(tiny_capabilities: Capabilities) -> Space:
    """What may be varied of the tiny hybrid model on a machine with VNNI, without engines and trainings."""
    space = space_of(tiny_capabilities, machine("avx2", "avx512_vnni"))
    light = tuple(axis for axis in space.axes if axis.name.partition(".")[0] in ("quant", "steps", "guidance"))
    return Space(capabilities=space.capabilities, host=space.host, axes=light, refused=space.refused[:2])


@dataclass
class Stubbed:
    """A search with stubs, and what it used."""

    search: Search
    bench: StubBench
    judge: StubJudge

    @property
    def trials(self) -> list[Trial]:
        return settled(self.search.log.trials, self.search.log.attempts)

    def let_the_race_take(self, seconds: float) -> None:
        """Let the whole race take longer than it was planned for."""
        self.bench.race_s = seconds

    def let_making_take(self, dear_s: float, usual_s: float) -> Step:
        """Let recipes take time to make, those with one step more than the others; return that step."""
        dear, examine = self.bench.space.axes[0].options[0], self.bench.examine

        def slow_to_make(recipe: OptimizationRecipe, base: Base, seconds_left: float, report: Report) -> Examined:
            self.bench.clock.sleep(dear_s if dear in recipe.steps else usual_s)
            return examine(recipe, base, seconds_left, report)

        self.bench.examine = slow_to_make
        return dear


def begun(config: SearchConfig) -> Begun:
    return Begun(key="k", config=config, base="b", judge="j", data="d", host="h", host_class="x86-vnni")


@pytest.fixture
def stubbed(tiny_space: Space, tmp_path: Path) -> Iterator[Callable[..., Stubbed]]:
    """Return what makes a search: ``stubbed(budget_s=600).search.run()``; in the same folder it goes on."""

    logs: list[TrialLog] = []

    def make(folder: str = "search", **options: Any) -> Stubbed:
        clock = MovedClock()
        names = ("verdicts", "readiness")
        judge = StubJudge(clock, **{name: options.pop(name) for name in names if name in options})
        bench = StubBench(tiny_space, clock, slow=options.pop("slow", lambda: None))
        config = SearchConfig(**{"budget_s": 900.0, **options})
        log = TrialLog(tmp_path / folder / "trials.jsonl")
        logs.append(log)
        log.begin(begun(config))
        search = Search(config=config, bench=bench, judge=judge, log=log, clock=clock, report=silent)
        return Stubbed(search, bench, judge)

    yield make
    for log in logs:
        log.close()
