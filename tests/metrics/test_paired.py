"""Laws of the difference of two estimates: pairing, clusters, unequal sizes, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from underpaint.core.errors import ComparisonError
from underpaint.metrics.estimate import Estimate, variance_of_mean
from underpaint.metrics.frechet import frechet_distance
from underpaint.metrics.kernel import kid
from underpaint.metrics.paired import difference

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(300, 4))
BASE = RNG.normal(size=(200, 4)) * 1.2
NEAR = BASE + 0.1 * RNG.normal(size=(200, 4)) + 0.1


def test_a_model_against_itself_differs_by_nothing() -> None:
    estimate = frechet_distance(BASE, REAL)
    same = difference(estimate, estimate)
    assert (same.value, same.value_debiased, same.se) == (0.0, 0.0, 0.0)


def test_pairing_shrinks_the_error_and_turning_it_around_the_sign() -> None:
    a, b = frechet_distance(BASE, REAL), frechet_distance(NEAR, REAL)
    paired, back = difference(a, b), difference(b, a)
    assert paired.value == b.value - a.value == -back.value
    assert paired.se == back.se
    assert (paired.se or 1.0) < 0.6 * np.hypot(a.se or 0.0, b.se or 0.0)
    assert paired.interval is not None
    assert (paired.interval.low + paired.interval.high) / 2 == pytest.approx(paired.value)


def test_shared_clusters_of_single_rows_equal_pairs_and_foreign_ones_are_independent() -> None:
    a, b = kid(BASE, REAL), kid(NEAR, REAL)
    rows = np.arange(200)
    joined = difference(a, b, clusters=rows, baseline_clusters=rows)
    assert joined.se == pytest.approx(difference(a, b).se, rel=1e-6)
    apart = difference(
        replace(a, reference_influence=None), replace(b, reference_influence=None),
        clusters=rows, baseline_clusters=rows + 1000,
    )  # fmt: skip
    assert a.influence is not None and b.influence is not None
    alone = variance_of_mean(a.influence) + variance_of_mean(b.influence)
    assert apart.se == pytest.approx(np.sqrt(alone), rel=1e-2)


def test_unequal_sizes_use_the_debiased_values() -> None:
    a, b = frechet_distance(BASE, REAL), frechet_distance(NEAR[:120], REAL)
    found = difference(a, b, clusters=np.arange(120), baseline_clusters=np.arange(200))
    assert found.value == b.value - a.value and found.interval is not None
    assert (found.interval.low + found.interval.high) / 2 == pytest.approx(found.value_debiased)
    assert "200 against 120" in found.message


def test_scores_of_the_reference_differ_by_its_pictures_alone() -> None:
    hits = np.random.default_rng(5).random((2, 300)) < 0.6
    a, b = (Estimate(value=float(side.mean()), n=200, m=300, reference_influence=side - side.mean()) for side in hits)
    found, change = difference(a, b), hits[1].astype(float) - hits[0]
    assert found.value == pytest.approx(change.mean())
    assert found.se == pytest.approx(change.std(ddof=1) / np.sqrt(300))
    with pytest.raises(ComparisonError, match="candidate has no influences"):
        difference(frechet_distance(BASE, REAL), b)


def test_spread_of_repeats_is_the_standard_error() -> None:
    rng, found = np.random.default_rng(4), []
    for _ in range(80):
        real, base = rng.normal(size=(150, 3)), rng.normal(size=(150, 3)) * 1.3
        near = base + 0.3 * rng.normal(size=(150, 3))
        found.append(difference(frechet_distance(base, real), frechet_distance(near, real)))
    assert np.mean([one.se or 0.0 for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.3)


def test_what_cannot_be_compared_is_refused() -> None:
    a = kid(BASE, REAL)
    with pytest.raises(ComparisonError, match="200 samples and the candidate 150"):
        difference(a, kid(NEAR[:150], REAL))
    with pytest.raises(ComparisonError, match="reference has 300 samples and the candidate's 250"):
        difference(a, kid(NEAR, REAL[:250]))
    with pytest.raises(ComparisonError, match="baseline has no influences"):
        difference(Estimate(value=1.0, n=200), a)
    with pytest.raises(ComparisonError, match="without clusters"):
        difference(a, a, baseline_clusters=np.arange(200))
    with pytest.raises(ComparisonError, match="one name a sample"):
        difference(a, a, clusters=np.arange(3), baseline_clusters=np.arange(200))
