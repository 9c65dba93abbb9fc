"""Vendi scores: published vectors, the package vendi_score, laws of the spectrum, errors and influences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.diversity import (
    pairwise_distance_within_prompt,
    spectrum_diversity,
    vendi,
    vendi_curve,
    vendi_of_kernel,
    vendi_within_prompt,
)

ORDERS = (0.5, 1.0, 2.0, math.inf)


def cloud(seed: int, count: int = 300, width: int = 12) -> np.ndarray:
    scale = 1 / np.sqrt(np.arange(1, width + 1))
    return (np.random.default_rng(seed).normal(size=(count, width)) * scale).astype(np.float32)


def test_published_vectors() -> None:
    numbers = np.array([0, 0, 10, 10, 20, 20])
    assert vendi_of_kernel(np.exp(-abs(numbers[:, None] - numbers))) == pytest.approx(3.0, abs=1e-4), (
        "printed as 2.9999"
    )
    table = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    assert vendi_of_kernel(table) == pytest.approx(2.1573, abs=5e-5)


@pytest.mark.parametrize("order", ORDERS)
def test_equal_items_count_once_and_orthogonal_ones_each(order: float) -> None:
    same, different = np.tile(cloud(0, 1), (300, 1)), np.eye(300, dtype=np.float32)
    assert vendi(same, order).value == pytest.approx(1.0)
    assert vendi(different, order).value == pytest.approx(300.0)
    assert spectrum_diversity(np.full(7, 1 / 7), order) == pytest.approx(7.0)


@pytest.mark.parametrize("order", [0.5, 1, 2])
def test_score_equals_the_package_vendi_score(order: float) -> None:
    reference = pytest.importorskip("vendi_score.vendi")
    expected = reference.score_dual(cloud(0).astype(np.float64), q=order, normalize=True)
    assert vendi(cloud(0), order).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kernel", ["cosine", "linear"])
def test_dual_equals_primal(order: float, kernel) -> None:
    narrow = cloud(0)
    wide = np.concatenate([narrow, np.zeros((300, 290), np.float32)], axis=1)  # more dimensions than samples
    one, other = vendi(narrow, order, kernel), vendi(wide, order, kernel)
    assert one.value == pytest.approx(other.value, rel=1e-6)
    assert one.se == pytest.approx(other.se, rel=1e-6)
    assert one.influence == pytest.approx(other.influence, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("order", [1.0, 2.0, math.inf])
@pytest.mark.parametrize(("kernel", "bandwidth"), [("cosine", None), ("rbf", 2.0)])
def test_influence_gives_the_jackknifes_error(order: float, kernel, bandwidth: float | None) -> None:
    found = vendi(cloud(1, 400), order, kernel, bandwidth)
    assert found.influence is not None
    assert found.influence.mean() == pytest.approx(0.0, abs=1e-9)
    assert found.se is not None
    assert found.influence.std(ddof=1) / np.sqrt(400) == pytest.approx(found.se, rel=0.5)


def test_influence_is_the_slope_by_a_samples_weight() -> None:
    """With a hundredth more of sample 5, the score moves by a hundredth of its influence over n."""
    rows = cloud(2)
    unit = rows.astype(np.float64) / np.linalg.norm(rows, axis=1, keepdims=True)
    weight = np.ones(300)
    weight[5] += 1e-3
    scaled = unit * np.sqrt(weight / weight.sum())[:, None]
    for order in (0.5, 1.0, 2.0):
        moved = spectrum_diversity(np.linalg.eigvalsh(scaled.T @ scaled), order)
        found = vendi(rows, order)
        assert found.influence is not None
        assert (moved - found.value) / 1e-3 * 300 == pytest.approx(found.influence[5], rel=0.01)


def test_interval_holds_the_score_of_other_samples_of_that_size() -> None:
    truth = np.mean([vendi_curve(cloud(s), np.random.default_rng(0))[300] for s in range(100, 200)])
    held = 0
    for seed in range(60):
        interval = vendi(cloud(seed)).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert held / 60 >= 0.85


def test_the_score_ignores_scale_order_and_rotation() -> None:
    rows = cloud(0)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    base = vendi(rows).value
    for other in (rows[::-1], rows * np.float32(7), (rows @ rotation).astype(np.float32)):
        assert vendi(other).value == pytest.approx(base, rel=1e-5)


def test_more_samples_raise_the_curve_and_duplicates_do_not() -> None:
    curve = vendi_curve(cloud(0, 400, 300), np.random.default_rng(0))
    assert list(curve) == [100, 200, 400]
    assert curve[100] < curve[200] < curve[400]
    doubled = vendi(cloud(0).repeat(2, axis=0), clusters=np.arange(300).repeat(2))
    assert doubled.value == pytest.approx(vendi(cloud(0)).value, rel=1e-6)
    assert doubled.se == pytest.approx(vendi(cloud(0)).se, rel=1e-6)


def test_variety_within_prompts_is_blind_to_variety_across() -> None:
    means = cloud(0, 40).repeat(4, axis=0)
    ids = [f"prompt {i}" for i in np.arange(40).repeat(4)]
    collapsed = vendi_within_prompt(means, ids)
    assert collapsed.value == pytest.approx(1.0, abs=1e-6)
    varied = vendi_within_prompt(means + cloud(1, 160), ids)
    assert 1.2 < varied.value < 4.0
    assert varied.num_clusters == 40
    assert pairwise_distance_within_prompt(means, ids).value == pytest.approx(0.0)


def test_distance_within_prompts_equals_a_loop_whatever_the_order() -> None:
    rows, ids = cloud(0, 160), np.arange(160) % 40
    pairs = [np.linalg.norm(rows[i] - rows[j]) for i in range(160) for j in range(i) if ids[i] == ids[j]]
    found = pairwise_distance_within_prompt(rows, ids)
    assert found.value == pytest.approx(np.mean(pairs), rel=1e-6)
    assert found.influence is not None
    assert found.influence[:40] == pytest.approx(found.influence[40:80])


def test_bad_sets_are_refused() -> None:
    with pytest.raises(TooFewSamples, match="256 samples, got 255"):
        vendi(cloud(0, 255))
    with pytest.raises(TooFewSamples, match="20 clusters"):
        vendi(cloud(0), clusters=np.arange(300) % 19)
    with pytest.raises(MetricError, match="bandwidth"):
        vendi(cloud(0), kernel="rbf")
    with pytest.raises(MetricError, match="order"):
        vendi(cloud(0), order=0)
    with pytest.raises(MetricError, match="no kernel"):
        vendi(cloud(0), kernel="poly")  # pyright: ignore[reportArgumentType]
    silent = cloud(0)
    silent[7] = 0
    with pytest.raises(DegenerateSamples, match="row 7"):
        vendi(silent)
    with pytest.raises(TooFewSamples, match="4 seeds a prompt, got 3"):
        vendi_within_prompt(cloud(0, 120), np.arange(40).repeat(3))
    with pytest.raises(TooFewSamples, match="30 prompts"):
        vendi_within_prompt(cloud(0, 80), np.arange(20).repeat(4))
    with pytest.raises(MetricError, match="4 to 5 seeds"):
        vendi_within_prompt(cloud(0, 161), np.append(np.arange(40).repeat(4), 0))
