from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from underpaint.core.errors import InputError, TooFewSamples
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.efficiency.interleaved import (
    Interleaved,
    compare_latency,
    interleave,
    latency_comparison,
    latency_summary,
    ratio_of_quantiles,
)


def test_the_order_is_abba(clock):
    order: list[str] = []

    def call(name: str):
        def work(index: int) -> None:
            order.append(f"{name}{index}")
            clock.sleep(1.0)

        return work

    interleave(call("a"), call("b"), 4, clock)
    assert order[:6] == ["a0"] * 3 + ["b0"] * 3
    assert order[6:] == ["a0", "b0", "b1", "a1", "a2", "b2", "b3", "a3"]


def test_a_drift_of_the_machine_cancels(clock):
    def slower(index: int) -> None:
        clock.sleep(1.0 + 0.01 * clock.now())

    times = interleave(slower, slower, 20, clock)
    alone = times.candidate_ms[-1] / times.candidate_ms[0]
    assert alone > 1.3
    assert np.exp(np.mean(np.log(times.candidate_ms / times.baseline_ms))) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_the_ratio_is_found_through_noise_that_both_share(quantile):
    rng = np.random.default_rng(0)
    shared = rng.lognormal(0.0, 0.3, 300)
    times = Interleaved(
        candidate_ms=1.1 * shared * rng.lognormal(0.0, 0.02, 300), baseline_ms=shared * rng.lognormal(0.0, 0.02, 300)
    )
    found = times.ratio(np.random.default_rng(1), quantile)
    assert found.value == pytest.approx(1.1, rel=0.05) and found.n == 300
    assert found.interval is not None and found.interval.low <= 1.1 <= found.interval.high
    assert found.interval.high - found.interval.low < 0.2


def test_a_percentile_needs_its_fewest_pairs():
    times = np.ones(58)
    with pytest.raises(TooFewSamples, match="needs 59 pairs, got 58"):
        ratio_of_quantiles(times, times, 0.95, np.random.default_rng(0))


def test_impossible_pairs_are_refused(clock):
    with pytest.raises(InputError, match="pairs above 0"):
        ratio_of_quantiles(np.ones(60), np.ones(61), 0.95, np.random.default_rng(0))
    with pytest.raises(InputError, match="at least one pair"):
        interleave(clock.taking(1.0), clock.taking(1.0), 0, clock)
    with pytest.raises(InputError, match="at least one picture"):
        compare_latency(None, None, [], 3)  # pyright: ignore[reportArgumentType]


def test_two_models_are_compared_on_the_same_requests(clock):
    asked: list[tuple[str, int]] = []

    def model(name: str, seconds: float):
        def draw(requests):
            asked.append((name, requests[0].seed))
            clock.sleep(seconds)

        return SimpleNamespace(pipeline=SimpleNamespace(draw=draw, device=SimpleNamespace(type="cpu")))

    requests = [DrawRequest(caption="a cat", seed=seed) for seed in range(3)]
    found = latency_comparison(model("a", 0.03), model("b", 0.02), requests, 60, clock=clock)  # pyright: ignore[reportArgumentType]
    assert found["pairs"] == 60 and found["candidate_p50_ms"] == pytest.approx(30.0)
    for name in ("p50", "p95"):
        one = found["ratios"][name]
        assert (
            one["status"] == "ok" and one["ratio"] == pytest.approx(1.5) and one["low"] <= 1.5 + 1e-9 and one["n"] == 60
        )
    measured = asked[6:]
    assert [seed for name, seed in measured if name == "a"] == [seed for name, seed in measured if name == "b"]
    assert json.loads(json.dumps(found)) == found


def test_a_ratio_that_the_pairs_cannot_support_has_its_reason():
    times = np.linspace(1.0, 2.0, 20)
    found = latency_summary(Interleaved(candidate_ms=times, baseline_ms=times))
    assert found["ratios"]["p50"]["status"] == "ok" and found["ratios"]["p50"]["ratio"] == 1.0
    assert found["ratios"]["p95"] == {
        "status": "too_few",
        "message": "the ratio of quantile 0.95 needs 59 pairs, got 20; measure more pairs",
        "n": 20,
    }
