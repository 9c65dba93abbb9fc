"""The load measurement: real runs at set rates, and the rate at which a promise is kept, confirmed by a real run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from underpaint.core.errors import TooFewSamples
from underpaint.runtime.clock import Clock
from underpaint.stages.evaluate.efficiency.load import (
    LoadRun,
    describe,
    load_curves,
    poisson_arrivals,
    queue_quantile,
    run_load,
)
from underpaint.stages.evaluate.efficiency.outcome import Part, measured, refused
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan
from underpaint.stages.evaluate.efficiency.promise import QUANTILE, Promise, Replays, promised_rate
from underpaint.stages.evaluate.record import Measurement

METRIC = "throughput_at_slo_per_s"
MOST_ERRORS = 0.001


def offer(serve: Callable[[int], object], rate: float, plan: EfficiencyPlan, seed: int, clock: Clock) -> LoadRun:
    """Run one load for about ``plan.load_seconds``.

    Args:
        serve: Answers the request of an index.
        rate: Requests a second.
        plan: Says how long, and when a request is given up.
        seed: Draws the arrivals.
        clock: What time is read from.
    """
    count = max(1, math.ceil(rate * plan.load_seconds))
    arrivals = poisson_arrivals(rate, count, np.random.default_rng(seed))
    return run_load(serve, arrivals, rate, clock, plan.slo_ms * plan.timeout_factor)


def measure_load(
    serve: Callable[[int], object], service_ms: Sequence[float], plan: EfficiencyPlan, clock: Clock
) -> Part:
    """Measure latency under load and the rate at which the promise is kept.

    Args:
        serve: Answers the request of an index.
        service_ms: Times of warm pictures, drawn one after the other.
        plan: How much.
        clock: What time is read from.

    Raises:
        TooFewSamples: There are too few service times.
    """
    replays = Replays(np.asarray(service_ms), np.random.default_rng(plan.seed))
    promise = promised_rate(replays, plan.slo_ms)
    rates = [share * promise.capacity for share in plan.load_shares]
    runs = [offer(serve, rate, plan, plan.seed + index, clock) for index, rate in enumerate(rates)]
    confirmed = offer(serve, promise.rate, plan, plan.seed + len(runs), clock) if promise.rate > 0.0 else None
    records = [describe(run) for run in (*runs, *([confirmed] if confirmed else []))]
    expected = [float(np.median(replays.quantiles(record["rate"]))) for record in records]
    records = [record | {"p95_replayed": value} for record, value in zip(records, expected, strict=True)]
    number = judge(promise, confirmed, plan.slo_ms, len(service_ms))
    return Part(measurements=[number], details=as_details(number, promise, plan, records), curves=load_curves(records))


def judge(promise: Promise, confirmed: LoadRun | None, slo_ms: float, n: int) -> Measurement:
    """Return the rate, unless no rate keeps the promise or the real run contradicts.

    Args:
        promise: What the replays say.
        confirmed: The real run at that rate; None if the rate is 0.
        slo_ms: The time promised.
        n: Number of service times.
    """
    if confirmed is None:
        message = f"no rate is surely answered within {slo_ms:g} ms in 95 of 100 cases"
        return measured(METRIC, 0.0, n=n, interval=promise.interval, message=message)
    if problem := contradiction(confirmed, slo_ms):
        return refused(METRIC, "degenerate", f"at {promise.rate:.3g} requests a second {problem}", n=n)
    message = f"95 of 100 answers within {slo_ms:g} ms; capacity {promise.capacity:.3g} a second"
    return measured(METRIC, promise.rate, n=n, interval=promise.interval, message=message)


def contradiction(run: LoadRun, slo_ms: float) -> str:
    """Say how a real run proves that its rate does not keep the promise; empty if it does not prove that."""
    if run.error_rate > MOST_ERRORS:
        return f"{run.errors} of {len(run.latencies_ms)} requests failed or were given up"
    try:
        low = queue_quantile(run.latencies_ms, QUANTILE).low
    except TooFewSamples:
        return ""
    return f"the real queue's 95th percentile is at least {low:.4g} ms" if low > slo_ms else ""


def as_details(
    number: Measurement, promise: Promise, plan: EfficiencyPlan, records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what lies behind the number."""
    return {
        "load_test": records,
        "throughput_at_slo": number.value,
        "slo_ms": plan.slo_ms,
        "capacity_per_s": promise.capacity,
    }
