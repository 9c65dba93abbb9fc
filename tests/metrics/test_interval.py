"""Intervals against scipy, their coverage, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics import interval as under_test
from underpaint.metrics.estimate import variance_of_mean
from underpaint.metrics.interval import (
    clopper_pearson,
    cluster_bootstrap,
    delete_group_jackknife,
    fewest_for_quantile,
    mean_by_prompt,
    order_statistic,
    proportion,
    ratio_of_medians,
    ratio_over_starts,
    wilson,
)

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (1, 30), (150, 299), (3, 3000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_intervals_of_a_share_equal_scipy(successes: int, n: int, level: float) -> None:
    reference = stats.binomtest(successes, n)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = reference.proportion_ci(level, method=method)
        found = ours(successes, n, level)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_success_bounds_a_rate() -> None:
    assert clopper_pearson(0, 299, 0.90).high == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-9)
    assert clopper_pearson(0, 299, 0.90).high < 0.01


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_shares_that_are_none_are_refused(interval) -> None:
    with pytest.raises(TooFewSamples):
        interval(0, 0)
    with pytest.raises(MetricError, match="3 successes of 2"):
        interval(3, 2)
    with pytest.raises(MetricError, match="level"):
        interval(1, 2, 95)


@pytest.mark.parametrize(
    ("freedom", "error"), [(1, 1e-9), (2, 1e-9), (3, 4e-3), (5, 1e-3), (8, 1e-3), (19, 2e-5), (99, 1e-8)]
)
def test_student_quantile_equals_scipy(freedom: int, error: float) -> None:
    for probability in (0.9, 0.95, 0.975):
        found = under_test.student_quantile(probability, freedom)
        assert found == pytest.approx(stats.t.ppf(probability, freedom), abs=error)


@pytest.mark.parametrize(
    ("quantile", "least", "equal_tails"),
    [(0.5, 6, 6), (0.9, 29, 36), (0.95, 59, 72), (0.99, 299, 368), (0.999, 2995, 3688)],
)
def test_quantiles_need_their_samples(quantile: float, least: int, equal_tails: int) -> None:
    assert fewest_for_quantile(quantile) == least
    with pytest.raises(TooFewSamples, match=f"needs {least} values"):
        order_statistic(np.arange(least - 1), quantile)
    found = order_statistic(np.arange(least), quantile)
    assert found.high == least - 1, "the largest"
    binomial = stats.binom(equal_tails, quantile)
    rank = order_statistic(np.arange(1, equal_tails + 1), quantile)
    assert max(binomial.cdf(rank.low - 1), binomial.sf(rank.high - 1)) <= 0.025


@pytest.mark.parametrize("n", [6, 29, 36, 60, 71, 72, 100, 1001, 5000])
@pytest.mark.parametrize("quantile", [0.1, 0.25, 0.5, 0.9, 0.95])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_an_interval_of_a_quantile_covers_and_cannot_be_narrower(n: int, quantile: float, level: float) -> None:
    if n < fewest_for_quantile(quantile, level):
        with pytest.raises(TooFewSamples):
            order_statistic(np.arange(n), quantile, level)
        return
    found = order_statistic(np.arange(1, n + 1), quantile, level)
    low, high = int(found.low), int(found.high)
    binomial = stats.binom(n, quantile)

    def coverage(low: int, high: int) -> float:
        return binomial.cdf(high - 1) - binomial.cdf(low - 1)

    assert coverage(low, high) >= level - 1e-9
    tails = binomial.cdf(low), binomial.sf(high - 2)  # of the ends moved in by one
    assert max(tails) > (1 - level) / 2 - 1e-9
    assert coverage(low + 1, high - 1) < level


def test_an_interval_of_a_quantile_does_not_depend_on_order() -> None:
    values = np.random.default_rng(0).exponential(size=200)
    assert order_statistic(values, 0.9) == order_statistic(values[::-1], 0.9)


def test_means_of_prompts_weigh_prompts_alike() -> None:
    ids = np.repeat(np.arange(40), [9, *[1] * 39])
    values = np.where(ids == 0, 40.0, 0.0)
    found = mean_by_prompt(values, ids, np.random.default_rng(0))
    assert found.value == pytest.approx(1.0)
    assert found.num_clusters == 40
    assert found.n == 48


def test_influence_of_a_mean_gives_its_error_and_the_bootstrap_agrees() -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat([f"p{i:03}" for i in range(100)], 4)
    values = rng.normal(size=100).repeat(4) + 0.5 * rng.normal(size=400)
    found = mean_by_prompt(values, ids, rng)
    assert found.influence is not None
    assert found.interval is not None
    assert found.se is not None
    assert found.influence.mean() == pytest.approx(0.0, abs=1e-12)
    means = values.reshape(100, 4).mean(1)
    assert found.se == pytest.approx(means.std(ddof=1) / 10, rel=1e-9)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.98 * found.se, rel=0.08)


def test_influence_predicts_what_one_changed_score_does() -> None:
    rng = np.random.default_rng(3)
    ids = np.repeat(np.arange(50), rng.integers(1, 6, size=50))
    values = rng.normal(size=len(ids))
    changed = values.copy()
    changed[17] += 0.5
    before, after = (mean_by_prompt(v, ids, np.random.default_rng(0)) for v in (values, changed))
    assert before.influence is not None
    weight = len(ids) / (50 * np.sum(ids == ids[17]))
    assert after.value - before.value == pytest.approx(weight * 0.5 / len(ids))
    assert before.influence[17] == pytest.approx(weight * (values[17] - before.value))


def test_names_and_order_of_prompts_do_not_matter_and_a_generator_repeats() -> None:
    rng = np.random.default_rng(1)
    ids, values = np.repeat(np.arange(35), 2), rng.random(70)
    one = cluster_bootstrap(values, ids, np.random.default_rng(7))
    assert one == cluster_bootstrap(values, [f"{i:02}" for i in ids], np.random.default_rng(7))
    assert one != cluster_bootstrap(values, ids, np.random.default_rng(8))


def test_few_prompts_and_bad_scores_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TooFewSamples, match="30 prompts, got 29"):
        mean_by_prompt(np.ones(290), np.repeat(np.arange(29), 10), rng)
    with pytest.raises(TooFewSamples, match="30 prompts, got 29"):
        proportion(np.ones(29), np.arange(29))
    with pytest.raises(DegenerateSamples, match="nan at position 3"):
        mean_by_prompt([0.0, 0.0, 0.0, np.nan], np.arange(4), rng)
    with pytest.raises(MetricError, match="one name a sample"):
        mean_by_prompt(np.ones(40), np.arange(39), rng)
    with pytest.raises(MetricError, match="mean_by_prompt"):
        proportion(np.full(40, 0.5), np.arange(40))
    with pytest.raises(TooFewSamples):
        cluster_bootstrap([1.0, 2.0], [0, 0], rng)
    with pytest.raises(TooFewSamples):
        mean_by_prompt([], [], rng)


@pytest.mark.parametrize(("prompts", "least"), [(30, 0.92), (100, 0.925)])
def test_a_mean_over_skewed_prompts_is_covered(prompts: int, least: float) -> None:
    rng = np.random.default_rng(prompts)
    ids, held = np.repeat(np.arange(prompts), 4), 0
    for _ in range(500):
        values = rng.exponential(size=prompts).repeat(4) + rng.normal(size=4 * prompts)
        found = cluster_bootstrap(values, ids, rng, draws=1000)
        held += found.low <= 1.0 <= found.high
    assert held / 500 >= least


def test_seeds_that_agree_add_nothing_to_a_share() -> None:
    hits = np.random.default_rng(0).integers(0, 2, size=50)
    once, four = proportion(hits, np.arange(50)), proportion(hits.repeat(4), np.arange(50).repeat(4))
    assert once.interval is not None
    assert four.interval is not None
    assert once.interval == wilson(int(hits.sum()), 50)
    assert four.interval.low == pytest.approx(once.interval.low, rel=1e-6)
    assert four.se == pytest.approx(once.se, rel=1e-6)


def test_independent_seeds_count_in_full_and_a_perfect_share_counts_prompts() -> None:
    ids = np.arange(200).repeat(2)
    hits = np.tile([0, 1], 200)  # within prompts more varied than chance
    assert proportion(hits, ids).interval == wilson(200, 400)
    assert proportion(np.ones(400), ids).interval == wilson(200, 200)


def test_a_share_with_correlated_seeds_is_covered() -> None:
    rng, held = np.random.default_rng(5), 0
    ids = np.arange(60).repeat(4)
    for _ in range(600):
        hits = rng.random(240) < rng.beta(2, 1, size=60).repeat(4)  # truth 2 / 3
        found = proportion(hits, ids).interval
        assert found is not None
        held += found.low <= 2 / 3 <= found.high
    assert held / 600 >= 0.92


def test_jackknife_of_a_mean_is_the_standard_error_and_of_a_variance_removes_the_bias() -> None:
    values = np.random.default_rng(0).normal(size=400)
    mean = delete_group_jackknife(lambda x: float(x.mean()), values, groups=400)
    assert mean.se == pytest.approx(values.std(ddof=1) / 20, rel=1e-9)
    variance = delete_group_jackknife(lambda x: float(x.var()), values, groups=400)
    assert variance.value_debiased == pytest.approx(values.var(ddof=1), rel=1e-9)


def test_a_jackknife_does_not_cut_clusters() -> None:
    seen: list[set[int]] = []

    def statistic(rows: np.ndarray) -> float:
        seen.append(set(rows.tolist()))
        return float(rows.mean())

    clusters = np.arange(50).repeat(3)
    delete_group_jackknife(statistic, clusters, clusters=clusters)
    left_out = [set(range(50)) - kept for kept in seen if len(kept) < 50]
    assert len(left_out) == 20
    assert sorted(c for group in left_out for c in group) == list(range(50))


def test_a_jackknife_needs_a_sample_a_group_and_finite_values() -> None:
    with pytest.raises(TooFewSamples, match="20 groups"):
        delete_group_jackknife(lambda x: float(x.mean()), np.ones(19))
    with pytest.raises(TooFewSamples, match="got 10"):
        delete_group_jackknife(lambda x: float(x.mean()), np.ones(100), clusters=np.arange(10).repeat(10))
    with pytest.raises(DegenerateSamples):
        delete_group_jackknife(lambda x: float("nan"), np.ones(40))


def test_ratio_of_medians_sees_through_what_pairs_share() -> None:
    rng = np.random.default_rng(0)
    load = rng.lognormal(sigma=0.3, size=200)
    found = ratio_of_medians(1.05 * load, load, rng)
    assert found.value == pytest.approx(1.05)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(1.05)
    assert found.interval.high == pytest.approx(1.05)


def test_a_ratio_over_starts_holds_the_truth_whatever_luck_a_process_has() -> None:
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        luck = 0.03 * rng.standard_normal((2, 6, 1))
        candidate, base = 50.0 * np.exp(luck + 0.1 * rng.standard_normal((2, 6, 20)))
        found = ratio_over_starts(1.2 * candidate, base)
        assert found.interval is not None and found.num_clusters == 6
        held += found.interval.low <= 1.2 <= found.interval.high
    assert 0.92 <= held / 400 <= 0.98


def test_a_ratio_over_starts_is_student_s_interval_of_their_logarithms() -> None:
    base = np.full((6, 4), 10.0)
    found = ratio_over_starts(base * np.exp([[0.1], [0.2], [0.3]] * 2), base)
    assert found.interval is not None
    assert found.value == pytest.approx(np.exp(0.2))
    reach = 2.5706 * (0.04 / 5) ** 0.5 / 6**0.5
    assert np.log([found.interval.low, found.interval.high]) == pytest.approx([0.2 - reach, 0.2 + reach], abs=1e-3)


def test_a_ratio_over_starts_needs_two_of_them_with_pairs_above_0() -> None:
    base = np.full((2, 4), 10.0)
    with pytest.raises(TooFewSamples, match=r"2 starts with a pair each, got \(1, 4\)"):
        ratio_over_starts(base[:1], base[:1])
    for candidate in (base[:1], -base, np.full((2, 4), np.nan), base[0]):
        with pytest.raises(MetricError, match="pairs above 0 of the same shape"):
            ratio_over_starts(candidate, base)


def test_ratio_of_medians_is_covered_and_turns_over() -> None:
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        found = ratio_of_medians(1.2 * rng.lognormal(size=60), rng.lognormal(size=60), rng, draws=400)
        assert found.interval is not None
        held += found.interval.low <= 1.2 <= found.interval.high
    assert held / 300 >= 0.92
    a, b = rng.lognormal(size=60), rng.lognormal(size=60)
    one, other = (ratio_of_medians(*pair, np.random.default_rng(0)) for pair in ((a, b), (b, a)))
    assert one.value == pytest.approx(1 / other.value)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval.low == pytest.approx(1 / other.interval.high, rel=1e-9)


def test_ratios_that_are_none_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TooFewSamples, match="6 pairs"):
        ratio_of_medians(np.ones(5), np.ones(5), rng)
    with pytest.raises(MetricError, match="above 0"):
        ratio_of_medians(np.zeros(9), np.ones(9), rng)
    with pytest.raises(MetricError, match="pairs"):
        ratio_of_medians(np.ones(9), np.ones(8), rng)


def test_variance_of_a_mean_by_prompt_follows_from_its_influence() -> None:
    rng = np.random.default_rng(0)
    ids, values = np.arange(40).repeat(3), rng.normal(size=120)
    found = mean_by_prompt(values, ids, rng)
    assert found.influence is not None
    assert found.se == pytest.approx(variance_of_mean(found.influence, ids) ** 0.5)
