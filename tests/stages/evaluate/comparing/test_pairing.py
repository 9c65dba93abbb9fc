from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import ComparisonError
from underpaint.metrics.estimate import Estimate, variance_of_mean
from underpaint.metrics.frechet import frechet_distance
from underpaint.stages.evaluate.comparing.pairing import difference_of


def mean_of(values: np.ndarray, **fields: float) -> Estimate:
    return Estimate(value=float(values.mean()), n=len(values), influence=values - values.mean(), **fields)  # pyright: ignore


def test_pairs_of_a_mean_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(300)
    a, b = shared + 0.1 * rng.standard_normal(300), shared + 0.1 * rng.standard_normal(300)
    paired, unpaired = difference_of(mean_of(b), mean_of(a)), difference_of(mean_of(b), mean_of(a), paired_on=())
    assert paired.delta == pytest.approx((b - a).mean())
    assert paired.se == pytest.approx(np.std(b - a, ddof=1) / np.sqrt(300))
    expected = np.sqrt(np.var(a, ddof=1) / 300 + np.var(b, ddof=1) / 300)
    assert unpaired.se == pytest.approx(expected, rel=2e-3)


def test_seeds_of_one_prompt_count_as_one() -> None:
    rng = np.random.default_rng(1)
    prompts = np.repeat(np.arange(50), 4)
    a, b = rng.standard_normal(200), rng.standard_normal(200) + rng.standard_normal(50)[prompts]
    found = difference_of(mean_of(b), mean_of(a), clusters=(prompts, prompts))
    assert found.se == pytest.approx(np.sqrt(variance_of_mean(b - a, prompts)))
    assert found.se > difference_of(mean_of(b), mean_of(a)).se


def test_the_reference_is_the_part_that_more_pictures_do_not_reduce() -> None:
    rng = np.random.default_rng(2)
    reference, features = rng.standard_normal((300, 4)), rng.standard_normal((300, 4))
    a = frechet_distance(features.astype(np.float32), reference.astype(np.float32))
    b = frechet_distance((1.5 * features).astype(np.float32), reference.astype(np.float32))
    found = difference_of(b, a)
    assert 0 < found.fixed_variance < found.se**2
    assert found.base == a.value_debiased


def test_unequal_sizes_use_the_values_without_bias() -> None:
    values = np.arange(10.0)
    a = mean_of(values, value_debiased=4.0)
    b = mean_of(values[:6], value_debiased=2.0)
    assert difference_of(b, a, clusters=(np.arange(6), np.arange(10))).delta == -2.0
    assert difference_of(a, a).delta == 0.0


def test_what_has_no_influences_cannot_be_paired() -> None:
    with pytest.raises(ComparisonError, match="no influences"):
        difference_of(Estimate(value=1.0, n=3), Estimate(value=1.0, n=3))


def share(hits: np.ndarray) -> Estimate:
    return mean_of(hits.astype(np.float64))


@pytest.mark.parametrize("pairing", [("prompt_id", "seed"), ("prompt_id",), ()], ids=len)
def test_all_right_on_both_sides_is_not_surely_equal(pairing: tuple[str, ...]) -> None:
    found = difference_of(share(np.ones(30)), share(np.ones(30)), paired_on=pairing)
    assert found.delta == 0.0
    assert 1.645 * found.se_at(-0.03) > 0.03
    assert found.se_at(-0.03) >= found.se > 0
    assert difference_of(share(np.ones(30)), share(np.ones(30)), same_pictures=True).se == 0.0


def test_scores_on_a_scale_are_no_share() -> None:
    values = np.random.default_rng(3).random(200)
    assert difference_of(mean_of(values), mean_of(values[::-1])).shares is None
