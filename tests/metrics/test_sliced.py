"""Laws of the sliced distance: the shift's closed form, symmetry, scipy's Wasserstein distance, its influence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.sliced import mind, unit_directions


def cloud(seed: int, n: int = 300, d: int = 5, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_a_shift_gives_three_d_times_its_square() -> None:
    x = cloud(0, 1000)
    assert mind(x, x + 0.7, directions=256).value == pytest.approx(3 * 5 * 0.7**2, rel=0.1)
    assert mind(x, x, directions=16).value == 0.0


def test_equals_the_formula() -> None:
    x, y, unit = cloud(0), cloud(1, shift=0.2), unit_directions(5, 8)
    squares = [((np.sort(x @ u) - np.sort(y @ u)) ** 2).sum() for u in unit.T]
    found = mind(x, y, directions=8, enforce=False)
    assert found.value == pytest.approx(3 * 5 / (300 * 8) * sum(squares), rel=1e-9)


def test_symmetric_and_free_of_the_order_of_rows() -> None:
    x, y, order = cloud(0), cloud(1, shift=0.2), np.random.default_rng(0).permutation(300)
    first = mind(x, y, directions=100, enforce=False)
    for other in (mind(y, x, directions=100, enforce=False), mind(x[order], y, directions=100, enforce=False)):
        assert other.value == pytest.approx(first.value, rel=1e-9)
        assert other.value_debiased == pytest.approx(first.value_debiased, rel=1e-6)
        assert other.se == pytest.approx(first.se, rel=1e-9)


def test_unequal_sizes_lose_no_sample() -> None:
    x, y = cloud(0, 2000, shift=0.5), cloud(1, 1500)
    whole = mind(x, y, directions=32).value_debiased
    assert whole == pytest.approx(3 * 5 * 0.25, rel=0.2)
    doubled = mind(np.repeat(x, 2, axis=0), y, directions=32).value
    assert doubled == pytest.approx(mind(x, y, directions=32).value, rel=2e-2)


def test_influence_predicts_what_a_sample_more_does() -> None:
    x, y = cloud(0, 1000, shift=0.5), cloud(1, 1000)
    estimate = mind(x, y, directions=16)
    assert estimate.influence is not None and estimate.se is not None
    moved = [mind(np.delete(x, row, 0), y, directions=16, enforce=False).value - estimate.value for row in range(6)]
    predicted = -estimate.influence[:6] / 999
    assert np.corrcoef(moved, predicted)[0, 1] > 0.99


@pytest.mark.slow
def test_interval_covers_the_truth() -> None:
    hits, truth = [], 3 * 5 * 0.3**2
    for seed in range(150):
        found = mind(cloud(2 * seed, shift=0.3), cloud(2 * seed + 1), directions=64, enforce=False)
        assert found.interval is not None
        unit = unit_directions(5, 64)
        exact = truth * float((unit.sum(axis=0) ** 2).mean())
        hits.append(found.interval.low <= exact <= found.interval.high)
    assert np.mean(hits) >= 0.88


def test_debiasing_takes_most_of_the_bias_at_the_null() -> None:
    found = [mind(cloud(2 * s), cloud(2 * s + 1), directions=16, enforce=False) for s in range(20)]
    plain = np.mean([one.value for one in found])
    assert abs(np.mean([one.value_debiased for one in found if one.value_debiased is not None])) < 0.5 * plain


def test_bad_input_is_refused() -> None:
    with pytest.raises(TooFewSamples, match="mind needs at least 1000 generated samples, got 300"):
        mind(cloud(0), cloud(1, 1000))
    broken = cloud(0, 1000)
    broken[4, 0] = np.nan
    with pytest.raises(DegenerateSamples, match="row 4"):
        mind(broken, cloud(1, 1000))
