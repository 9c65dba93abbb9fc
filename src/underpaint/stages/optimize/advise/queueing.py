"""How many pictures a second machines can be asked for: measured times of batches, replayed in a simulated queue.

Pictures are asked for at random moments (a Poisson process) and wait in one line. A machine that becomes free takes
what waits, up to a number that is worth drawing together; a batch of a size that was not measured takes the time of the
next larger one that was. With one picture a batch and one machine this is the queue M/G/1, with equal times M/D/1; with
several machines M/G/c.

Source: Lindley 1952; Erlang 1917; blocks of the bootstrap, Kunsch 1989.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.optimize.advise.asked import KEPT
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.measured import Batch, Measured

REPLAYS = 24
REQUESTS = 6000
STEPS = 11
BLOCK = 5
LEVEL = 0.95
WORTH = 0.95
"""A batch is as large as it takes for this share of the best throughput, and no larger."""
MOST_MACHINES = 300
"""Machines up to which the common line is simulated: a replay has 20 pictures for each, at least."""
Profile = Mapping[int, Sequence[float]]
"""Size of a batch to its times in seconds, which are taken in turn."""


def replay(arrivals_s: Sequence[float], profile: Profile, *, cap: int, machines: int = 1) -> list[float]:
    """Return how long each picture was waited for, in seconds, first come, first served.

    Args:
        arrivals_s: ``[n]`` rising.
        profile: Times of batches.
        cap: Most pictures of a batch; not above the largest size of the profile.
        machines: Number of machines.
    """
    sizes, taken = sorted(profile), dict.fromkeys(profile, 0)
    measured_size = [sizes[bisect.bisect_left(sizes, count)] for count in range(cap + 1)]
    free, waited, first, n = [0.0] * machines, list[float](), 0, len(arrivals_s)
    while first < n:
        begins = max(heapq.heappop(free), arrivals_s[first])
        end = first + 1
        while end < n and end - first < cap and arrivals_s[end] <= begins:
            end += 1
        size = measured_size[end - first]
        times = profile[size]
        finished = begins + times[taken[size] % len(times)]
        taken[size] += 1
        waited += [finished - arrival for arrival in arrivals_s[first:end]]
        heapq.heappush(free, finished)
        first = end
    return waited


def worthwhile(batches: Sequence[Batch], latency_ms: float) -> int:
    """Return the largest number that is drawn together.

    It is the smallest that gives 0.95 of the best throughput, among those that take half of the latency at most: a
    picture may wait for the batch before its own.

    Args:
        batches: Measured, sizes rising from 1.
        latency_ms: Time within which pictures must be there.
    """
    usable = [one for one in batches if one.size == 1 or 2 * one.mean_ms <= latency_ms]
    speeds = [one.size / one.mean_ms for one in usable]
    return next(one.size for one, speed in zip(usable, speeds, strict=True) if speed >= WORTH * max(speeds))


def drawn_again(times_ms: Sequence[float], rng: np.random.Generator) -> list[float]:
    """Return times in seconds in blocks of neighbors, as a measurement done again would have given them."""
    ring, block = np.asarray(times_ms) / 1000.0, min(BLOCK, len(times_ms))
    starts = rng.integers(len(ring), size=-(-len(ring) // block))
    return ring[(starts[:, None] + np.arange(block)).reshape(-1)[: len(ring)] % len(ring)].tolist()


class Replays:
    """Replays of one measurement, each with times drawn again and arrivals of its own.

    Args:
        measured: The measurement.
        latency_ms: Time within which pictures must be there.
        seed: Of all randomness.
        replays: Number of replays.
        requests: Pictures of each.
    """

    def __init__(
        self, measured: Measured, latency_ms: float, seed: int, *, replays: int = REPLAYS, requests: int = REQUESTS
    ) -> None:
        rng = np.random.default_rng(seed)
        self.latency_ms = latency_ms
        self.cap = worthwhile(measured.batches, latency_ms)
        used = [one for one in measured.batches if one.size <= self.cap]
        self.profiles = [{one.size: drawn_again(one.times_ms, rng) for one in used} for _ in range(replays)]
        self._gaps = rng.exponential(1.0, (replays, requests))  # [R, n]

    def p95_ms(self, number: int, rate: float, machines: int = 1) -> float:
        """Return the time within which 95 in 100 pictures of a replay are there, at a rate of arrivals a second."""
        arrivals = (np.cumsum(self._gaps[number]) / rate).tolist()
        waited = replay(arrivals, self.profiles[number], cap=self.cap, machines=machines)
        return float(np.quantile(waited, KEPT)) * 1000.0

    def highest_rate(self, number: int) -> float:
        """Return the highest rate at which one machine of a replay is in time; 0 if none is."""
        capacity = self.cap / float(np.mean(self.profiles[number][self.cap]))
        return highest(lambda rate: self.p95_ms(number, rate) <= self.latency_ms, capacity)


def highest(keeps: Callable[[float], bool], most: float, steps: int = STEPS) -> float:
    """Return the highest rate that keeps a promise, by halving; 0 if none does."""
    low, high = 0.0, most
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What one machine can be asked for.

    Args:
        rate: Pictures a second, at the end of the interval that is surely in time; 0 where no rate is.
        cap: Pictures that are drawn together at most.
        replays: What it was found with.
    """

    rate: Figure
    cap: int
    replays: Replays


def promised(
    measured: Measured, latency_ms: float, seed: int = 0, report: Report = silent, *, replays: int = REPLAYS
) -> Promise:
    """Find the rate at which 95 in 100 pictures are in time.

    Args:
        measured: The measurement.
        latency_ms: Time within which they must be there.
        seed: Of all randomness.
        report: Receives progress.
        replays: How often the queue is simulated.
    """
    simulated, rates = Replays(measured, latency_ms, seed, replays=replays), list[float]()
    for number in range(replays):
        rates.append(simulated.highest_rate(number))
        report(Progress(task=f"replay {measured.hardware}", done=number + 1, total=replays, unit="replays"))
    low, high = np.quantile(rates, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    rate = Figure(
        value=float(low), low=float(low), high=float(high), unit="1/s", method="simulated", sources=(measured.title,)
    )
    return Promise(rate=rate, cap=simulated.cap, replays=simulated)


def in_line(promise: Promise, peak_per_s: float, machines: int) -> Figure | None:
    """Return the time within which 95 in 100 pictures are there when machines share one line at the busiest time.

    Args:
        promise: Of one machine.
        peak_per_s: Arrivals of all machines together.
        machines: Their number.

    Returns:
        The time with the interval of the replays; None for more machines than are simulated, of which each is in time
        by itself.
    """
    if machines > MOST_MACHINES:
        return None
    replays = promise.replays
    times = [replays.p95_ms(number, peak_per_s, machines) for number in range(len(replays.profiles))]
    low, high = np.quantile(times, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    value = float(np.median(times))
    return Figure(
        value=value, low=float(low), high=float(high), unit="ms", method="simulated", sources=promise.rate.sources
    )
