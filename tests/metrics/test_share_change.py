"""The error of a difference of shares: against brute force, and the rate of wrong passes at the margin."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from underpaint.metrics.estimate import Estimate
from underpaint.metrics.share_change import Unchanged, independent_shares, outcomes_of, paired_shares, unchanged

MARGIN, Z = 0.03, 1.6449


def pairs(lost: int, gained: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    candidate, baseline = np.ones(n), np.ones(n)
    candidate[:lost] = 0.0
    baseline[lost : lost + gained] = 0.0
    return candidate, baseline


@pytest.mark.parametrize(("lost", "gained", "n"), [(0, 0, 30), (1, 0, 44), (6, 0, 368), (9, 4, 100), (2, 12, 60)])
@pytest.mark.parametrize("at", [-0.1, -0.03, 0.03])
def test_the_score_variance_is_that_of_the_likeliest_shares_with_that_difference(
    lost: int, gained: int, n: int, at: float
) -> None:
    found = paired_shares(*pairs(lost, gained, n)).variance_at(at)
    gains = np.linspace(max(0.0, at), (1 + at) / 2, 200_001)[:-1]
    losses = gains - at
    tiny = 1e-300
    fit = gained * np.log(gains + tiny) + lost * np.log(losses + tiny)
    fit += (n - lost - gained) * np.log(np.clip(1 - gains - losses, tiny, None))
    best = int(np.argmax(fit))
    assert found == pytest.approx((gains[best] + losses[best] - at**2) / n, rel=2e-3, abs=1e-7)


def test_without_any_difference_pseudo_pairs_remain() -> None:
    assert paired_shares(np.ones(30), np.ones(30)).variance == pytest.approx(2 / 32**2)
    both = independent_shares(np.ones(30), np.ones(30))
    assert both.variance == pytest.approx(2 * 31 / 32**3)
    assert both.variance_at(-MARGIN) == pytest.approx(0.97 * 0.03 / 30)


def test_the_variance_of_many_pairs_is_that_of_their_mean() -> None:
    rng = np.random.default_rng(0)
    baseline = (rng.random(4000) < 0.6).astype(float)
    candidate = np.where(rng.random(4000) < 0.2, 1 - baseline, baseline)
    found, change = paired_shares(candidate, baseline), candidate - baseline
    assert found.variance == pytest.approx(change.var() / 4000, rel=2e-3)
    assert found.variance_at(change.mean()) == pytest.approx(change.var() / 4000, rel=1e-3)
    apart = independent_shares(candidate, baseline)
    expected = (candidate.var() + baseline.var()) / 4000
    assert apart.variance == pytest.approx(expected, rel=2e-3)
    assert apart.variance_at(change.mean()) == pytest.approx(expected, rel=2e-3)


def test_pictures_of_one_cluster_count_less() -> None:
    candidate, baseline = (np.repeat(side, 3) for side in pairs(8, 2, 60))
    alone, together = (paired_shares(candidate, baseline, clusters) for clusters in (None, np.repeat(np.arange(60), 3)))
    assert together.design == pytest.approx(3.0, rel=0.02)
    assert together.variance == pytest.approx(together.design * alone.variance)


def test_clusters_count_as_alike_until_pictures_show_otherwise() -> None:
    candidate, baseline, clusters = np.ones(60), np.ones(60), np.repeat(np.arange(20), 3)
    assert paired_shares(candidate, baseline, clusters).design == pytest.approx(3.0)
    many = (np.arange(6000) % 2).astype(float)
    assert paired_shares(many, np.ones(6000), np.repeat(np.arange(3000), 2)).design == 1.0


def wrong_passes(n: int, rate: float, mutual: float, runs: int = 4000) -> tuple[float, float]:
    """Return how often a share that is worse by exactly the margin passes: with this error, and with that of pairs."""
    rng = np.random.default_rng([n, int(1000 * rate)])
    mutual = min(mutual, 1 - rate)
    chances = [mutual + MARGIN, mutual, 1 - MARGIN - 2 * mutual]
    cells, counts = np.unique(rng.multinomial(n, chances, size=runs), axis=0, return_counts=True)
    new = old = 0
    for (lost, gained, _), count in zip(cells.tolist(), counts.tolist(), strict=True):
        found = paired_shares(*pairs(lost, gained, n))
        drop, plain = (lost - gained) / n, (lost + gained - (lost - gained) ** 2 / n) / (n * (n - 1))
        new += count * (drop + Z * sqrt(max(plain, found.variance, found.variance_at(-MARGIN))) < MARGIN)
        old += count * (drop + Z * sqrt(plain) < MARGIN)
    return new / runs, old / runs


@pytest.mark.parametrize("n", [30, 96, 368])
@pytest.mark.parametrize("rate", [0.06, 0.5, 0.98, 1.0])
def test_what_is_worse_by_the_margin_seldom_passes(n: int, rate: float) -> None:
    new, old = wrong_passes(n, rate, mutual=0.03)
    assert new <= 0.065
    assert new <= old


def test_the_error_of_the_pairs_alone_passes_too_often() -> None:
    assert wrong_passes(30, 1.0, 0.0)[1] > 0.3


@pytest.mark.parametrize(
    ("values", "is_share"),
    [(np.ones(40), True), (np.arange(40) % 2, True), (np.arange(40) % 3 / 2, True), (np.linspace(0, 1, 40), False)],
    ids=["constant", "hits", "parts", "scale"],
)
def test_a_share_is_told_by_its_outcomes(values: np.ndarray, is_share: bool) -> None:
    estimate = Estimate(value=float(values.mean()), n=40, influence=values - values.mean())
    found = outcomes_of(estimate)
    assert (found is not None) is is_share
    assert found is None or found == pytest.approx(values)
    assert outcomes_of(Estimate(value=0.5, n=40)) is None
    assert outcomes_of(Estimate(value=3.0, n=40, influence=np.zeros(40))) is None


@pytest.mark.parametrize("reach", [0.5, 1.0, 3.0])
def test_no_changes_within_reach_have_a_larger_variance(reach: float) -> None:
    found, rng = Unchanged(reach=reach, n=50), np.random.default_rng(0)
    bound = found.variance_at(-0.1) * found.n
    for _ in range(200):
        sizes = rng.uniform(0.0, reach, 4)
        chances = rng.dirichlet(np.full(4, 0.3))
        if (mean := float(chances @ sizes)) > 0.1:
            assert float(chances @ sizes**2) * 0.1 / mean - 0.1**2 <= bound + 1e-12
    assert bound == pytest.approx(reach * 0.1 - 0.01)


def test_a_score_that_no_picture_changed_is_worse_by_the_margin_in_few_runs() -> None:
    """Whatever it loses, it passes only where no pair would have changed by chance: (1 - margin / reach)^n."""
    for n in range(10, 400, 10):
        passes = Z * sqrt(Unchanged(reach=1.0, n=n).variance_at(-MARGIN)) < MARGIN
        assert not passes or (1 - MARGIN) ** n < 0.08


def test_scores_that_differ_anywhere_are_not_unchanged() -> None:
    influence = np.random.default_rng(0).standard_normal(60)
    same = Estimate(value=0.5, n=60, influence=influence)
    assert unchanged(same, same) == Unchanged(reach=float(np.ptp(influence)), n=60)
    found = unchanged(same, same, np.arange(60) // 2)
    assert found is not None and found.n == 30
    assert found.reach == pytest.approx(np.ptp(influence.reshape(30, 2).mean(axis=1)))
    moved = influence.copy()
    moved[:2] += (0.1, -0.1)
    assert unchanged(same, Estimate(value=0.5, n=60, influence=moved)) is None
    assert unchanged(same, Estimate(value=0.6, n=60, influence=influence)) is None
    assert unchanged(same, Estimate(value=0.5, n=60)) is None
    constant = Estimate(value=0.5, n=60, influence=np.zeros(60))
    assert unchanged(constant, constant) is None
