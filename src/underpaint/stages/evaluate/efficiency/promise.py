"""The highest rate of requests at which a promised latency is kept: found by replaying measured service times.

A queue's latencies depend on each other so much that a valid bound near the limit needs tens of thousands of requests
(800 at 60 % load are worth 56 independent ones for the 95th percentile).
A queue with one server is fully given by arrivals and service times, though, so the measured service times are replayed
behind simulated Poisson arrivals, and resampled to see how sure they make us. A real run at the rate found must agree.

Source: Lindley 1952, The theory of queues with a single server; Kunsch 1989, The jackknife and the bootstrap for
general stationary observations (blocks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import InputError, TooFewSamples
from underpaint.metrics.estimate import Floats, Interval
from underpaint.metrics.interval import fewest_for_quantile

QUANTILE = 0.95
REQUESTS = 25_000
REPLAYS = 60
STEPS = 12
BLOCK = 10


def replay(service_s: Floats, arrivals_s: Floats) -> Floats:
    """Return the latencies ``[..., n]`` in seconds of a queue with one server, first come, first served.

    Args:
        service_s: ``[..., n]`` time each request takes by itself.
        arrivals_s: ``[..., n]`` rising.
    """
    return _latencies(service_s, np.cumsum(service_s, axis=-1), arrivals_s)


def _latencies(service_s: Floats, worked_s: Floats, arrivals_s: Floats) -> Floats:
    """Return latencies; the server is free of all before a request when the latest start of a busy time allows."""
    start = arrivals_s - (worked_s - service_s)
    return np.maximum.accumulate(start, axis=-1) + worked_s - arrivals_s


def resampled(trace: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return ``[count]`` service times in blocks of neighbors from a trace that is closed to a ring.

    The trace itself is drawn again first, block by block, so that replays differ as repeated measurements would.
    """
    block = min(BLOCK, len(trace))
    again = _blocks(trace, len(trace), block, rng)
    return _blocks(again, count, block, rng)


def _blocks(values: Floats, count: int, block: int, rng: np.random.Generator) -> Floats:
    starts = rng.integers(len(values), size=-(-count // block))
    return values[(starts[:, None] + np.arange(block)).reshape(-1)[:count] % len(values)]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """How many requests a second can be promised an answer in time.

    Args:
        rate: The highest rate whose 95th percentile has its upper bound within the promise; 0 if none has.
        interval: From that rate to the one at which the lower bound breaks the promise.
        capacity: One over the mean service time: no rate above can last.
    """

    rate: float
    interval: Interval
    capacity: float


class Replays:
    """Replays of one trace at any rate, with the same randomness at each, so that rates compare smoothly.

    Args:
        service_ms: ``[n]`` measured one after the other.
        rng: Draws arrivals and replays.
        requests: Requests of a replay.
        replays: Number of replays.

    Raises:
        TooFewSamples: There are fewer than 59 service times.
    """

    def __init__(
        self, service_ms: Floats, rng: np.random.Generator, *, requests: int = REQUESTS, replays: int = REPLAYS
    ) -> None:
        trace = np.asarray(service_ms, dtype=np.float64) / 1000.0
        if len(trace) < (least := fewest_for_quantile(QUANTILE)):
            raise TooFewSamples(f"{len(trace)} service times were measured, but {least} are needed; draw more pictures")
        self.capacity = 1.0 / float(trace.mean())
        self._service = np.stack([resampled(trace, requests, rng) for _ in range(replays)])  # [R, n]
        self._worked = np.cumsum(self._service, axis=-1)  # [R, n]
        self._arrivals = np.cumsum(rng.exponential(1.0, (replays, requests)), axis=-1)  # [R, n]

    def quantiles(self, rate: float, quantile: float = QUANTILE) -> Floats:
        """Return the latency quantile in milliseconds ``[R]`` of each replay at a rate."""
        latencies = _latencies(self._service, self._worked, self._arrivals / rate)
        return np.quantile(latencies, quantile, axis=-1, overwrite_input=True) * 1000.0


def highest_rate(keeps: Callable[[float], bool], capacity: float, steps: int = STEPS) -> float:
    """Return the highest rate that keeps a promise, by bisection between 0 and ``capacity``; 0 if none does.

    Args:
        keeps: Whether a rate does; whatever keeps it at a rate must keep it below.
        capacity: A rate that is never exceeded.
        steps: Halvings.
    """
    low, high = 0.0, capacity
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


def promised_rate(replays: Replays, slo_ms: float, level: float = 0.95) -> Promise:
    """Find the highest rate at which 95 in 100 requests are surely answered in time.

    Args:
        replays: Of the measured service times.
        slo_ms: The time promised.
        level: Coverage of the interval of the 95th percentile whose upper bound must lie within the promise.

    Raises:
        InputError: The promise is not positive.
    """
    if not slo_ms > 0.0:
        raise InputError(f"the promised time must be positive, got {slo_ms} ms")

    def within(tail: float) -> float:
        return highest_rate(lambda rate: float(np.quantile(replays.quantiles(rate), tail)) <= slo_ms, replays.capacity)

    rate, possible = within(0.5 + level / 2), within(0.5 - level / 2)
    interval = Interval(low=rate, high=possible, level=level, method="replayed service times, block bootstrap")
    return Promise(rate=rate, interval=interval, capacity=replays.capacity)
