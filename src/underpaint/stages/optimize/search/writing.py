"""What a search leaves: a model with its recipe and proof, or the record alone, and the page for people."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, seal, staging, storage_errors, verify
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.optimized_folder import KIND as OPTIMIZED
from underpaint.pipelines.optimized_folder import PARENT, OptimizedSettings
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.stages.optimize.saving import PACKAGES, STAGE
from underpaint.stages.optimize.search.config import ATTEMPTS
from underpaint.stages.optimize.search.coverage import covered
from underpaint.stages.optimize.search.frontier import accepted, front, raced, runners, settled, timer_of
from underpaint.stages.optimize.search.frontier_file import Attempts, Budget, Frontier, Host
from underpaint.stages.optimize.search.outcome import outcome_of
from underpaint.stages.optimize.search.page import search_page
from underpaint.stages.optimize.search.record import Attempt, Trial
from underpaint.stages.optimize.search.samples import sampled
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.task import Task
from underpaint.stages.optimize.search.trial_log import TRIALS, TrialLog, remove_workspace
from underpaint.stages.optimize.search.unchanged import insist_on, made_in
from underpaint.stages.optimize.search.workbench import Workbench

SEARCH = "search"
"""Kind of an artifact that holds a search which accepted nothing."""
JUDGED = "judged"
"""Role of the candidate as the judge saw it, before the records of the search were put beside it."""
FRONTIER, GATE, PAGE = "frontier.json", "gate.json", "search.html"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished search.

    Args:
        frontier: All of it.
        manifest: Of the folder that was written.
    """

    frontier: Frontier
    manifest: Manifest


def frontier_of(task: Task, log: TrialLog, host: Fingerprint, host_class: str, ended: str, space: Space) -> Frontier:
    """Put the record of a search together.

    Args:
        task: What was asked.
        log: What was done.
        host: The machine.
        host_class: Its class.
        ended: Why the search ended.
        space: What could be varied.
    """
    base, ready, race = log.base, log.ready, log.raced
    assert base is not None
    assert ready is not None
    entered = raced(log.trials, race)
    timer = timer_of(entered, race)
    trials = settled(entered, log.attempts, timer)
    passed = accepted(entered, log.attempts, race)
    chosen = next((trial for trial in trials if passed is not None and trial.id == passed.trial), None)
    regions = covered(space, trials)
    rivals, missed = (race.rivals, race.missed_starts) if race else ((), 0)
    absent = [one.id for one in runners(log.trials, task.config.gain) if race is None or one.id not in race.costs]
    return Frontier(
        base=task.model.name,
        base_address=task.address,
        base_digest=task.model.digest,
        base_cost=base,
        limits=base.limits,
        judge_digest=task.judge.identity,
        policy=task.policy,
        host=Host(fingerprint=host.model_dump(mode="json"), host_class=host_class),
        data_digests={"dataset": read_manifest(task.data).digest},
        config=task.config,
        budget=Budget(asked=task.config.budget_s, used=log.seconds),
        attempts=Attempts(used=len(log.attempts), most=race.looks if race else ATTEMPTS),
        margins=_margins(log),
        readiness=ready.readiness,
        frontier=tuple(trial.id for trial in front(trials, timer=timer)),
        chosen=chosen and chosen.id,
        ended=ended,
        trials=tuple(trials),
        timer=timer,
        rivals=rivals,
        outcomes=tuple(
            outcome_of(rival, chosen, trials, log.attempts, regions, timer, absent, missed) for rival in rivals
        ),
        space=regions,
    )


def _deciding(frontier: Frontier, log: TrialLog) -> Attempt | None:
    """Return the judgement of the chosen candidate, or the last one if none was chosen; None if nothing was judged."""
    found = (attempt for attempt in log.attempts if attempt.trial == frontier.chosen)
    return next(found, log.attempts[-1] if log.attempts else None)


def _margins(log: TrialLog) -> dict[str, float]:
    judged = [attempt.judgement.quality for attempt in log.attempts]
    return {name: change.margin for found in judged for name, change in found.items() if change.margin is not None}


def write_search(
    task: Task, bench: Workbench, log: TrialLog, host: Fingerprint, ended: str, report: Report
) -> Finished:
    """Write the result of a search, whole or not at all, and remove what it needed to go on.

    Raises:
        ArtifactError: What would be handed out is not what was judged, file by file.
        StorageError: The folder cannot be written.
    """
    report(Progress(task="write the result", done=0))
    frontier = frontier_of(task, log, host, bench.host_class, ended, bench.space)
    chosen, decided = frontier.accepted, _deciding(frontier, log)
    folder = bench.candidate(chosen.recipe, report).folder if chosen else None
    pictures = sampled(bench, folder, frontier.base_cost) if folder else ()
    with staging(task.out) as place:
        if folder is not None:
            assert decided is not None
            shutil.copytree(folder, place, dirs_exist_ok=True)
            insist_on(decided.candidate, made_in(place), f"was judged as {decided.trial}")
            (place / MANIFEST).unlink()
        _write_records(place, frontier, log, search_page(frontier, pictures, task.command, str(task.out), task.chart))
        manifest = _seal(place, task, frontier, folder)
    log.close()
    remove_workspace(log.path.parent)
    return Finished(frontier=frontier, manifest=manifest)


def finished_in(out: Path, log: TrialLog, report: Report) -> Finished:
    """Return a search whose result is there, and remove what it needed to go on, which an interruption left.

    Args:
        out: Where the result lies.
        log: Of the same search.
        report: Receives progress.

    Raises:
        ArtifactError: The result is damaged.
    """
    report(Progress(task="the result is there; remove what the search needed to go on", done=0))
    manifest = verify(out)
    frontier = Frontier.model_validate_json((out / FRONTIER).read_text(encoding="utf-8"))
    log.close()
    remove_workspace(log.path.parent)
    return Finished(frontier=frontier, manifest=manifest)


def _write_records(place: Path, frontier: Frontier, log: TrialLog, page: str) -> None:
    with storage_errors(place):
        (place / FRONTIER).write_text(frontier.model_dump_json(indent=2) + "\n", encoding="utf-8")
        shutil.copyfile(log.path, place / TRIALS)
        (place / PAGE).write_text(page, encoding="utf-8")
        if decided := _deciding(frontier, log):
            (place / GATE).write_text(json.dumps(decided.judgement.document, indent=2) + "\n", encoding="utf-8")


def _seal(place: Path, task: Task, frontier: Frontier, folder: Path | None) -> Manifest:
    parents = {**frontier.data_digests, "judge": frontier.judge_digest}
    if folder is None:
        parents[PARENT] = task.model.digest
        return seal(place, kind=SEARCH, stage=STAGE, config=task.config, parents=parents, packages=PACKAGES)
    made = read_manifest(folder)
    settings = OptimizedSettings.parse(made.config, source=str(folder / MANIFEST))
    chosen = frontier.accepted
    assert chosen is not None
    return seal(
        place,
        kind=OPTIMIZED,
        stage=STAGE,
        config=settings,
        parents={**made.parents, **parents, JUDGED: made.digest},
        figures={**made.figures, **_figures(chosen)},
        packages=PACKAGES,
    )


def _figures(chosen: Trial) -> dict[str, Any]:
    """Return what was measured, with intervals."""
    assert chosen.cost is not None
    return {
        "optimized": {
            "cost": chosen.cost.model_dump(mode="json"),
            "quality": {name: list(change) for name, change in chosen.quality.items()},
        }
    }
