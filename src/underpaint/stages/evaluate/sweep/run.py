"""A sweep: one model drawn with every combination of some settings, on the same prompts and seeds.

Every cell is judged like a whole evaluation and timed in turn with the others, so that a busy moment of the machine
hits all of them alike. What comes out is a table of paired differences to the model's own settings, the effect of each
setting, and the Pareto front of quality and time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from underpaint.core.artifact import Manifest, seal, staging, storage_errors
from underpaint.core.config import Config
from underpaint.core.errors import InputError, TooFewSamples
from underpaint.core.progress import Progress, Report, silent
from underpaint.metrics.interval import order_statistic
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.host import describe_host
from underpaint.stages.evaluate.catalog.table import info_of
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.pictures import Drawn
from underpaint.stages.evaluate.drawing.subjects import ModelSubject, Sampling
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, Wish, plan_wishes, protocol_of, without_styles
from underpaint.stages.evaluate.record import Bounds, Measurement
from underpaint.stages.evaluate.scores.judging import Judgement, control_records, judge
from underpaint.stages.evaluate.scores.ledger import measurement_of
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes
from underpaint.stages.evaluate.sweep.effects import Shift, effects_of, maybe_on_front, shift
from underpaint.stages.evaluate.sweep.record import (
    LATENCY,
    SWEEP,
    Change,
    Point,
    SweepReport,
    quality_id,
    with_front,
)
from underpaint.stages.evaluate.writing import now

KIND, STAGE = "sweep", "evaluate"
FACTORS = ("guidance", "temperature", "steps")
MOST_CELLS = 200


class SweepConfig(Config):
    """What is varied, and how much is drawn a cell.

    Args:
        factors: Factor to its values.
        evaluation: What is drawn and measured in each cell.
        quality: Metric of the Pareto front, without extractor (``kid``, ``fd_pca``).
        timed_calls: Pictures timed a cell.
    """

    factors: dict[str, tuple[float, ...]]
    evaluation: EvaluateConfig
    quality: str = "kid"
    timed_calls: int = 40


def cells_of(factors: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Return every combination of the factors' values, the model's own settings (an empty one) first.

    Raises:
        InputError: A factor is unknown or has no values, or there are too many combinations.
    """
    for name, values in factors.items():
        if name not in FACTORS or not values:
            raise InputError(f"cannot vary {name!r:.40}; give values to some of {', '.join(FACTORS)}")
    if not factors:
        raise InputError("there is nothing to vary; give for example --guidance 1,2,3 or --steps 0,2,4")
    grid = [dict(zip(factors, values, strict=True)) for values in itertools.product(*factors.values())]
    if len(grid) > MOST_CELLS:
        raise InputError(f"{len(grid)} combinations are more than the {MOST_CELLS} allowed; leave some values out")
    return [{}, *grid]


def check_cells(subject: ModelSubject, cells: Sequence[Mapping[str, float]]) -> None:
    """Refuse before anything is drawn what the model cannot vary.

    Raises:
        InputError: It is a graph, and a cell asks for what was fixed when that was made.
    """
    for settings in cells:
        replace(subject, sampling=sampling_of(settings)).check()


def label_of(settings: Mapping[str, float]) -> str:
    """Return settings in words."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "own settings"


def sampling_of(settings: Mapping[str, float]) -> Sampling:
    """Return settings as a native model takes them."""
    steps = settings.get("steps")
    return Sampling(
        guidance=settings.get("guidance"),
        temperature=settings.get("temperature"),
        steps=None if steps is None else int(steps),
    )


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell at work: its settings, subject, pictures, and what was found."""

    settings: dict[str, float]
    subject: ModelSubject
    pictures: list[Drawn]
    found: Judgement


def time_in_turn(
    cells: Sequence[Cell], wishes: Sequence[Wish], calls: int, report: Report, clock: Clock
) -> list[list[float]]:
    """Return milliseconds a picture for every cell; the cells take turns, forth and back."""
    times: list[list[float]] = [[] for _ in cells]
    for cell in cells:
        list(cell.subject.draw(wishes[:2]))
    for call in range(calls):
        order = range(len(cells)) if call % 2 == 0 else range(len(cells) - 1, -1, -1)
        for index in order:
            started = clock.now()
            list(cells[index].subject.draw([wishes[call % len(wishes)]]))
            times[index].append(1000.0 * (clock.now() - started))
        report(Progress(task="time in turn", done=call + 1, total=calls, unit="rounds"))
    return times


def latency_of(times_ms: Sequence[float]) -> Measurement:
    """Return the median with its order-statistic interval."""
    info = info_of(LATENCY)
    common = {"id": LATENCY, "metric": LATENCY, "version": info.version, "unit": info.unit}
    common |= {"direction": info.direction, "n": len(times_ms)}
    try:
        interval = order_statistic(times_ms, 0.5)
    except TooFewSamples as error:
        return Measurement(**common, status="too_few", message=str(error))
    bounds = Bounds(low=interval.low, high=interval.high, level=interval.level, method=interval.method)
    return Measurement(**common, value=float(np.median(times_ms)), interval=bounds)


