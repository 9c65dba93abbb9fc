"""The race of the best: candidates, rivals and the model before draw in turn, in one run, each in its own process.

Ratios from trials that ran at different times tell a tenth apart; whether a candidate is faster than a rival is
decided here, between neighbors in time, and over several starts of everyone, so that the luck of one process decides
nothing. Loading counts as time too, that before the first start among it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

import numpy as np

from underpaint.core.errors import EngineLost
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.stages.optimize.search.budget_words import LARGER
from underpaint.stages.optimize.search.config import LEAST_RACED
from underpaint.stages.optimize.search.drawing import LOAD_LIMIT_S, CandidateFailed, Drawing, KeptDrawing
from underpaint.stages.optimize.search.entrants import Runner
from underpaint.stages.optimize.search.record import RACE_LOST, Beside, Cost, Raced, Reason, Rival
from underpaint.stages.optimize.search.timing import OutOfTime, Turns, joined, take_turns


@dataclass(frozen=True, kw_only=True)
class Course:
    """What all of them do.

    Args:
        requests: Drawn one after the other, the same by all.
        starts: How often everyone is started.
        rounds: Pictures of each start that are timed.
        threads: CPU threads of each.
        seed: Of the orders in which they are loaded and draw.
        loss: Looks at a rival's pictures, which may take so many seconds, and returns what it loses against the model
            before.
        clock: What time is read from.
        until_s: Tells what the clock shows when no time is left, by the milliseconds that a picture of the model before
            takes.
        pace_ms: What it took in the race so far; None before it drew.
    """

    requests: Sequence[DrawRequest]
    starts: int
    rounds: int
    threads: int
    seed: int
    loss: Callable[[Drawing, float], float]
    clock: Clock = field(default_factory=SystemClock)
    until_s: Callable[[float | None], float] = lambda _: math.inf
    pace_ms: float | None = None

    def in_time(self, seconds: float = 0.0) -> bool:
        """Tell whether more seconds are left than so many."""
        return self.left_s() > seconds

    def left_s(self) -> float:
        """Return the seconds that are left at the pace of the race so far."""
        return self.until_s(self.pace_ms) - self.clock.now()

    @contextmanager
    def before_the_end(self, doing: str) -> Iterator[float]:
        """Hand out the seconds that are left for something; what fails when they are over fails for want of time.

        Args:
            doing: What is done.

        Raises:
            OutOfTime: No time was left for it.
        """
        why = f"no time was left to {doing}"
        if not self.in_time():
            raise OutOfTime(why)
        try:
            yield self.left_s()
        except (CandidateFailed, EngineLost) as error:
            if self.in_time():
                raise
            raise OutOfTime(why) from error


@dataclass(frozen=True, kw_only=True)
class _Entered:
    """Who can be loaded, and why others cannot."""

    runners: list[Runner]
    losses: dict[str, float]
    lost: dict[str, str]


def race(base: Runner, candidates: Sequence[Runner], rivals: Sequence[Runner], course: Course, report: Report) -> Raced:
    """Let all of them draw in turn, in several starts.

    Who cannot be loaded is left out; where one is lost on the way, nobody's time counts. When no time is
    left, the starts count that were finished, unless they are so few that no interval tells anyone apart. What is
    loaded or looked at then, before the first start or in one, is ended.

    Args:
        base: The model before.
        candidates: Of the trials.
        rivals: The rivals.
        course: What they do.
        report: Receives progress.

    Raises:
        EngineLost: The model before cannot be drawn with.
    """
    entered = _Entered(runners=[], losses={}, lost={})
    try:
        _enter(entered, candidates, rivals, course, report)
        peaks = dict.fromkeys([base, *entered.runners], 0.0)
        starts = [*_starts(peaks, course, report)]
    except OutOfTime as error:
        return _out_of_time(rivals, entered, str(error), course)
    except CandidateFailed as error:
        return _unfinished(rivals, entered, Reason(code=RACE_LOST, text=str(error)))
    if len(starts) < (least := min(LEAST_RACED, course.starts)):
        return _out_of_time(rivals, entered, f"no time was left for {least} starts of everyone", course)
    turns = joined(starts)
    names = [runner.name for runner in entered.runners]
    costs = {
        runner.name: turns.between(place).cost(peaks[runner], runner.disk_mb, course.seed)
        for place, runner in enumerate(entered.runners, 1)
    }
    running = [runner.name for runner in candidates if runner.name in costs]
    beside = {rival.name: _beside(turns, names, running, rival.name, course.seed) for rival in rivals}
    return Raced(
        costs={name: costs[name] for name in running},
        rivals=tuple(_ranked(rival, entered, costs, beside[rival.name]) for rival in rivals),
        missed_starts=course.starts - len(starts),
    )


def _out_of_time(rivals: Sequence[Runner], entered: _Entered, why: str, course: Course) -> Raced:
    """Return a race that no time was left for."""
    return _unfinished(rivals, entered, Reason(code="race.no_time", text=f"{why}; {LARGER}"), course.starts)


def _unfinished(rivals: Sequence[Runner], entered: _Entered, why: Reason, missed_starts: int = 0) -> Raced:
    """Return a race in which nobody's time counts."""
    said = f"the race was not finished: {why.text}"
    absent = (_absent(rival, entered.lost.get(rival.name, said)) for rival in rivals)
    return Raced(rivals=tuple(absent), missed_starts=missed_starts, reason=why)


