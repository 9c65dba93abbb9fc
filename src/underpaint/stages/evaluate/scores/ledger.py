"""The ledger: what each metric found, or why it found nothing, with the influences that paired comparisons need."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from underpaint.core.errors import DegenerateSamples, MetricError, NotApplicable, TooFewSamples
from underpaint.metrics.estimate import Estimate, Floats
from underpaint.stages.evaluate.catalog.table import info_of
from underpaint.stages.evaluate.record import Bounds, Measurement, Status

INFLUENCE = "influence.safetensors"
ORDER = "order.json"
REFERENCE_ROWS = "reference|"


def metric_id(metric: str, extractor: str = "") -> str:
    """Return what names a number: the metric and who looked, as ``kid@evaluator-64:1a2b3c4d``."""
    return f"{metric}@{extractor}" if extractor else metric


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number on its way into a report, or the reason why there is none.

    Args:
        metric: Key of the catalog, with parameters filled in.
        estimate: The number; None if it failed.
        error: Why there is no number; None if there is one.
        images: ``image_id`` of the pictures it rests on, in the order of the influences.
        extractor: ``name:digest8``; empty if none.
        group: Slice; empty for all.
        reference: Digest of the reference; empty if none.
        reference_clusters: Concept of each picture of the reference, in the order of its influences.
        ceiling: The same on real pictures.
        seconds: Time it took.
    """

    metric: str
    estimate: Estimate | None = None
    error: Exception | None = None
    images: Sequence[str] = ()
    extractor: str = ""
    group: str = ""
    reference: str = ""
    reference_clusters: Sequence[str] = ()
    ceiling: float | None = None
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """What names the number."""
        return metric_id(self.metric, self.extractor)

    @property
    def key(self) -> str:
        """Id and slice: the name of its influences."""
        return f"{self.id}|{self.group}"


def attempt(
    metric: str,
    compute: Callable[[], Estimate],
    *,
    images: Sequence[str],
    extractor: str = "",
    group: str = "",
    reference: str = "",
    reference_clusters: Sequence[str] = (),
    ceiling: float | None = None,
) -> Score:
    """Compute a metric; one that cannot be computed stays in the report with its reason.

    Args:
        metric: Key of the catalog.
        compute: Computes it.
        images: ``image_id`` of the pictures.
        extractor: Who looked.
        group: Slice.
        reference: Digest of the reference.
        reference_clusters: Concept of each picture of the reference.
        ceiling: The same on real pictures.
    """
    started = time.perf_counter()
    estimate, error = None, None
    try:
        estimate = compute()
    except (MetricError, ArithmeticError, ValueError, np.linalg.LinAlgError) as problem:
        error = problem
    return Score(
        metric=metric,
        estimate=estimate,
        error=error,
        images=tuple(images),
        extractor=extractor,
        group=group,
        reference=reference,
        reference_clusters=tuple(reference_clusters),
        ceiling=ceiling,
        seconds=time.perf_counter() - started,
    )


STATUSES: dict[type[Exception], Status] = {
    TooFewSamples: "too_few",
    DegenerateSamples: "degenerate",
    NotApplicable: "not_applicable",
}


def refused(metrics: Sequence[str], error: Exception, *, images: Sequence[str], extractor: str = "") -> list[Score]:
    """Return metrics that a common step before them has made impossible, each with the reason.

    Args:
        metrics: Keys of the catalog.
        error: Why they cannot be computed.
        images: ``image_id`` of the pictures.
        extractor: Who looked.
    """
    return [Score(metric=metric, error=error, images=tuple(images), extractor=extractor) for metric in metrics]


def _status_of(error: Exception) -> Status:
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return status
    return "failed"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _bounds(estimate: Estimate) -> Bounds | None:
    interval = estimate.interval
    if interval is None:
        return None
    return Bounds(
        low=_finite(interval.low),
        high=_finite(interval.high),
        level=interval.level,
        method=interval.method,
        conditional_on=interval.conditional_on,
    )


def measurement_of(score: Score) -> Measurement:
    """Return a score as the report holds it."""
    info = info_of(score.metric)
    common = {
        "id": score.id,
        "metric": score.metric,
        "extractor": score.extractor,
        "version": info.version,
        "group": score.group,
        "unit": info.unit,
        "direction": info.direction,
        "reference": score.reference,
        "ceiling": score.ceiling,
        "seconds": round(score.seconds, 3),
    }
    estimate = score.estimate
    if estimate is None or not math.isfinite(estimate.value):
        status = "degenerate" if score.error is None else _status_of(score.error)
        message = "the value is not finite" if score.error is None else str(score.error)
        return Measurement(**common, n=len(score.images), status=status, message=message)
    return Measurement(
        **common,
        value=estimate.value,
        value_debiased=estimate.value_debiased,
        n=estimate.n,
        m=estimate.m,
        num_clusters=estimate.num_clusters,
        se=None if estimate.se is None else _finite(estimate.se),
        interval=_bounds(estimate),
        dropped_dims=estimate.dropped_dims,
        message=estimate.message,
    )


@dataclass
class Ledger:
    """All numbers of an evaluation.

    Args:
        measurements: The numbers, in the order in which they came.
    """

    measurements: list[Measurement] = field(default_factory=list)
    _influences: dict[str, Floats] = field(default_factory=dict)
    _orders: dict[str, list[str]] = field(default_factory=dict)

    def add(self, scores: Sequence[Score]) -> None:
        """Take scores with their influences."""
        for score in scores:
            self.measurements.append(measurement_of(score))
            if score.estimate is None:
                continue
            self._keep(score.key, score.estimate.influence, score.images)
            reference = f"{REFERENCE_ROWS}{score.key}"
            self._keep(reference, score.estimate.reference_influence, score.reference_clusters)

    def _keep(self, key: str, influence: Floats | None, names: Sequence[str]) -> None:
        if influence is not None and len(influence) == len(names):
            self._influences[key] = np.ascontiguousarray(influence, dtype=np.float64)
            self._orders[key] = list(names)

    def write(self, folder: Path) -> None:
        """Write ``influence.safetensors`` and ``order.json`` into a folder."""
        from safetensors.numpy import save_file

        save_file(self._influences, folder / INFLUENCE)
        (folder / ORDER).write_text(json.dumps(self._orders, sort_keys=True) + "\n", encoding="utf-8")
