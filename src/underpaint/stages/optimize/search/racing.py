"""The race of the best: candidates, rivals and the model before draw in turn, in one run, each in its own process.

Ratios from trials that ran at different times tell a tenth apart; whether a candidate is faster than a rival is
decided here, between neighbors in time, and over several starts of everyone, so that the luck of one process decides
nothing. *Rivals* are exports of the same model that are there already: who ships a
graph in 8 bits asks whether a search finds anything better than it, not than networks in torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import numpy as np

from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.engine_choice import own_graph
from underpaint.pipelines.exported_folder import ExportedModel, shipped_exports
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import PARENT, OptimizedModel
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.capacity import available_memory
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.stages.optimize.search.budget_words import LARGER
from underpaint.stages.optimize.search.config import LEAST_RACED
from underpaint.stages.optimize.search.drawing import CandidateFailed, Drawing, KeptDrawing
from underpaint.stages.optimize.search.record import Beside, Cost, Raced, Reason, Rival, Trial
from underpaint.stages.optimize.search.timing import OutOfTime, Turns, joined, take_turns

MEMORY_SHARE = 0.5
"""Share of the memory that is left which the candidates may take."""
TRIAL_ID = re.compile(r"t-[0-9]+")


def rivals_of(model: Model, named: Sequence[str]) -> tuple[Model, ...]:
    """Return the rivals of a search: the exports in 8 bits that came with the model, and those that the user names.

    Args:
        model: The model before.
        named: Addresses of other exports or optimized models that were made from it.

    Raises:
        InputError: One was made from another model, or is called like another one or like a trial.
        ArtifactError: One is damaged.
    """
    found = [*_shipped(model), *(_named(address, model) for address in named)]
    rivals = list({rival.manifest.digest: rival for rival in found}.values())
    _check_names([rival.name for rival in rivals])
    return tuple(rivals)


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that leave open who is meant, since a search calls its trials ``t-001`` and so on."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two rivals are called {twice}; rename the folder of one of them")
    trial = next((name for name in names if TRIAL_ID.fullmatch(name)), None)
    if trial is not None:
        raise InputError(
            f"a rival is called {trial}, as a trial of the search is; rename its folder to anything but t- and a number"
        )


def _shipped(model: Model) -> Iterator[Model]:
    for address in shipped_exports():
        rival = open_model(address)
        if isinstance(rival, ExportedModel) and rival.edge.precision == "int8" and made_from(rival) == model.digest:
            yield rival


def _named(address: str, model: Model) -> Model:
    rival = open_model(address)
    if made_from(rival) != model.digest:
        raise InputError(
            f"--rival takes what was exported or optimized from {model.name} ({model.digest[:16]}), and {address} was "
            f"not; make one with 'underpaint export {model.name} --int8 --out DIR', or leave it out"
        )
    return rival


def made_from(model: Model) -> str:
    """Return the digest of the model that an exported or optimized one was made from; empty for others."""
    if isinstance(model, ExportedModel):
        return model.edge.model_sha256
    return model.manifest.parents[PARENT] if isinstance(model, OptimizedModel) else ""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Someone who runs.

    Args:
        name: A trial's id, or a rival's name.
        address: What opens it.
        digest: What identifies it.
        disk_mb: Size of its files.
        device: Where it draws.
    """

    name: str
    address: str
    digest: str
    disk_mb: float
    device: str


def runner_of(model: Model, device: str, *, name: str | None = None) -> Runner:
    """Return a model as a runner; graphs draw on the processor.

    Args:
        model: The model.
        device: Where networks draw.
        name: What it is called; None for its own name.
    """
    return Runner(
        name=name or model.name,
        address=model.address,
        digest=model.digest,
        disk_mb=disk_mb(model),
        device=device if own_graph(model) is None else "cpu",
    )


def disk_mb(model: Model) -> float:
    """Return the size of the files that a model draws with."""
    return sum(entry.bytes for entry in model.files.values()) / 1e6


def that_fit(trials: Sequence[Trial]) -> list[Trial]:
    """Return the first candidates whose processes fit into the memory that is left, one at least."""
    room, kept = available_memory(), list(trials[:1])
    for trial in trials[1:]:
        needed = sum(one.cost.peak_rss_mb for one in (*kept, trial) if one.cost is not None) * 1e6
        if room is None or needed <= room * MEMORY_SHARE:
            kept.append(trial)
    return kept


