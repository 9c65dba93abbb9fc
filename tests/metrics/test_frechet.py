"""The Frechet distance: closed forms, invariances, scipy and torchmetrics, the interval's coverage, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.frechet import (
    frechet_distance,
    frechet_from_moments,
    frechet_pca,
    num_directions,
    principal_directions,
)
from underpaint.metrics.reference import Reference

Floats = NDArray[np.float64]


def cloud(seed: int, n: int = 400, d: int = 8, shift: float = 0.0) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / np.sqrt(d) + shift


def by_scipy(x: Floats, y: Floats) -> float:
    sx, sy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.asarray(scipy.linalg.sqrtm(sx @ sy))
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(sx + sy) - 2.0 * np.trace(root).real)


def by_torchmetrics(x: Floats, y: Floats) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance

        class Identity(torch.nn.Module):
            num_features = x.shape[1]

            def forward(self, image: torch.Tensor) -> torch.Tensor:
                return image.reshape(len(image), -1)

        metric = FrechetInceptionDistance(
            feature=Identity(), normalize=True, input_img_size=(1, 1, x.shape[1]), antialias=False
        ).set_dtype(torch.float64)
        metric.update(torch.tensor(y)[:, None, None], real=True)
        metric.update(torch.tensor(x)[:, None, None], real=False)
        return float(metric.compute())


def test_value_equals_scipy_and_torchmetrics() -> None:
    x, y = cloud(0, shift=0.3), cloud(1, 300)
    value = frechet_distance(x, y).value
    assert value == pytest.approx(by_scipy(x, y), rel=1e-6)
    assert value == pytest.approx(by_torchmetrics(x, y), rel=1e-6)


def test_diagonal_gaussians_and_one_dimension_have_their_closed_form() -> None:
    a, b, gap = np.array([0.5, 2.0, 3.0]), np.array([1.0, 1.5, 0.1]), np.array([1.0, -2.0, 0.5])
    closed = (gap**2).sum() + ((a - b) ** 2).sum()
    assert frechet_from_moments(gap, np.diag(a**2), np.zeros(3), np.diag(b**2)) == pytest.approx(closed, abs=1e-9)
    x, y = cloud(0, d=1), cloud(1, d=1, shift=1.0)
    one = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y).value == pytest.approx(one, rel=1e-9)


def test_a_set_is_at_distance_zero_from_itself_and_a_shift_adds_its_square() -> None:
    x = cloud(0)
    assert abs(frechet_distance(x, x).value) <= 1e-6 * np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x + 0.5, x).value == pytest.approx(8 * 0.25, rel=1e-6)


def test_rotation_order_and_symmetry_leave_it_unchanged() -> None:
    x, y, rng = cloud(0), cloud(1, 300), np.random.default_rng(5)
    first = frechet_distance(x, y)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    order = rng.permutation(len(x))
    for other in (frechet_distance(x @ turn, y @ turn), frechet_distance(x[order], y), frechet_distance(y, x)):
        assert other.value == pytest.approx(first.value, rel=1e-6)
        assert other.value_debiased == pytest.approx(first.value_debiased, rel=1e-6)
        assert other.se == pytest.approx(first.se, rel=1e-6)
    shuffled = frechet_distance(x[order], y)
    assert shuffled.influence is not None and first.influence is not None
    assert np.allclose(shuffled.influence, first.influence[order], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(5, 300), (5, 6), (300, 5)])
def test_few_samples_go_by_the_nuclear_norm_or_a_smaller_root(n: int, m: int) -> None:
    x, y = cloud(0, n, 12), cloud(1, m, 12, shift=0.2)
    estimate = frechet_distance(x, y, enforce=False)
    sx, sy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    assert estimate.value == pytest.approx(frechet_from_moments(x.mean(0), sx, y.mean(0), sy), rel=1e-6)
    assert estimate.interval is None and "fewer samples than dimensions" in estimate.message


def test_covariances_without_full_rank_and_dead_dimensions() -> None:
    flat, rng = cloud(0, d=3) @ np.random.default_rng(2).normal(size=(3, 8)), np.random.default_rng(3)
    other = cloud(1, d=3) @ rng.normal(size=(3, 8))
    estimate = frechet_distance(flat, other)
    exact = np.linalg.svd(np.cov(flat, rowvar=False) @ np.cov(other, rowvar=False), compute_uv=False)
    assert np.isfinite(exact).all() and np.isfinite([estimate.value, estimate.se or np.nan]).all()
    assert estimate.dropped_dims == 5
    x, y = cloud(0), cloud(1)
    dead = np.full((400, 2), 0.25)
    widened = frechet_distance(np.hstack([x, 1e5 * rng.normal(size=(400, 2))]), np.hstack([y, dead]))
    assert widened.dropped_dims == 2
    assert widened.value == pytest.approx(frechet_distance(x, y).value, rel=1e-9)


def test_influence_predicts_what_a_sample_more_does() -> None:
    x, y = cloud(0, 2000), cloud(1, 2000, shift=0.2)
    estimate = frechet_distance(x, y)
    assert estimate.influence is not None and estimate.reference_influence is not None
    for row in (3, 77):
        moved = frechet_distance(np.delete(x, row, axis=0), y).value - estimate.value
        assert -1999 * moved == pytest.approx(estimate.influence[row], abs=0.05 * estimate.influence.std() + 0.02)
        moved = frechet_distance(x, np.delete(y, row, axis=0)).value - estimate.value
        assert -1999 * moved == pytest.approx(
            estimate.reference_influence[row], abs=0.05 * estimate.influence.std() + 0.02
        )


def test_a_fixed_reference_adds_no_uncertainty_and_a_prepared_one_changes_nothing() -> None:
    x, y = cloud(0), cloud(1)
    sampled, fixed = frechet_distance(x, Reference.of(y)), frechet_distance(x, Reference.of(y, fixed=True))
    assert sampled.value == fixed.value == frechet_distance(x, y).value
    assert fixed.m is None and fixed.reference_influence is None
    assert (fixed.se or 0.0) < (sampled.se or 0.0)


def test_pca_on_all_directions_is_the_distance_and_takes_the_largest_first() -> None:
    x, y = cloud(0, 400, 20), cloud(1, 400, 20)
    assert frechet_pca(x, y).value == pytest.approx(frechet_distance(x, y).value, rel=1e-9)
    reference = Reference.of(y)
    directions = principal_directions(reference, 16)
    variances = np.diag(directions.T @ reference.covariance @ directions)
    assert np.allclose(variances, np.linalg.eigvalsh(reference.covariance)[::-1][:16])
    assert num_directions(500, 279, 256) == 34
    assert frechet_pca(x, y, k=16).value == pytest.approx(frechet_distance(x @ directions, y @ directions).value)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 4], ids=["independent", "four seeds a prompt"])
def test_interval_covers_the_truth(seeds: int) -> None:
    rng, n, d, hits = np.random.default_rng(7), 320, 16, []
    scale = np.arange(1, d + 1) ** -0.5
    stretch, gap = 1.3, 0.2
    truth = gap**2 * d + ((stretch - 1.0) ** 2 * scale**2).sum()
    for _ in range(200):
        shared = np.repeat(rng.normal(size=(n // seeds, d)), seeds, axis=0)
        own = rng.normal(size=(n, d))
        x = (np.sqrt(0.5) * (shared + own)) * stretch * scale + gap
        clusters = None if seeds == 1 else np.repeat(np.arange(n // seeds), seeds)
        interval = frechet_distance(x, rng.normal(size=(n, d)) * scale, clusters=clusters).interval
        assert interval is not None
        hits.append(interval.low <= truth <= interval.high)
    assert np.mean(hits) >= 0.90


def test_bad_input_is_refused_with_what_would_be_valid() -> None:
    x, y = cloud(0, d=40), cloud(1, d=40)
    with pytest.raises(TooFewSamples, match=r"at least 160 samples a side.*use fd_pca18"):
        frechet_distance(x[:150], y)
    with pytest.raises(TooFewSamples, match="even fd_pca16 needs 128"):
        frechet_distance(x[:100], y)
    with pytest.raises(TooFewSamples, match="fd_pca16 needs at least 128"):
        frechet_pca(x[:100], y)
    with pytest.raises(TooFewSamples, match="fd_pca40 needs at least 320"):
        frechet_pca(x[:200], y, k=60)
    broken = x.copy()
    broken[11, 2] = np.inf
    with pytest.raises(DegenerateSamples, match="row 11 of the generated features holds inf"):
        frechet_distance(broken, y)
    with pytest.raises(DegenerateSamples, match="row 11 of the reference features"):
        frechet_distance(x, broken)
    with pytest.raises(DegenerateSamples, match="39 dimensions, the reference's 40"):
        frechet_distance(x[:, :39], y)
    with pytest.raises(DegenerateSamples, match="no dimension of the reference features varies"):
        frechet_distance(x, np.ones_like(y))
    with pytest.raises(MetricError, match="cluster"):
        frechet_distance(x, y, clusters=np.arange(7))
    with pytest.raises(TooFewSamples, match="1 cluster"):
        frechet_distance(x, y, clusters=np.zeros(400, dtype=np.int64))
