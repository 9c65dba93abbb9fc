"""How long users wait when they come when they like: an open loop of Poisson arrivals before one pipeline.

Latency counts from the moment at which a request was meant to arrive, so that a stall is charged to everyone who waits
behind it; a closed loop would stop asking while the pipeline stalls and see almost nothing of it.

Source: MLPerf Inference, server scenario, arXiv 1911.02549; effective sample size, Geyer 1992, Practical Markov chain
Monte Carlo, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from underpaint.core.errors import InputError, TooFewSamples
from underpaint.metrics.estimate import Floats, Interval
from underpaint.metrics.interval import order_statistic
from underpaint.runtime.clock import Clock
from underpaint.stages.evaluate.record import Curve


@dataclass(frozen=True, kw_only=True)
class LoadRun:
    """One run at one rate.

    Args:
        rate: Requests a second that were meant to arrive.
        latencies_ms: ``[n]`` from the intended arrival; a request that was given up or failed counts with the timeout
            at least.
        errors: Requests that were given up, failed, or answered after the timeout.
        utilization: Share of the time in which the pipeline was busy.
    """

    rate: float
    latencies_ms: Floats
    errors: int
    utilization: float

    @property
    def error_rate(self) -> float:
        """Share of the requests that were errors."""
        return self.errors / len(self.latencies_ms)


def poisson_arrivals(rate: float, count: int, generator: np.random.Generator) -> Floats:
    """Return ``[count]`` arrival times in seconds.

    Args:
        rate: Arrivals a second.
        count: Number of arrivals.
        generator: Draws the gaps.

    Raises:
        InputError: The rate is not positive, or there is nothing to arrive.
    """
    if not rate > 0.0 or not math.isfinite(rate) or count < 1:
        raise InputError(f"a load needs a positive rate and at least one request, got {rate} a second and {count}")
    return np.cumsum(generator.exponential(1.0 / rate, count))


def run_load(
    serve: Callable[[int], object], arrivals_s: Floats, rate: float, clock: Clock, timeout_ms: float = math.inf
) -> LoadRun:
    """Serve requests in the order of their arrival, one at a time.

    Args:
        serve: Answers the request of an index and waits for it; an exception is an error of that request.
        arrivals_s: ``[n]`` intended arrivals.
        rate: Arrivals a second, for the record.
        clock: What time is read from and waited on.
        timeout_ms: A request that has waited this long is given up.
    """
    latencies, errors, busy = np.empty(len(arrivals_s)), 0, 0.0
    began = clock.now()
    for index, due in enumerate(began + arrivals_s):
        clock.sleep(due - clock.now())
        started = clock.now()
        good = (started - due) * 1000.0 < timeout_ms and _served(serve, index)
        busy += clock.now() - started
        latency = (clock.now() - due) * 1000.0
        good = good and latency <= timeout_ms
        errors += not good
        latencies[index] = latency if good or math.isinf(timeout_ms) else max(latency, timeout_ms)
    span = clock.now() - began
    return LoadRun(rate=rate, latencies_ms=latencies, errors=errors, utilization=busy / span if span > 0 else 0.0)


def _served(serve: Callable[[int], object], index: int) -> bool:
    try:
        serve(index)
    except Exception:
        return False
    return True


def effective_count(hits: np.ndarray) -> int:
    """Return how many independent samples a correlated series of 0 and 1 is worth for its mean.

    Args:
        hits: ``[n]`` in the order of time.
    """
    off = np.asarray(hits, dtype=np.float64) - np.mean(hits)
    n, variance = len(off), float(off @ off)
    if variance == 0.0:
        return n
    total, lag = 1.0, 1
    while lag + 1 < n:
        pair = float(off[:-lag] @ off[lag:] + off[: -lag - 1] @ off[lag + 1 :]) / variance
        if pair <= 0.0:
            break
        total, lag = total + 2.0 * pair, lag + 2
    return max(1, min(n, int(n / total)))


def queue_quantile(latencies_ms: Floats, quantile: float) -> Interval:
    """Return an interval of a quantile of latencies in one queue, which depend on each other.

    The sorted latencies are thinned evenly to as many as they are worth, and the order statistics of these are taken.

    Args:
        latencies_ms: ``[n]`` in the order of time.
        quantile: For example 0.95.

    Raises:
        TooFewSamples: They are worth too few.
    """
    ordered, n = np.sort(latencies_ms), len(latencies_ms)
    count = effective_count(latencies_ms > np.quantile(latencies_ms, quantile))
    kept = ordered[((np.arange(count) + 0.5) * n / count).astype(np.int64)]
    try:
        found = order_statistic(kept, quantile)
    except TooFewSamples as error:
        raise TooFewSamples(
            f"{n} latencies of one queue are worth {count} independent ones: {error}; run the load for longer"
        ) from None
    return Interval(low=found.low, high=found.high, level=found.level, method="order-statistics, effective n")


def describe(run: LoadRun) -> dict[str, Any]:
    """Return a run for the details of a report; a percentile without enough samples is None."""
    record: dict[str, Any] = {"rate": run.rate, "requests": len(run.latencies_ms)}
    for name, quantile in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        try:
            interval = queue_quantile(run.latencies_ms, quantile)
        except TooFewSamples as error:
            record |= {name: None, f"{name}_message": str(error)}
            continue
        value = float(np.quantile(run.latencies_ms, quantile))
        record |= {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {**record, "error_rate": run.error_rate, "utilization": run.utilization}


def load_curves(records: list[dict[str, Any]]) -> list[Curve]:
    """Return a plot of latency over rate for each percentile that enough runs support."""
    curves: list[Curve] = []
    for name in ("p50", "p95", "p99"):
        points = sorted((r for r in records if r.get(name) is not None), key=lambda r: r["rate"])
        if points:
            curves.append(
                Curve(
                    id=f"load_{name}",
                    kind="load",
                    title=f"Latency under load, {name}",
                    x_label="requests a second",
                    y_label="latency (ms)",
                    x=[point["rate"] for point in points],
                    y=[point[name] for point in points],
                    low=[point[f"{name}_low"] for point in points],
                    high=[point[f"{name}_high"] for point in points],
                )
            )
    return curves