@dataclass(frozen=True, kw_only=True)
class Course:
    """What all of them do.

    Args:
        requests: Drawn one after the other, the same by all.
        starts: How often everyone is started.
        rounds: Pictures of each start that are timed.
        threads: CPU threads of each.
        seed: Of the orders in which they are loaded and draw.
        loss: Looks at a rival's pictures and returns what it loses against the model before.
        clock: What time is read from.
        until_s: What the clock shows when no time is left.
    """

    requests: Sequence[DrawRequest]
    starts: int
    rounds: int
    threads: int
    seed: int
    loss: Callable[[Drawing], float]
    clock: Clock = field(default_factory=SystemClock)
    until_s: float = math.inf

    def in_time(self, seconds: float = 0.0) -> bool:
        """Tell whether more seconds are left than so many."""
        return self.clock.now() + seconds < self.until_s


@dataclass(frozen=True, kw_only=True)
class _Entered:
    """Who can be loaded, and why others cannot."""

    runners: list[Runner]
    losses: dict[str, float]
    lost: dict[str, str]


def race(base: Runner, candidates: Sequence[Runner], rivals: Sequence[Runner], course: Course, report: Report) -> Raced:
    """Let all of them draw in turn, in several starts.

    Who cannot be loaded is left out; where one is lost on the way, nobody's time counts. When no time is
    left, the starts count that were finished, unless they are so few that no interval tells anyone apart. Loading each
    of them alone before the first start, and looking at the rivals' pictures, goes on when no time is left.

    Args:
        base: The model before.
        candidates: Of the trials.
        rivals: The rivals.
        course: What they do.
        report: Receives progress.

    Raises:
        EngineLost: The model before cannot be drawn with.
    """
    entered = _enter(candidates, rivals, course, report)
    peaks = dict.fromkeys([base, *entered.runners], 0.0)
    try:
        starts = [*_starts(peaks, course, report)]
    except CandidateFailed as error:
        return _unfinished(rivals, entered, str(error))
    if len(starts) < (least := min(LEAST_RACED, course.starts)):
        why = f"no time was left for {least} starts of everyone; {LARGER}"
        return _unfinished(rivals, entered, why, course.starts)
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


def _unfinished(rivals: Sequence[Runner], entered: _Entered, why: str, missed_starts: int = 0) -> Raced:
    """Return a race in which nobody's time counts."""
    said = f"the race was not finished: {why}"
    absent = (_absent(rival, entered.lost.get(rival.name, said)) for rival in rivals)
    return Raced(rivals=tuple(absent), missed_starts=missed_starts)


def _enter(candidates: Sequence[Runner], rivals: Sequence[Runner], course: Course, report: Report) -> _Entered:
    """Load each of them alone, and look at the rivals' pictures."""
    entered = _Entered(runners=[], losses={}, lost={})
    for number, runner in enumerate((*candidates, *rivals)):
        report(Progress(task="load for the race", done=number, total=len(candidates) + len(rivals), unit="models"))
        try:
            with Drawing(runner.address, device=runner.device, threads=course.threads) as drawing:
                if number >= len(candidates):
                    entered.losses[runner.name] = course.loss(drawing)
            entered.runners.append(runner)
        except CandidateFailed as error:
            entered.lost[runner.name] = str(error)
    return entered


def _starts(peaks: dict[Runner, float], course: Course, report: Report) -> Iterator[Turns]:
    """Yield the starts that are finished in time; none is begun that does not fit if it is as long as the longest."""
    longest_s, number = 0.0, 0
    with suppress(OutOfTime):
        while number < course.starts and course.in_time(longest_s):
            began = course.clock.now()
            yield _start(number, peaks, course, report)
            longest_s, number = max(longest_s, course.clock.now() - began), number + 1


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
    """Load all of them, the model before first among them, in an order that is drawn."""
    drawings = dict[int, Drawing]()
    for place in rng.permutation(len(runners)).tolist():
        kind, runner = Drawing if place else KeptDrawing, runners[place]
        drawings[place] = stack.enter_context(kind(runner.address, device=runner.device, threads=course.threads))
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
