"""The simulated queue against formulas, and against an independent recursion."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from underpaint.stages.optimize.advise.measured import Batch, Measured
from underpaint.stages.optimize.advise.queueing import in_line, promised, replay, worthwhile


def arrivals_of(rate: float, count: int, seed: int = 0) -> list[float]:
    return np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate, count)).tolist()


def test_one_machine_without_batches_follows_lindleys_recursion() -> None:
    rng = np.random.default_rng(1)
    arrivals, times = arrivals_of(8.0, 500), rng.uniform(0.01, 0.2, 500).tolist()
    waits = [0.0]
    for n in range(1, 500):
        waits.append(max(0.0, waits[-1] + times[n - 1] - (arrivals[n] - arrivals[n - 1])))
    wanted = [wait + time for wait, time in zip(waits, times, strict=True)]
    assert replay(arrivals, {1: times}, cap=1) == pytest.approx(wanted, abs=1e-9)


def test_equal_times_wait_as_long_as_pollaczek_and_khinchine_say() -> None:
    load, time = 0.6, 0.05
    waited = replay(arrivals_of(load / time, 40_000), {1: [time]}, cap=1)
    assert float(np.mean(waited)) - time == pytest.approx(load / (2 * (1 - load)) * time, rel=0.05)


def test_several_machines_wait_as_long_as_erlang_says() -> None:
    machines, mean, load = 3, 1.0, 0.7
    offered = machines * load
    terms = [offered**k / math.factorial(k) for k in range(machines)]
    last = offered**machines / math.factorial(machines) / (1 - load)
    wanted = last / (sum(terms) + last) * mean / (machines * (1 - load))
    times = np.random.default_rng(2).exponential(mean, 40_000).tolist()
    waited = replay(arrivals_of(offered / mean, 40_000, seed=3), {1: times}, cap=1, machines=machines)
    assert float(np.mean(waited)) - float(np.mean(times)) == pytest.approx(wanted, rel=0.08)


def test_a_machine_takes_what_waits_in_batches_of_measured_sizes() -> None:
    arrivals = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    profile = {1: [1.0], 2: [1.5], 4: [2.0]}
    first = [1.0]
    three_of_four = [3.0 - 0.1, 3.0 - 0.2, 3.0 - 0.3, 3.0 - 0.4]
    assert replay(arrivals, profile, cap=4) == pytest.approx([*first, *three_of_four, 4.0 - 0.5])
    assert replay(arrivals[:4], profile, cap=4) == pytest.approx([*first, 2.9, 2.8, 2.7])  # three take the time of four


def test_a_batch_is_no_larger_than_it_pays_and_than_the_latency_allows() -> None:
    gains = [Batch(size=size, times_ms=(ms,)) for size, ms in ((1, 10.0), (2, 12.0), (4, 16.0), (8, 33.0))]
    assert worthwhile(gains, 1000.0) == 4  # eight give 0.97 of what four do
    assert worthwhile(gains, 30.0) == 2
    assert worthwhile(gains, 1.0) == 1


def test_a_promise_is_kept_at_its_rate_and_broken_a_little_above(make_measured: Callable[..., Measured]) -> None:
    promise = promised(make_measured(), 200.0, replays=5)
    low, high = promise.rate.low, promise.rate.high
    assert high is not None
    assert 0.0 < low <= high < 20.0
    assert (promise.rate.value, promise.cap) == (low, 1)
    line = in_line(promise, low * 0.98, 1)
    assert line is not None
    assert line.high is not None
    assert line.high <= 200.0
    beyond = in_line(promise, high * 1.1, 1)
    assert beyond is not None
    assert beyond.value > 200.0


def test_machines_that_share_a_line_wait_no_longer_than_each_with_its_own(
    make_measured: Callable[..., Measured],
) -> None:
    promise = promised(make_measured(), 200.0, replays=5)
    lines = [in_line(promise, promise.rate.value * count, count) for count in (1, 4, 16)]
    times = [line.value for line in lines if line is not None]
    assert times == sorted(times, reverse=True)
    assert in_line(promise, 1e6, 100_000) is None


def test_no_rate_keeps_a_promise_below_the_time_of_a_picture(make_measured: Callable[..., Measured]) -> None:
    assert promised(make_measured(), 49.0, replays=2).rate.value == 0.0


def test_the_same_measurement_gives_the_same_promise(make_measured: Callable[..., Measured]) -> None:
    assert promised(make_measured(), 300.0, replays=2).rate == promised(make_measured(), 300.0, replays=2).rate
