"""The records of a sweep: what ``sweep.json`` is made of, and its Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.stages.evaluate.record import Measurement, Protocol, SubjectRecord

LATENCY = "latency_p50_ms"
SWEEP = "sweep.json"


class Effect(Config):
    """How a metric moves with one setting, averaged over all others.

    Args:
        factor: The setting.
        level: Its value.
        id: The metric.
        mean: Mean difference to the model's own settings.
        cells: Cells that it rests on.
        se: Standard error of the mean, paired picture by picture; None if it cannot be given.
        p_holm: Two-sided p-value of no effect, adjusted by Holm over all effects of the sweep.
    """

    factor: str
    level: float
    id: str
    mean: float
    cells: int
    se: float | None = None
    p_holm: float | None = None


class Change(Config):
    """A paired difference to the model's own settings.

    Args:
        id: The metric.
        group: Slice.
        delta: Cell minus own settings.
        se: Its standard error.
    """

    id: str
    group: str
    delta: float
    se: float


class Point(Config):
    """One cell.

    Args:
        settings: Factor to value; empty for the model's own settings.
        label: The settings in words.
        metrics: What was measured.
        changes: Paired differences to the model's own settings.
        on_front: Whether no other cell is better in both quality and time.
        maybe_on_front: Whether it is off the front, but no cell that is as fast is proven to be better.
    """

    settings: dict[str, float]
    label: str
    metrics: list[Measurement]
    changes: list[Change] = []
    on_front: bool = False
    maybe_on_front: bool = False


class SweepReport(Config):
    """A whole sweep, as ``sweep.json`` holds it.

    Args:
        created: UTC time.
        command: The command that makes it again.
        subject: The model.
        protocol: How pictures were asked for.
        environment: The machine.
        quality: Id of the metric of the Pareto front.
        points: The cells; the first has the model's own settings.
        effects: The effect of each setting.
    """

    schema_id: str = "underpaint.sweep/1"
    created: str
    command: str
    subject: SubjectRecord
    protocol: Protocol
    environment: dict[str, Any]
    quality: str
    points: list[Point]
    effects: list[Effect]


def front_of(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell which points no other one beats in both coordinates (lower is better in both)."""
    return [not any((x <= a and y <= b) and (x < a or y < b) for x, y in points) for a, b in points]


def with_front(points: list[Point], quality: str) -> list[Point]:
    """Mark the Pareto front of a quality metric and time."""
    places = []
    for point in points:
        values = {
            m.id: (-m.value if m.direction == "higher" else m.value) for m in point.metrics if m.value is not None
        }
        places.append((values.get(quality, float("inf")), values.get(LATENCY, float("inf"))))
    return [point.model_copy(update={"on_front": on}) for point, on in zip(points, front_of(places), strict=True)]


def quality_id(points: Sequence[Point], metric: str) -> str:
    """Return the id of the metric of the front, by the first extractor that has it.

    Args:
        points: The cells.
        metric: Key of the catalog, with or without its number of directions (``kid``, ``fd_pca``, ``fd_pca62``).

    Raises:
        InputError: No cell has it.
    """
    for measurement in points[0].metrics:
        name = measurement.metric
        named = name == metric or (name.startswith(metric) and name.removeprefix(metric).isdigit())
        if named and measurement.value is not None:
            return measurement.id
    raise InputError(f"{metric!r:.40} was not measured in this sweep; choose another --quality, for example kid")


def read_sweep(folder: Path) -> SweepReport:
    """Read what a sweep wrote.

    Args:
        folder: Its artifact.
    """
    return SweepReport.model_validate_json((folder / SWEEP).read_text(encoding="utf-8"))
