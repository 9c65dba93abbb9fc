"""Laws of the kernel distances: the double loop, an unbiased zero, clusters, published forms, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics import kernel
from underpaint.metrics.kernel import cmmd_v, kid, mmd_rbf

Floats = NDArray[np.float64]


def cloud(seed: int, count: int = 200, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 16)) + shift


def unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_double_loop(x: Floats, y: Floats, scale: float, clusters: NDArray[np.int64] | None = None) -> float:
    def value(a: Floats, b: Floats) -> float:
        return (scale * float(a @ b) + 1.0) ** 3

    labels = np.arange(len(x)) if clusters is None else clusters
    own = [value(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if labels[i] != labels[j]]
    other = [value(y[i], y[j]) for i in range(len(y)) for j in range(len(y)) if i != j]
    return float(np.mean(own) + np.mean(other) - 2.0 * np.mean([value(a, b) for a in x for b in y]))


def test_kid_equals_a_double_loop_with_and_without_clusters() -> None:
    x, y, clusters = cloud(3, 14), cloud(4, 11, shift=0.5), np.arange(14) % 5
    assert kid(x, y, enforce=False).value == pytest.approx(by_double_loop(x, y, 1 / 16), rel=1e-9)
    assert kid(x, y, scale=1.0, enforce=False).value == pytest.approx(by_double_loop(x, y, 1.0), rel=1e-9)
    clustered = kid(x, y, clusters=clusters, enforce=False)
    assert clustered.value == pytest.approx(by_double_loop(x, y, 1 / 16), rel=1e-9)
    assert clustered.value_debiased == pytest.approx(by_double_loop(x, y, 1 / 16, clusters), rel=1e-9)


def test_kid_of_one_subset_equals_torchmetrics() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.kid import poly_mmd
    x, y = cloud(0), cloud(1, shift=0.3)
    theirs = float(poly_mmd(torch.tensor(y), torch.tensor(x)))
    assert kid(x, y).value == pytest.approx(theirs, rel=1e-6)


def test_same_distribution_has_distance_zero_within_noise() -> None:
    values = [kid(cloud(2 * s), cloud(2 * s + 1)).value for s in range(40)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(40)
    assert min(values) < 0.0 < max(values), "an unbiased estimate falls on both sides of zero"


def test_distance_grows_with_the_shift() -> None:
    distances = [kid(cloud(0), cloud(1, shift=shift)).value for shift in (0.0, 0.3, 0.6, 1.2)]
    assert distances == sorted(distances)


def test_blocks_and_the_order_of_rows_leave_it_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, order = cloud(0), cloud(1, 150, shift=0.2), np.random.default_rng(0).permutation(200)
    first = kid(x, y)
    monkeypatch.setattr(kernel, "BLOCK", 64)
    blocked, shuffled = kid(x, y), kid(x[order], y)
    for other in (blocked, shuffled):
        assert other.value == pytest.approx(first.value, rel=1e-9)
        assert other.se == pytest.approx(first.se, rel=1e-9)
    assert blocked.influence is not None and first.influence is not None and shuffled.influence is not None
    assert np.allclose(blocked.influence, first.influence)
    assert np.allclose(shuffled.influence, first.influence[order])


def test_standard_error_is_the_spread_of_repeats() -> None:
    repeats = [kid(cloud(2 * s, 120, shift=0.4), cloud(2 * s + 1, 120)) for s in range(80)]
    spread = np.std([repeat.value for repeat in repeats])
    assert np.mean([repeat.se or 0.0 for repeat in repeats]) == pytest.approx(spread, rel=0.25)


def test_clusters_widen_the_interval_and_remove_the_pull_of_pairs_inside() -> None:
    rng = np.random.default_rng(3)
    plain, debiased, ratio = [], [], []
    for _ in range(60):
        x = np.repeat(rng.normal(size=(30, 8)), 4, axis=0) + 0.1 * rng.normal(size=(120, 8))
        y = np.sqrt(1.01) * rng.normal(size=(120, 8))
        estimate = kid(x, y, clusters=np.repeat(np.arange(30), 4))
        plain.append(estimate.value)
        debiased.append(estimate.value_debiased or 0.0)
        ratio.append((estimate.se or 0.0) / (kid(x, y).se or 1.0))
    error = np.std(debiased) / np.sqrt(60)
    assert abs(np.mean(debiased)) < 3 * error
    assert np.mean(plain) > 5 * error
    assert np.mean(ratio) > 1.2


def test_gaussian_kernel_of_a_set_with_itself_and_nearly_linear() -> None:
    x, y = unit(cloud(0, shift=0.5)), unit(cloud(1, shift=0.7))
    assert cmmd_v(x, x).value == pytest.approx(0.0, abs=1e-9)
    published = cmmd_v(x, y)
    assert published.value_debiased == pytest.approx(mmd_rbf(x, y).value, rel=1e-12)
    nearly = 10.0 * ((x.mean(0) - y.mean(0)) ** 2).sum()
    assert published.value == pytest.approx(nearly, rel=0.02)


def test_cmmd_equals_the_published_code() -> None:
    x, y, gamma = unit(cloud(0, shift=0.5)), unit(cloud(1, 150)), 1 / 200
    squares = [((a[:, None] - b[None]) ** 2).sum(2) for a, b in ((x, x), (y, y), (x, y))]
    k_xx, k_yy, k_xy = (np.exp(-gamma * square).mean() for square in squares)
    assert cmmd_v(x, y).value == pytest.approx(1000 * (k_xx + k_yy - 2 * k_xy), rel=1e-9)


def test_bad_input_is_refused() -> None:
    x, y = cloud(0), cloud(1)
    with pytest.raises(TooFewSamples, match="kid needs at least 100 generated samples, got 99"):
        kid(x[:99], y)
    with pytest.raises(TooFewSamples, match="at least 100 reference"):
        kid(x, y[:99])
    with pytest.raises(DegenerateSamples, match="needs length 1; divide each row"):
        mmd_rbf(x, y)
    broken = x.copy()
    broken[5, 1] = np.nan
    with pytest.raises(DegenerateSamples, match="row 5 of the reference features"):
        kid(x, broken)
    with pytest.raises(DegenerateSamples, match=r"shape \(200,\)"):
        kid(x[:, 0], y)
