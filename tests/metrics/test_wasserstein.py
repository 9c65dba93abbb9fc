"""Wasserstein-1 distance of numbers: scipy, closed forms, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.wasserstein import distance_of_numbers, wasserstein_1

stats = pytest.importorskip("scipy.stats")


def numbers(seed: int, n: int = 200, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n) + shift


@pytest.mark.parametrize(("n", "m"), [(30, 30), (45, 200), (1, 7)])
def test_distance_equals_scipy_also_with_ties(n: int, m: int) -> None:
    for a, b in ((numbers(0, n), numbers(1, m)), (numbers(0, n).round(), numbers(1, m).round())):
        assert distance_of_numbers(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)


def test_a_shift_is_its_own_distance_and_scale_is_kept() -> None:
    a = numbers(0)
    assert distance_of_numbers(a, a) == 0.0
    assert distance_of_numbers(a + 2.5, a) == pytest.approx(2.5)
    assert distance_of_numbers(3 * a, 3 * numbers(1)) == pytest.approx(3 * distance_of_numbers(a, numbers(1)))


def test_influence_predicts_what_moving_one_value_does_to_the_weights() -> None:
    """Doubling the weight of value 4 moves the distance by its influence over n, to first order."""
    a, b = numbers(0, 400, 0.7), numbers(1, 300)
    found = wasserstein_1(a, b, np.random.default_rng(0), draws=10)
    assert found.influence is not None
    assert found.reference_influence is not None
    weights = np.ones(400)
    weights[4] += 1e-3
    moved = stats.wasserstein_distance(a, b, u_weights=weights)
    assert (moved - found.value) / 1e-3 * 400 == pytest.approx(found.influence[4], rel=0.01)
    weights = np.ones(300)
    weights[8] += 1e-3
    moved = stats.wasserstein_distance(a, b, v_weights=weights)
    assert (moved - found.value) / 1e-3 * 300 == pytest.approx(found.reference_influence[8], rel=0.01)


def test_interval_holds_a_shift_and_debiasing_helps_near_zero() -> None:
    rng, held, plain, debiased = np.random.default_rng(0), 0, [], []
    for seed in range(50):
        found = wasserstein_1(numbers(seed, 200, 0.3), numbers(1000 + seed, 300), rng, draws=60)
        assert found.interval is not None
        held += found.interval.low <= 0.3 <= found.interval.high
        null = wasserstein_1(numbers(seed, 200), numbers(1000 + seed, 300), rng, draws=30)
        assert null.value_debiased is not None
        plain.append(null.value)
        debiased.append(null.value_debiased)
    assert held / 50 >= 0.88
    assert abs(np.mean(debiased)) < 0.6 * np.mean(plain)


def test_seeds_of_one_prompt_widen_the_interval() -> None:
    a, b = numbers(0, 100, 1.0).repeat(4), numbers(1, 400)
    alone = wasserstein_1(a, b, np.random.default_rng(0), draws=200)
    clustered = wasserstein_1(a, b, np.random.default_rng(0), clusters=np.arange(100).repeat(4), draws=200)
    assert clustered.num_clusters == 100
    assert clustered.se is not None
    assert alone.se is not None
    assert clustered.se > 1.3 * alone.se


def test_bad_values_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TooFewSamples, match="30 generated values, got 29"):
        wasserstein_1(numbers(0, 29), numbers(1), rng)
    with pytest.raises(DegenerateSamples, match="reference"):
        wasserstein_1(numbers(0), np.append(numbers(1), np.nan), rng)
