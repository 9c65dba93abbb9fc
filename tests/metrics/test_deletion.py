"""The jackknife without decompositions against deleting each cluster and starting again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from underpaint.metrics.deletion import root_trace_change
from underpaint.metrics.frechet import frechet_distance, frechet_from_moments
from underpaint.metrics.moments import Moments

RNG = np.random.default_rng(1)
X = RNG.normal(size=(90, 6)) * np.arange(1, 7) ** -1.0
Y = RNG.normal(size=(130, 6)) * np.arange(1, 7) ** -0.8 + 0.1
SCATTERED = RNG.integers(0, 20, size=90)


def plain(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    a, b = Moments.of(x), Moments.of(y)
    return frechet_from_moments(a.mean, a.covariance, b.mean, b.covariance)


def bias_by_deletion(x: NDArray[np.float64], y: NDArray[np.float64], clusters: NDArray[np.int64]) -> float:
    masks = [clusters == cluster for cluster in np.unique(clusters)]
    return sum((1 - mask.mean()) * (plain(x[~mask], y) - plain(x, y)) for mask in masks)


@pytest.mark.parametrize("clusters", [np.arange(90), np.arange(90) // 3, SCATTERED], ids=["none", "threes", "unequal"])
def test_bias_equals_deleting_every_cluster(clusters: NDArray[np.int64]) -> None:
    estimate = frechet_distance(X, Y, clusters=clusters)
    slow = plain(X, Y) - bias_by_deletion(X, Y, clusters) - bias_by_deletion(Y, X, np.arange(130))
    assert estimate.value_debiased == pytest.approx(slow, rel=1e-6)


@pytest.mark.parametrize("rows", [1, 3])
def test_root_trace_change_equals_new_eigenvalues_over_a_wide_spectrum(rows: int) -> None:
    eigenvalues = 10.0 ** np.linspace(-6, 3, 10)
    removed = 0.2 * np.sqrt(eigenvalues) * RNG.normal(size=(4, rows, 10)) / np.sqrt(rows)
    slow = [np.sqrt(np.linalg.eigvalsh(np.diag(eigenvalues) - u.T @ u)).sum() for u in removed]
    assert root_trace_change(removed, eigenvalues) == pytest.approx(slow - np.sqrt(eigenvalues).sum(), rel=1e-6)
