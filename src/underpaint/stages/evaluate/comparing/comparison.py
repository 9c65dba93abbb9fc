"""The records of a comparison, as ``comparison.json`` holds it."""

from __future__ import annotations

from typing import Literal

from underpaint.core.config import Config
from underpaint.stages.evaluate.comparing.pairing import Scale
from underpaint.stages.evaluate.record import Direction, Status


class ComparedSubject(Config):
    """One of the evaluations.

    Args:
        name: For people; made unique by a number where two share it.
        folder: The artifact.
        evaluation: Its digest.
        identity: Of what was evaluated.
        created: When.
        suite: Its suite.
    """

    name: str
    folder: str
    evaluation: str
    identity: str
    created: str
    suite: str


class Cell(Config):
    """One number of one evaluation, and its difference to the baseline's.

    Args:
        subject: Index of the evaluation.
        status: ``ok``, or why there is no value; ``not_applicable`` where the report does not hold it.
        value: The number, with its bias removed where there is one: what the interval is about.
        low: Lower end of its interval.
        high: Upper end.
        n: Pictures or repetitions.
        delta: Difference to the baseline, not turned; the logarithm of the ratio for ``log ratio``.
        delta_low: Lower end of its 95 % interval.
        delta_high: Upper end.
        relative: The difference as a share of the baseline's number.
        scale: What ``delta`` is.
        paired_on: What pictures were paired on; empty if the sides were taken as independent.
        best_rank: The best place that it may hold, 1 for the best; None without a better direction.
        worst_rank: The worst place.
        refused: Why it cannot be compared with the baseline; empty if it can.
    """

    subject: int
    status: Status = "ok"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    delta: float | None = None
    delta_low: float | None = None
    delta_high: float | None = None
    relative: float | None = None
    scale: Scale = "difference"
    paired_on: tuple[str, ...] = ()
    best_rank: int | None = None
    worst_rank: int | None = None
    refused: str = ""


class Row(Config):
    """One number of all evaluations.

    Args:
        metric: Name of the metric.
        extractor: ``name:digest8``; empty if none.
        group: Slice.
        unit: Its unit.
        direction: Which way is better.
        cells: One an evaluation.
    """

    metric: str
    extractor: str = ""
    group: str = ""
    unit: str = ""
    direction: Direction = "none"
    cells: tuple[Cell, ...]


class Refusal(Config):
    """Evaluations that cannot be compared with the baseline, as a whole or on one number.

    Args:
        subject: Index of the evaluation.
        metrics: The numbers; empty for all.
        reason: Why, and what would make it possible.
    """

    subject: int
    metrics: tuple[str, ...] = ()
    reason: str


class Comparison(Config):
    """Evaluations side by side.

    Args:
        schema_id: Name and version of this format.
        baseline: Index of the evaluation that differences are taken to.
        subjects: The evaluations.
        rows: The numbers.
        refused: What cannot be compared, with the reasons.
    """

    schema_id: Literal["underpaint.comparison/1"] = "underpaint.comparison/1"
    baseline: int = 0
    subjects: tuple[ComparedSubject, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refusal, ...] = ()
