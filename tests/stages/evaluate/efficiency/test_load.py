from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from underpaint.core.errors import InputError, TooFewSamples
from underpaint.stages.evaluate.efficiency import serving
from underpaint.stages.evaluate.efficiency.load import (
    describe,
    effective_count,
    load_curves,
    poisson_arrivals,
    queue_quantile,
    run_load,
)
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan
from underpaint.stages.evaluate.efficiency.promise import Replays, highest_rate, promised_rate, replay
from underpaint.stages.evaluate.efficiency.serving import measure_load


def test_latency_counts_from_the_intended_arrival(clock):
    run = run_load(clock.taking(1.0), np.array([0.0, 0.1, 0.2, 5.0]), 1.0, clock)
    assert run.latencies_ms.tolist() == pytest.approx([1000.0, 1900.0, 2800.0, 1000.0])
    assert run.utilization == pytest.approx(4.0 / 6.0) and run.errors == 0


def test_a_stall_is_charged_to_everyone_behind_it(clock):
    stalling = clock.taking(10.0, *[0.1] * 9)
    run = run_load(stalling, np.arange(10, dtype=np.float64), 1.0, clock)
    assert (run.latencies_ms > 1000.0).sum() >= 9


def test_failures_and_requests_that_waited_too_long_are_errors(clock):
    served: list[int] = []

    def serve(index: int) -> None:
        served.append(index)
        clock.sleep(2.0)
        if index == 3:
            raise RuntimeError("broken")

    run = run_load(serve, np.array([0.0, 0.0, 0.0, 100.0]), 1.0, clock, timeout_ms=3000.0)
    assert served == [0, 1, 3]
    assert run.errors == 3 and run.error_rate == 0.75
    assert run.latencies_ms.tolist() == pytest.approx([2000.0, 4000.0, 4000.0, 3000.0])


def test_arrivals_are_poisson_and_seeded():
    arrivals = poisson_arrivals(5.0, 20_000, np.random.default_rng(1))
    gaps = np.diff(arrivals)
    assert gaps.mean() == pytest.approx(0.2, rel=0.03) and gaps.std() == pytest.approx(0.2, rel=0.03)
    np.testing.assert_array_equal(arrivals, poisson_arrivals(5.0, 20_000, np.random.default_rng(1)))
    for rate, count in ((0.0, 5), (math.inf, 5), (1.0, 0)):
        with pytest.raises(InputError, match="positive rate"):
            poisson_arrivals(rate, count, np.random.default_rng(1))


def test_independent_samples_are_worth_themselves_and_repeated_ones_are_not():
    rng = np.random.default_rng(2)
    hits = rng.random(3000) < 0.3
    assert effective_count(hits) > 2400
    assert effective_count(np.repeat(hits[:300], 10)) == pytest.approx(300, rel=0.4)
    assert effective_count(np.ones(50)) == 50


def test_a_queue_that_is_worth_too_little_gives_no_percentile():
    latencies = np.repeat(np.random.default_rng(3).exponential(100.0, 20), 10)
    with pytest.raises(TooFewSamples, match="200 latencies of one queue are worth"):
        queue_quantile(latencies, 0.95)


def test_the_bound_of_a_queue_holds_where_independence_would_not():
    """M/D/1 at 60 % load: the thinned interval covers, over runs of 2000 requests."""
    rng = np.random.default_rng(4)
    truth = np.quantile(replay(np.ones(400_000), poisson_arrivals(0.6, 400_000, rng)), 0.95)
    hits = 0
    for _ in range(150):
        found = queue_quantile(replay(np.ones(2000), poisson_arrivals(0.6, 2000, rng)), 0.95)
        hits += found.low <= truth <= found.high
    assert hits / 150 >= 0.9


def test_a_replay_is_what_the_open_loop_measures(clock):
    rng = np.random.default_rng(5)
    service, arrivals = rng.gamma(2.0, 0.4, 200), poisson_arrivals(1.0, 200, rng)
    run = run_load(clock.taking(*service), arrivals, 1.0, clock)
    np.testing.assert_allclose(replay(service, arrivals) * 1000.0, run.latencies_ms, rtol=1e-9)