def _enter(
    entered: _Entered, candidates: Sequence[Runner], rivals: Sequence[Runner], course: Course, report: Report
) -> None:
    """Load each of them alone, and look at the rivals' pictures.

    Raises:
        OutOfTime: No time is left for one of them.
    """
    for number, runner in enumerate((*candidates, *rivals)):
        report(Progress(task="load for the race", done=number, total=len(candidates) + len(rivals), unit="models"))
        try:
            with _load(Drawing, runner, course) as drawing:
                if number >= len(candidates):
                    entered.losses[runner.name] = _loss(drawing, runner, course)
            entered.runners.append(runner)
        except CandidateFailed as error:
            entered.lost[runner.name] = str(error)


def _load(kind: type[Drawing], runner: Runner, course: Course) -> Drawing:
    """Load one of them in the time that is left.

    Raises:
        OutOfTime: That is too short.
    """
    with course.before_the_end(f"load {runner.name}") as left_s:
        limit_s = min(left_s, LOAD_LIMIT_S)
        return kind(runner.address, device=runner.device, threads=course.threads, limit_s=limit_s)


def _loss(drawing: Drawing, rival: Runner, course: Course) -> float:
    """Return what a rival loses, as in ``_load``."""
    with course.before_the_end(f"look at the pictures of {rival.name}") as left_s:
        return course.loss(drawing, left_s)


def _starts(peaks: dict[Runner, float], course: Course, report: Report) -> Iterator[Turns]:
    """Yield the starts that are finished in time; none is begun that does not fit if it is as long as the longest.

    What is left follows from the pace of the starts before.
    """
    longest_s, done = 0.0, list[Turns]()
    with suppress(OutOfTime):
        while len(done) < course.starts and course.in_time(longest_s):
            began = course.clock.now()
            done.append(_start(len(done), peaks, course, report))
            yield done[-1]
            longest_s = max(longest_s, course.clock.now() - began)
            course = replace(course, pace_ms=joined(done).base_ms)


def _start(number: int, peaks: dict[Runner, float], course: Course, report: Report) -> Turns:
    """Start all of them and time them in turn.

    Args:
        number: Of the start, from 0.
        peaks: Everyone, the model before first, to the most memory in MB of its processes so far; is kept up.
        course: What they do.
        report: Receives progress.

    Raises:
        OutOfTime: No time is left to finish it.
    """
    names = ", ".join(runner.name for runner in [*peaks][1:])
    report(Progress(task="race", done=number, total=course.starts, unit="starts", note=names))
    rng = np.random.default_rng([course.seed, number])
    with ExitStack() as stack:
        drawings = _loaded([*peaks], course, stack, rng)
        turns = take_turns(drawings, course.requests, course.rounds, rng, course.in_time)
        for runner, drawing in zip([*peaks], drawings, strict=True):
            peaks[runner] = max(peaks[runner], drawing.peak_mb())
    return turns


def _loaded(
    runners: Sequence[Runner], course: Course, stack: ExitStack, rng: np.random.Generator
) -> tuple[Drawing, ...]:
    """Load all of them, the model before first among them, in an order that is drawn; see ``_load``."""
    drawings = dict[int, Drawing]()
    for place in rng.permutation(len(runners)).tolist():
        kind, runner = Drawing if place else KeptDrawing, runners[place]
        drawings[place] = stack.enter_context(_load(kind, runner, course))
    return tuple(drawings[place] for place in range(len(runners)))


def _beside(turns: Turns, names: Sequence[str], running: Sequence[str], rival: str, seed: int) -> dict[str, Beside]:
    """Return each candidate's time over a rival's; the model before stands before all names."""
    if rival not in names:
        return {}
    places = {name: place for place, name in enumerate(names, 1)}
    return {name: turns.between(places[name], places[rival]).beside(seed) for name in running}


def _ranked(rival: Runner, entered: _Entered, costs: dict[str, Cost], beside: dict[str, Beside]) -> Rival:
    if rival.name in entered.lost:
        return _absent(rival, entered.lost[rival.name])
    loss = entered.losses[rival.name]
    return Rival(name=rival.name, model_digest=rival.digest, cost=costs[rival.name], loss=loss, beside=beside)


def _absent(rival: Runner, why: str) -> Rival:
    return Rival(name=rival.name, model_digest=rival.digest, reason=Reason(code="rival.not_timed", text=why))
