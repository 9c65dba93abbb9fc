"""Memorization: copies are found, new pictures are not, and the rate of false alarms is the one asked for."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.interval import clopper_pearson
from underpaint.metrics.memorization import (
    authpct,
    flagged_share,
    nearest,
    nearest_ratio,
    novelty,
    threshold,
)


def cloud(seed: int, count: int, width: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_ratio_equals_a_plain_sort() -> None:
    training, drawn = cloud(0, 300), cloud(1, 20)
    distances = np.sort(np.linalg.norm(drawn[:, None].astype(float) - training, axis=2), axis=1)[:, :50]
    assert nearest_ratio(drawn, training) == pytest.approx(distances[:, 0] / (0.5 * distances.mean(1)), rel=1e-9)


def test_a_group_counts_once_by_its_nearest_member() -> None:
    training, drawn = cloud(0, 400), cloud(1, 30)
    groups = np.random.default_rng(2).integers(0, 60, size=400)
    groups[:60] = np.arange(60)
    found = nearest(drawn, training, 50, groups=groups)
    plain = np.linalg.norm(drawn[:, None].astype(float) - training, axis=2)
    for row, indices, distances in zip(plain, found.indices, found.distances, strict=True):
        best = sorted(min((row[i], i) for i in np.flatnonzero(groups == g)) for g in range(60))[:50]
        assert indices.tolist() == [i for _, i in best]
        assert distances == pytest.approx([d for d, _ in best])


def test_groups_of_one_change_nothing_and_twins_no_longer_hide_a_copy() -> None:
    training, drawn = cloud(0, 200), cloud(1, 10)
    one, other = nearest(drawn, training), nearest(drawn, training, groups=[f"{i:03}" for i in range(200)])
    assert np.array_equal(one.indices, other.indices)
    assert one.distances == pytest.approx(other.distances)
    twins = np.concatenate([training, training[:1] + 1e-3 * cloud(2, 60)]).astype(np.float32)
    copy = training[:1] + np.float32(1e-2)
    hidden = nearest_ratio(copy, twins)[0]
    found = nearest_ratio(copy, twins, groups=np.r_[np.arange(200), np.zeros(60, int)])[0]
    assert hidden > 1.5
    assert found < 0.05


def test_copies_are_flagged_and_new_pictures_at_the_known_rate() -> None:
    training = cloud(0, 800)
    below = threshold(nearest_ratio(cloud(1, 1500), training))
    new = flagged_share(nearest_ratio(cloud(2, 1000), training), below)
    assert new.interval is not None
    assert new.interval.low <= 0.0 <= new.interval.high
    copies = training[:100] + 0.05 * cloud(3, 100)
    assert flagged_share(nearest_ratio(copies, training), below).value == pytest.approx(0.99)


def test_flagged_share_is_clopper_pearson_less_the_rate_and_wider_for_clusters() -> None:
    ratios = np.r_[np.zeros(12), np.ones(288)]
    found, exact = flagged_share(ratios, 0.5), clopper_pearson(12, 300)
    assert found.interval is not None
    assert found.value == pytest.approx(0.03)
    assert (found.interval.low, found.interval.high) == pytest.approx((exact.low - 0.01, exact.high - 0.01))
    assert found.interval.conditional_on == "threshold"
    clustered = flagged_share(ratios, 0.5, clusters=np.arange(75).repeat(4))
    assert clustered.interval is not None
    assert clustered.interval.high > found.interval.high
    none = flagged_share(np.ones(299), 0.5, level=0.90)
    assert none.interval is not None
    assert none.interval.high < 0.0


def test_authenticity_equals_a_loop() -> None:
    training, drawn = cloud(0, 150), np.concatenate([cloud(1, 40), cloud(0, 150)[:20] + 0.01]).astype(np.float32)
    among = np.linalg.norm(training[:, None].astype(float) - training, axis=2)
    np.fill_diagonal(among, np.inf)
    across = np.linalg.norm(drawn[:, None].astype(float) - training, axis=2)
    expected = np.mean(across.min(1) > among.min(1)[across.argmin(1)])
    found = authpct(drawn, training)
    assert found.value == pytest.approx(expected)
    assert found.influence is not None
    assert found.influence[40:] == pytest.approx(-found.value), "copies"
    assert found.m == 150


def test_authenticity_survives_exact_duplicates_in_training() -> None:
    training = np.concatenate([cloud(0, 50)] * 2)
    found = authpct(training[:10], training)
    assert found.value == 0.0


def test_novelty_of_new_pictures_is_one_and_of_copies_zero() -> None:
    training, held_out = cloud(0, 500), cloud(1, 300)
    new = novelty(cloud(2, 400), training, held_out)
    assert new.interval is not None
    assert new.interval.low <= 1.0 <= new.interval.high
    assert new.interval.high - new.interval.low < 0.2
    assert novelty(training[:100], training, held_out).value == 0.0
    assert novelty(held_out, training, held_out).value == pytest.approx(1.0)


def test_influence_of_novelty_has_no_mean_and_its_error_covers() -> None:
    training, held, truth = cloud(0, 300), 0, 1.0
    found = novelty(cloud(9, 100), training, cloud(999, 100))
    for seed in range(100):
        found = novelty(cloud(10 + seed, 100), training, cloud(1000 + seed, 100))
        assert found.interval is not None
        held += found.interval.low <= truth <= found.interval.high
    assert held >= 88
    assert found.influence is not None
    assert found.reference_influence is not None
    assert found.influence.mean() == pytest.approx(0.0, abs=1e-12)
    assert found.reference_influence.mean() == pytest.approx(0.0, abs=1e-12)


def test_bad_sets_are_refused() -> None:
    training = cloud(0, 100)
    with pytest.raises(TooFewSamples, match="50 neighbors"):
        nearest_ratio(training[:3], training[:49])
    with pytest.raises(TooFewSamples, match="50 neighbors need as many groups"):
        nearest_ratio(training[:3], training, groups=np.arange(100) % 49)
    with pytest.raises(TooFewSamples, match="299 held-out pictures, got 298"):
        threshold(np.ones(298))
    with pytest.raises(DegenerateSamples, match="equals all its 50"):
        nearest_ratio(training[:1], np.tile(training[:1], (60, 1)))
    with pytest.raises(DegenerateSamples, match="NaN"):
        flagged_share(np.array([0.1, np.nan]), 0.5)
    with pytest.raises(TooFewSamples):
        flagged_share(np.array([]), 0.5)
    with pytest.raises(DegenerateSamples, match="hold out others"):
        novelty(training, training, training[:5])
