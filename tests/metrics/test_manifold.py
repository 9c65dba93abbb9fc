"""Precision, recall, density and coverage: laws, the package prdc, published numbers."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics import neighbors
from underpaint.metrics.interval import wilson
from underpaint.metrics.manifold import Manifolds, expected_coverage, prdc

NAMES = ("precision", "recall", "density", "coverage")


def cloud(seed: int, count: int = 500, width: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def values(found: Manifolds) -> list[float]:
    return [getattr(found, name).value for name in NAMES]


def test_a_set_covers_itself() -> None:
    found = prdc(cloud(0), cloud(0))
    assert [found.precision.value, found.recall.value, found.coverage.value] == [1, 1, 1]
    assert found.density.value > 1.0


def test_far_points_share_nothing() -> None:
    assert values(prdc(cloud(1) + np.float32(100.0), cloud(0))) == [0, 0, 0, 0]


def test_a_collapsed_set_keeps_precision_and_loses_recall() -> None:
    real = cloud(0)
    found = prdc((real[:1] + 1e-3 * cloud(2)).astype(np.float32), real)
    assert found.precision.value > 0.95
    assert found.recall.value < 0.05
    assert found.coverage.value < 0.05


def test_precision_and_recall_swap_with_the_sets() -> None:
    one, other = prdc(cloud(0), 0.7 * cloud(1)), prdc(0.7 * cloud(1), cloud(0))
    assert one.precision.value == other.recall.value
    assert one.recall.value == other.precision.value
    assert one.precision.value < one.recall.value


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("n", "m", "shift"), [(500, 500, 0.0), (300, 700, 0.5), (64, 51, 2.0)])
def test_strict_equals_the_package_prdc(k: int, n: int, m: int, shift: float) -> None:
    reference = pytest.importorskip("prdc")
    drawn, real = cloud(0, n, 8) + np.float32(shift), cloud(1, m, 8)
    expected = reference.compute_prdc(real_features=real, fake_features=drawn, nearest_k=k)
    found = prdc(drawn, real, neighbors_pr=k, neighbors_dc=k, strict=True, enforce=False)
    assert values(found) == pytest.approx([expected[name] for name in NAMES], abs=1e-12)


def test_numbers_do_not_depend_on_blocks_order_or_place(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, real = cloud(0) * np.float32(0.8), cloud(1)
    whole = values(prdc(drawn, real))
    assert values(prdc(drawn[::-1], real[::-1])) == pytest.approx(whole, rel=1e-12)
    assert values(prdc(drawn + np.float32(16), real + np.float32(16))) == pytest.approx(whole, abs=0.005)
    monkeypatch.setattr(neighbors.blocks, "__defaults__", (97,))
    assert values(prdc(drawn, real)) == pytest.approx(whole, rel=1e-12)
    assert values(prdc(real, real))[0] == 1.0


def test_copies_lie_on_the_manifold_however_often_they_repeat() -> None:
    real = np.repeat(cloud(0, 100), 6, axis=0) + np.float32(3)
    found = prdc(real[::-1], real)
    assert [found.precision.value, found.recall.value, found.coverage.value] == [1, 1, 1]
    strict = prdc(real[::-1], real, strict=True)
    assert [strict.precision.value, strict.recall.value, strict.coverage.value] == [0, 0, 0]


def test_equal_distributions_have_density_one_and_the_expected_coverage() -> None:
    found = np.mean([values(prdc(cloud(2 * s), cloud(2 * s + 1))) for s in range(8)], axis=0)
    assert found[2] == pytest.approx(1.0, abs=0.03)
    assert found[3] == pytest.approx(expected_coverage(500, 500), abs=0.01)


def test_expected_coverage_of_the_published_sizes() -> None:
    assert expected_coverage(10_000, 10_000, 5) == pytest.approx(0.96877, abs=5e-6)


@pytest.mark.slow
def test_published_vectors() -> None:
    """The set-up of the README of prdc, with 1,500 samples instead of 10,000, which take a minute."""
    rng = np.random.default_rng(0)
    drawn, real = (rng.normal(size=(1500, 1000)).astype(np.float32) for _ in range(2))
    found = prdc(drawn, real, neighbors_pr=5, strict=True)
    reference = pytest.importorskip("prdc").compute_prdc(real_features=real, fake_features=drawn, nearest_k=5)
    assert values(found) == pytest.approx([reference[name] for name in NAMES], abs=1e-3)
    assert found.coverage.value == pytest.approx(expected_coverage(1500, 1500), abs=0.02)


def test_intervals_are_wilson_and_influences_belong_to_who_is_judged() -> None:
    found = prdc(0.9 * cloud(0), cloud(1))
    precision = found.precision
    expected = wilson(precision.value * 500, 500)
    assert precision.interval is not None
    assert (precision.interval.low, precision.interval.high) == pytest.approx((expected.low, expected.high))
    for name in NAMES:
        estimate = getattr(found, name)
        assert estimate.interval.conditional_on == "manifolds"
        own = estimate.influence if name in ("precision", "density") else estimate.reference_influence
        other = estimate.reference_influence if name in ("precision", "density") else estimate.influence
        assert other is None
        assert own.shape == (500,)
        assert own.mean() == pytest.approx(0.0, abs=1e-12)
        assert (estimate.n, estimate.m) == (500, 500)


def test_seeds_of_one_prompt_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    drawn = (cloud(0, 125).repeat(4, axis=0) * 1.5 + 0.01 * rng.normal(size=(500, 4))).astype(np.float32)
    alone, clustered = (prdc(drawn, cloud(1), clusters=ids).precision for ids in (None, np.arange(125).repeat(4)))
    assert alone.interval is not None
    assert clustered.interval is not None
    wide, narrow = (interval.high - interval.low for interval in (clustered.interval, alone.interval))
    assert wide / narrow == pytest.approx(2.0, rel=0.1)
    assert clustered.num_clusters == 125


def test_bad_sets_are_refused() -> None:
    with pytest.raises(TooFewSamples, match="500 samples in each set, got 499 and 500"):
        prdc(cloud(0, 499), cloud(1))
    with pytest.raises(MetricError, match="take 500 of each"):
        prdc(cloud(0, 501), cloud(1))
    with pytest.raises(TooFewSamples, match="6 samples"):
        prdc(cloud(0, 5), cloud(1), enforce=False)
    with pytest.raises(MetricError, match="at least 1"):
        prdc(cloud(0), cloud(1), neighbors_pr=0)
    with pytest.raises(MetricError, match="same extractor"):
        prdc(cloud(0, width=3), cloud(1))
    with pytest.raises(MetricError, match="one row"):
        prdc(cloud(0)[:, 0], cloud(1))
    with pytest.raises(DegenerateSamples, match="all generated samples are the same"):
        prdc(np.ones((500, 4), np.float32), cloud(1))
    broken = cloud(0)
    broken[3, 1] = np.nan
    with pytest.raises(DegenerateSamples, match="generated features of row 3"):
        prdc(broken, cloud(1))


def test_four_estimates_come_back() -> None:
    assert len(astuple(prdc(cloud(0), cloud(1)))) == 4
