"""What a part of the efficiency measurement hands back, and what becomes of it when it cannot be measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from underpaint.core.errors import DegenerateSamples, SetupError, TooFewSamples
from underpaint.core.installing import portable
from underpaint.metrics.estimate import Interval
from underpaint.stages.evaluate.catalog.table import info_of
from underpaint.stages.evaluate.record import Bounds, Curve, Measurement, Method, Status

EXACT = "exact"
"""Method of intervals of things that are counted, not sampled."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The outcome of one part.

    Args:
        measurements: The numbers, refused ones included.
        details: What lies behind them, for ``efficiency`` of the report.
        curves: Plots.
    """

    measurements: list[Measurement]
    details: dict[str, Any] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)


def bounds_of(interval: Interval | None) -> Bounds | None:
    """Return an interval as a report holds it."""
    if interval is None:
        return None
    return Bounds(
        low=interval.low,
        high=interval.high,
        level=interval.level,
        method=interval.method,
        conditional_on=interval.conditional_on,
    )


def measured(
    metric: str,
    value: float,
    *,
    n: int,
    interval: Interval | None,
    message: str = "",
    unit: str | None = None,
    energy_method: Method | None = None,
) -> Measurement:
    """Return a number.

    Args:
        metric: Its name in the catalog, which knows unit and direction.
        value: The number.
        n: What it rests on.
        interval: Its interval; None if it has none.
        message: What a reader must know.
        unit: A unit that only the case at hand knows, such as a currency.
        energy_method: How the energy in it was obtained.
    """
    info = info_of(metric)
    return Measurement(
        id=metric,
        metric=metric,
        version=info.version,
        value=value,
        unit=info.unit if unit is None else unit,
        direction=info.direction,
        n=n,
        interval=bounds_of(interval),
        message=message,
        energy_method=energy_method,
    )


def exactly(value: float) -> Interval:
    """Return the interval of something counted: no width."""
    return Interval(low=value, high=value, level=0.95, method=EXACT)


def refused(metric: str, status: Status, message: str, *, n: int = 0) -> Measurement:
    """Return the place of a number that cannot be given."""
    info = info_of(metric)
    return Measurement(
        id=metric,
        metric=metric,
        version=info.version,
        unit=info.unit,
        direction=info.direction,
        n=n,
        status=status,
        message=message,
    )


def status_of(error: Exception) -> Status:
    """Return what an error means for the numbers that it prevented."""
    if isinstance(error, TooFewSamples):
        return "too_few"
    if isinstance(error, DegenerateSamples):
        return "degenerate"
    return "not_applicable" if isinstance(error, SetupError) else "failed"


def guarded(metrics: Sequence[str], work: Callable[[], Part]) -> Part:
    """Measure a part; an error becomes the message of every number that it owes, without folders of installing.

    Args:
        metrics: What it owes.
        work: Measures it.
    """
    began = time.perf_counter()
    try:
        part = work()
    except Exception as error:
        message = portable(str(error)) or type(error).__name__
        return Part(measurements=[refused(metric, status_of(error), message) for metric in metrics])
    seconds = time.perf_counter() - began
    timed = [one.model_copy(update={"seconds": seconds}) for one in part.measurements]
    return Part(measurements=timed, details=part.details, curves=part.curves)
