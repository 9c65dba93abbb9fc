"""From what came of loads to figures: percentiles, processor time a request, medians and ranges over rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from serve_load import Load

KEPT_UP = 0.9
"""Share of the requests that a server must answer while they come, or it is not asked for more."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one load on one server cost, in one round.

    Args:
        per_s: Good answers a second while requests were sent.
        p50_ms: Median latency; infinite where fewer were answered.
        p95_ms: 95th percentile, alike.
        p99_ms: 99th percentile, alike.
        cpu_ms: Processor time of all its processes for each good answer.
        batch: Pictures of a call of the device on average; no number where calls are not counted.
        errors: Requests that were refused, broke off, or were not answered.
        sent: Requests.
        reply_bytes: Length of an answer.
    """

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    batch: float
    errors: int
    sent: int
    reply_bytes: int

    @property
    def keeps_up(self) -> bool:
        """Whether nearly all requests were answered."""
        return self.sent - self.errors >= KEPT_UP * self.sent


def percentile(values: Sequence[float], share: float, missing: int = 0) -> float:
    """Return a percentile: the smallest value that so large a share of all does not exceed.

    Args:
        values: The values that there are.
        share: From 0 to 1.
        missing: Values that there are not, taken to be infinite.
    """
    total = len(values) + missing
    rank = max(1, math.ceil(share * total - 1e-9))
    return sorted(values)[rank - 1] if 0 < rank <= len(values) else math.inf


def figures_of(load: Load, cpu_s: float, calls: bytes) -> Figures:
    """Return the figures of a load.

    Args:
        load: What came of it.
        cpu_s: Processor time of the server meanwhile.
        calls: The calls of the device meanwhile, a byte each with the number of its pictures.
    """
    good, missing = len(load.latencies_s), load.sent - len(load.latencies_s)
    p50, p95, p99 = (1000 * percentile(load.latencies_s, share, missing) for share in (0.5, 0.95, 0.99))
    return Figures(
        per_s=load.in_time / load.seconds,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        cpu_ms=1000 * cpu_s / good if good else math.inf,
        batch=sum(calls) / len(calls) if calls else math.nan,
        errors=missing,
        sent=load.sent,
        reply_bytes=load.reply_bytes,
    )


def over_rounds(rounds: Sequence[Figures]) -> dict[str, list[float | None]]:
    """Return median, least and greatest of each figure, as ``spread`` does."""
    summary = {}
    for name in asdict(rounds[0]):
        summary[name] = spread([float(getattr(one, name)) for one in rounds])
    return summary


def finite(value: float) -> float | None:
    """Return a number as JSON can hold it, to four digits."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def ratios(ours: Mapping[int, Figures], theirs: Mapping[int, Figures], name: str) -> list[float | None]:
    """Return median, least and greatest of our figure over theirs, of the rounds that have both."""
    pairs = [(getattr(ours[key], name), getattr(theirs[key], name)) for key in ours.keys() & theirs.keys()]
    found = [mine / other for mine, other in pairs if other and math.isfinite(mine) and math.isfinite(other)]
    return [finite(value) for value in (median(found), min(found), max(found))] if found else [None] * 3


def shown(values: Iterable[float | None] | None, form: Callable[[float], str]) -> str:
    """Return a median with its range for a table; a dash where there is none."""
    if values is None:
        return "-"
    middle, low, high = ("never" if value is None else form(value) for value in values)
    return middle if low == high == middle else f"{middle} ({low}-{high})"


def as_json(results: Mapping[str, Mapping[str, Mapping[int, Figures]]]) -> dict[str, Any]:
    """Return server to load to summary, with the rounds that it is of."""
    return {
        server: {load: {"rounds": sorted(found)} | over_rounds(list(found.values())) for load, found in loads.items()}
        for server, loads in results.items()
    }


def spread(values: Sequence[float]) -> list[float | None]:
    """Return median, least and greatest; None for what is infinite or no number."""
    return [finite(value) for value in (median(values), min(values), max(values))]
