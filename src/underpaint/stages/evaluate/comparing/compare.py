"""Any number of evaluations side by side: differences to a baseline, and ranks as far as they can be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from underpaint.core.errors import ComparisonError
from underpaint.core.progress import Progress, silent
from underpaint.core.progress import Report as Reporter
from underpaint.metrics.estimate import normal_quantile
from underpaint.stages.evaluate.catalog.efficiency_metrics import EFFICIENCY
from underpaint.stages.evaluate.comparing.comparable import check_comparable, check_protocols
from underpaint.stages.evaluate.comparing.comparison import Cell, ComparedSubject, Comparison, Refusal, Row
from underpaint.stages.evaluate.comparing.evaluated import Evaluated, read_evaluation
from underpaint.stages.evaluate.comparing.pairing import Difference, measured_difference
from underpaint.stages.evaluate.comparing.ranks import better_pairs, rank_sets
from underpaint.stages.evaluate.comparing.ratio import disturbance, machine_differences, ratio_of
from underpaint.stages.evaluate.record import Direction, Measurement

ALPHA = 0.05
PAIRINGS = (("prompt_id", "seed"), ("prompt_id",))

Key = tuple[str, str, str]
Side = tuple[Evaluated, Measurement]


def _key(measurement: Measurement) -> Key:
    """Return what puts numbers on one row: the extractor's name without its digest, so that a refusal shows."""
    return measurement.metric, measurement.extractor.partition(":")[0], measurement.group


def pair_key(first: Evaluated, second: Evaluated) -> tuple[str, ...]:
    """Return what two evaluations can be paired on: prompt and seed, or the prompt alone where seeds are unknown.

    Raises:
        ComparisonError: They were asked for different pictures.
    """
    seeds = all(picture.seed is not None for side in (first, second) for picture in side.pictures.values())
    keys = PAIRINGS[0] if seeds else PAIRINGS[1]
    check_protocols(first, second, keys)
    return keys


def difference(first: Side, second: Side) -> Difference:
    """Return the first number minus the second.

    Raises:
        ComparisonError: They cannot be compared; the message says why.
    """
    check_comparable(first[1], second[1])
    for evaluated, number in (first, second):
        if number.value is None:
            raise ComparisonError(f"{evaluated.report.subject.name}: {number.status}: {number.message or 'no value'}")
    if first[1].metric not in EFFICIENCY:
        paired = measured_difference(first, second, pair_key(first[0], second[0]))
        if paired is not None:
            return paired
    return _figures(first, second)


def _figures(first: Side, second: Side) -> Difference:
    """Return the difference of two numbers with independent errors."""
    efficiency = first[1].metric in EFFICIENCY
    if efficiency:
        for evaluated, number in (first, second):
            if reason := disturbance(evaluated.report.environment, number.unit):
                raise ComparisonError(f"{evaluated.report.subject.name}: {reason}; measure again on a quiet machine")
        if differences := machine_differences(first[0].report, second[0].report):
            raise ComparisonError(f"different machines: {'; '.join(differences)}; measure both on one machine")
        if first[1].energy_method != second[1].energy_method:
            raise ComparisonError(f"energy was {first[1].energy_method} here and {second[1].energy_method} there")
    found = ratio_of(first[1], second[1], log=efficiency)
    if isinstance(found, str):
        raise ComparisonError(found)
    return found


def _plain_cell(index: int, measurement: Measurement | None) -> Cell:
    if measurement is None:
        return Cell(subject=index, status="not_applicable", refused="its report does not hold it")
    bounds = measurement.interval
    return Cell(
        subject=index,
        status=measurement.status,
        value=measurement.value if measurement.value_debiased is None else measurement.value_debiased,
        low=None if bounds is None else bounds.low,
        high=None if bounds is None else bounds.high,
        n=measurement.n,
    )


def _with_difference(cell: Cell, found: Difference) -> Cell:
    reach = normal_quantile(1 - ALPHA / 2) * found.se
    log = found.scale == "log ratio"
    relative = math.expm1(found.delta) if log else (found.delta / found.base if found.base > 0 else None)
    return cell.model_copy(
        update={
            "delta": found.delta,
            "delta_low": found.delta - reach,
            "delta_high": found.delta + reach,
            "relative": relative,
            "scale": found.scale,
            "paired_on": found.paired_on,
        }
    )


