"""Laws of the permutation test: its level at the null, its power, clusters that move as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import MetricError, TooFewSamples
from underpaint.metrics import permutation
from underpaint.metrics.kernel import kid, polynomial_kernel
from underpaint.metrics.permutation import permutation_p


def cloud(rng: np.random.Generator, count: int = 40, shift: float = 0.0) -> np.ndarray:
    return rng.normal(size=(count, 4)) + shift


def test_the_first_column_is_kid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "BLOCK", 16)
    rng = np.random.default_rng(0)
    x, y = cloud(rng), cloud(rng, 50, 0.3)
    sides = permutation._sides(40, 50, 3, rng)
    distances = permutation._distances(x, y, polynomial_kernel(0.25), sides)
    assert distances[0] == pytest.approx(kid(x, y, enforce=False).value, rel=1e-9)
    pooled, chosen = np.concatenate([x, y]), sides[:, 2] == 1.0
    assert distances[2] == pytest.approx(kid(pooled[chosen], pooled[~chosen], enforce=False).value, rel=1e-9)


def test_level_at_the_null_and_power_beyond() -> None:
    rng = np.random.default_rng(1)
    null = [permutation_p(cloud(rng), cloud(rng), rng=rng, permutations=39) for _ in range(200)]
    assert 0.01 <= np.mean(np.array(null) <= 0.05) <= 0.10
    assert abs(np.mean(null) - 0.5125) < 0.07
    assert permutation_p(cloud(rng), cloud(rng, shift=1.0), rng=rng, permutations=99) == 0.01


def test_clusters_keep_the_level_that_rows_alone_lose() -> None:
    rng, clusters = np.random.default_rng(2), np.repeat(np.arange(20), 4)

    def drawn() -> np.ndarray:
        return np.repeat(cloud(rng, 20), 4, axis=0) + 0.05 * cloud(rng, 80)

    naive, honest = [], []
    for _ in range(60):
        x, y = drawn(), drawn()
        naive.append(permutation_p(x, y, rng=rng, permutations=39))
        honest.append(permutation_p(x, y, rng=rng, permutations=39, clusters=clusters, reference_clusters=clusters))
    assert np.mean(np.array(honest) <= 0.05) <= 0.15 < np.mean(np.array(naive) <= 0.05)


def test_bad_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(MetricError, match="5 permutations cannot reach"):
        permutation_p(cloud(rng), cloud(rng), rng=rng, permutations=5)
    with pytest.raises(TooFewSamples):
        permutation_p(cloud(rng, 3), cloud(rng), rng=rng)