def run_sweep(
    config: SweepConfig,
    subject: ModelSubject,
    data: DataSet,
    eyes: Eyes,
    out: Path,
    report: Report = silent,
    *,
    command: str = "",
    clock: Clock | None = None,
) -> Manifest:
    """Draw, judge and time every cell, and write ``sweep.json`` and its page.

    Args:
        config: What is varied.
        subject: The model with its own settings.
        data: The data set.
        eyes: The extractors with their cache.
        out: The folder; must not exist.
        report: Receives progress.
        command: The command that makes it again.
        clock: What time is read from.

    Raises:
        InputError: Nothing, too much, something unknown, or what a graph holds fixed is varied.
        StorageError: ``out`` exists or cannot be written.
    """
    from underpaint.stages.evaluate.page.sweep import write_sweep_page

    settings = cells_of(config.factors)
    check_cells(subject, settings)
    wishes = [w for w in plan_wishes(data.samples, config.evaluation) if w.part in (MAIN, COMPOSITION)]
    wishes = without_styles(wishes, subject.styles)
    cells = [_cell(one, subject, wishes, data, eyes, config, report) for one in settings]
    times = time_in_turn(cells, wishes, config.timed_calls, report, clock or SystemClock())
    points = [_point(cell, cells[0], own, data) for cell, own in zip(cells, times, strict=True)]
    quality = quality_id(points, config.quality)
    points = _with_doubt(with_front(points, quality), cells, quality, data)
    made = SweepReport(
        created=now(),
        command=command,
        subject=subject.record(),
        protocol=protocol_of(wishes, config.evaluation, data.size),
        environment=describe_host().as_dict(),
        quality=quality,
        points=points,
        effects=effects_of([(cell.settings, _shifts(cell, cells[0], data)) for cell in cells[1:]]),
    )
    with staging(out) as folder:
        with storage_errors(out):
            (folder / SWEEP).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_sweep_page(made.model_dump(mode="json"), folder / "sweep.html")
        parents = {"model": subject.record().identity, "dataset": data.digest}
        return seal(folder, kind=KIND, stage=STAGE, config=config, parents=parents)


def _cell(
    settings: dict[str, float],
    subject: ModelSubject,
    wishes: list[Wish],
    data: DataSet,
    eyes: Eyes,
    config: SweepConfig,
    report: Report,
) -> Cell:
    own = replace(subject, sampling=sampling_of(settings), _generator=subject.generator)
    pictures = draw_all(own, wishes, eyes.cache, report, task=label_of(settings))
    return Cell(
        settings=settings, subject=own, pictures=pictures, found=judge(pictures, data, eyes, config.evaluation.seed)
    )


def _point(cell: Cell, base: Cell, times_ms: Sequence[float], data: DataSet) -> Point:
    records = control_records("cell", "null", base.found, cell.found, base.pictures, data) if cell is not base else []
    return Point(
        settings=cell.settings,
        label=label_of(cell.settings),
        metrics=[*(measurement_of(score) for score in cell.found.scores), latency_of(times_ms)],
        changes=[Change(id=one.id, group=one.group, delta=one.delta, se=one.se) for one in records],
    )


def _shifts(cell: Cell, base: Cell, data: DataSet) -> list[Shift]:
    """Return how far each number over all samples moved from the model's own settings."""
    clusters, reference = _concepts(base, data)
    moved = {score.key: score for score in cell.found.scores}
    pairs = [(score, moved[score.key]) for score in base.found.scores if not score.group and score.key in moved]
    found = (shift(own, other, clusters, reference) for own, other in pairs)
    return [one for one in found if one is not None]


def _concepts(cell: Cell, data: DataSet) -> tuple[dict[str, str], list[str]]:
    """Return the concept of each drawn picture, and of each one of the reference."""
    clusters = {picture.wish.image_id: picture.wish.cluster for picture in cell.pictures}
    return clusters, [picture.sample.cluster for picture in data.reference]


def _with_doubt(points: list[Point], cells: Sequence[Cell], quality: str, data: DataSet) -> list[Point]:
    """Mark the cells that the front cannot exclude."""
    scores = [next((s for s in cell.found.scores if s.id == quality and not s.group), None) for cell in cells]
    found = next((score for score in scores if score is not None), None)
    times = [next((m.value for m in point.metrics if m.id == LATENCY), None) for point in points]
    clusters, reference = _concepts(cells[0], data)
    lower = found is None or info_of(found.metric).direction != "higher"
    marks = [point.on_front for point in points]
    maybe = maybe_on_front(scores, times, marks, clusters, reference, lower_is_better=lower)
    return [point.model_copy(update={"maybe_on_front": one}) for point, one in zip(points, maybe, strict=True)]