def _cells(sides: Sequence[Side | None], baseline: int) -> list[Cell]:
    """Return one cell an evaluation, with differences to the baseline where they can be taken."""
    cells = [_plain_cell(index, None if side is None else side[1]) for index, side in enumerate(sides)]
    base = sides[baseline]
    for index, side in enumerate(sides):
        if side is None or index == baseline:
            continue
        try:
            if base is None:
                raise ComparisonError("the baseline's report does not hold it")
            cells[index] = _with_difference(cells[index], difference(side, base))
        except ComparisonError as error:
            cells[index] = cells[index].model_copy(update={"refused": str(error)})
    return cells


def _ranked(cells: list[Cell], sides: Sequence[Side | None], direction: Direction, baseline: int) -> list[Cell]:
    """Add the places that each number may hold among those that can be compared."""
    models = [cell.subject for cell in cells if cell.delta is not None or cell.subject == baseline]
    if direction == "none" or len(models) < 2:
        return cells
    sign = 1.0 if direction == "lower" else -1.0
    differences = {}
    for a, b in combinations(models, 2):
        first, second = sides[a], sides[b]
        assert first is not None
        assert second is not None
        try:
            found = difference(first, second)
        except ComparisonError:
            return cells
        differences[a, b] = sign * found.delta, found.se
    ranks = rank_sets(models, better_pairs(differences, ALPHA))
    return [
        cell.model_copy(update={"best_rank": ranks[cell.subject][0], "worst_rank": ranks[cell.subject][1]})
        if cell.subject in ranks
        else cell
        for cell in cells
    ]


def _row(key: Key, evaluations: Sequence[Evaluated], baseline: int) -> Row:
    sides: list[Side | None] = []
    for evaluated in evaluations:
        found = next((m for m in evaluated.report.metrics if _key(m) == key), None)
        sides.append(None if found is None else (evaluated, found))
    shown = next(side[1] for side in [sides[baseline], *sides] if side is not None)
    cells = _ranked(_cells(sides, baseline), sides, shown.direction, baseline)
    return Row(
        metric=shown.metric,
        extractor=shown.extractor,
        group=shown.group,
        unit=shown.unit,
        direction=shown.direction,
        cells=tuple(cells),
    )


def _refusals(rows: Sequence[Row]) -> list[Refusal]:
    """Return the reasons for which numbers were not compared, each once."""
    found: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        name = f"{row.metric}@{row.extractor}" if row.extractor else row.metric
        for cell in row.cells:
            if cell.refused:
                found.setdefault((cell.subject, cell.refused), []).append(f"{name} {row.group}".strip())
    return [Refusal(subject=subject, metrics=tuple(names), reason=reason) for (subject, reason), names in found.items()]


def _subjects(evaluations: Sequence[Evaluated]) -> list[ComparedSubject]:
    names = [evaluated.report.subject.name for evaluated in evaluations]
    return [
        ComparedSubject(
            name=name if names.count(name) == 1 else f"{name} ({index + 1})",
            folder=str(evaluated.folder),
            evaluation=evaluated.digest,
            identity=evaluated.report.subject.identity,
            created=evaluated.report.created,
            suite=evaluated.report.protocol.suite,
        )
        for index, (name, evaluated) in enumerate(zip(names, evaluations, strict=True))
    ]


def compare(folders: Sequence[Path], *, baseline: int = 0, report: Reporter = silent) -> Comparison:
    """Put evaluations side by side.

    Args:
        folders: Evaluation artifacts, two at least.
        baseline: Index of the one that differences are taken to.
        report: Receives progress.

    Raises:
        ComparisonError: There are fewer than two.
        ArtifactError: A folder is no sound evaluation.
    """
    if len(folders) < 2 or not 0 <= baseline < len(folders):
        raise ComparisonError(
            f"a comparison needs two evaluations or more and a baseline among them, got {len(folders)}"
        )
    evaluations = [read_evaluation(folder) for folder in folders]
    keys = list(dict.fromkeys(_key(m) for evaluated in evaluations for m in evaluated.report.metrics))
    rows = []
    for number, key in enumerate(keys):
        report(Progress(task="compare", done=number, total=len(keys), unit="numbers"))
        rows.append(_row(key, evaluations, baseline))
    report(Progress(task="compare", done=len(keys), total=len(keys), unit="numbers"))
    return Comparison(
        baseline=baseline, subjects=tuple(_subjects(evaluations)), rows=tuple(rows), refused=tuple(_refusals(rows))
    )