def test_the_mean_wait_is_that_of_pollaczek_and_khinchine():
    load = 0.5
    latencies = replay(np.ones(400_000), poisson_arrivals(load, 400_000, np.random.default_rng(6)))
    assert latencies.mean() - 1.0 == pytest.approx(load / (2 * (1 - load)), rel=0.03)


def test_bisection_finds_the_edge():
    assert highest_rate(lambda rate: rate <= 3.3, 10.0, steps=30) == pytest.approx(3.3, abs=1e-6)
    assert highest_rate(lambda rate: False, 10.0) == 0.0
    assert highest_rate(lambda rate: True, 10.0, steps=30) == pytest.approx(10.0, abs=1e-6)


@pytest.fixture(scope="module")
def replays() -> Replays:
    service_ms = np.random.default_rng(7).normal(50.0, 2.0, 100)
    return Replays(service_ms, np.random.default_rng(0), requests=2000, replays=20)


def test_a_longer_promise_allows_more_requests_but_never_more_than_the_capacity(replays):
    rates = [promised_rate(replays, slo).rate for slo in (40.0, 100.0, 300.0, 3000.0)]
    assert rates[0] == 0.0 and rates == sorted(rates) and 0.9 * replays.capacity < rates[3] < replays.capacity
    assert replays.capacity == pytest.approx(20.0, rel=0.02)


def test_the_promise_is_kept_at_the_rate_found(replays):
    promise = promised_rate(replays, 200.0)
    arrivals = poisson_arrivals(promise.rate, 200_000, np.random.default_rng(8))
    service = np.random.default_rng(9).normal(0.05, 0.002, 200_000)
    assert np.quantile(replay(service, arrivals), 0.95) <= 0.2
    assert promise.interval.low == promise.rate < promise.interval.high


def test_few_service_times_and_an_impossible_promise_are_refused(replays):
    with pytest.raises(TooFewSamples, match="58 service times were measured, but 59"):
        Replays(np.ones(58), np.random.default_rng(0))
    with pytest.raises(InputError, match="must be positive"):
        promised_rate(replays, 0.0)


@pytest.fixture
def fewer_replays(monkeypatch):
    small = functools.partial(Replays, requests=1000, replays=20)
    monkeypatch.setattr(serving, "Replays", small)


PLAN = EfficiencyPlan(slo_ms=300.0, load_shares=(0.5,), load_seconds=40.0)


def test_a_real_run_confirms_the_rate(clock, fewer_replays):
    part = measure_load(clock.taking(0.05), [50.0] * 80, PLAN, clock)
    (one,) = part.measurements
    assert one.status == "ok" and one.value is not None and 12.0 < one.value < 20.0 and one.n == 80
    assert [record["rate"] for record in part.details["load_test"]] == pytest.approx([10.0, one.value])
    assert part.details["load_test"][0]["utilization"] == pytest.approx(0.5, abs=0.1)
    assert part.curves and all(curve.kind == "load" for curve in part.curves)


def test_a_real_run_that_contradicts_takes_the_number_back(clock, fewer_replays):
    part = measure_load(clock.taking(0.05, 0.05, 0.2), [50.0] * 80, PLAN, clock)
    (one,) = part.measurements
    assert one.status == "degenerate" and one.value is None and "requests a second" in one.message


def test_a_promise_that_nobody_keeps_is_a_rate_of_zero(clock, fewer_replays):
    (one,) = measure_load(clock.taking(0.5), [500.0] * 80, PLAN, clock).measurements
    assert one.value == 0.0 and "no rate" in one.message


def test_a_short_run_shows_only_the_percentiles_it_supports(clock):
    record = describe(run_load(clock.taking(0.05), np.arange(10, dtype=np.float64), 1.0, clock))
    assert record["p50"] == pytest.approx(50.0) and record["p95"] is None and "longer" in record["p95_message"]
    assert [curve.id for curve in load_curves([record])] == ["load_p50"]
