"""Precision, recall, density and coverage: how much of a generated set and of a reference lie on each other's manifold.

The manifold of a set is the union of the balls around its samples, each as wide as the distance to the k-th nearest
other sample.

Source: improved precision and recall, arXiv 1904.06991, equations 1 to 3; density and coverage, arXiv 2002.09797,
equations 3 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.clusters import Clusters, effective_number, number_clusters
from underpaint.metrics.estimate import Estimate, symmetric_interval, variance_of_mean
from underpaint.metrics.interval import wilson
from underpaint.metrics.neighbors import (
    Features,
    blocks,
    check_features,
    check_same_width,
    nearest_rows,
    squared_distances,
)

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

MIN_SAMPLES = 500
ROUNDING = 1e-12
"""Squared distances that differ by less than this part of the largest squared norm count as equal."""
HELD = "manifolds"


@dataclass(frozen=True, kw_only=True)
class Manifolds:
    """What two manifolds share; all four are higher when the generated set is better.

    Args:
        precision: Share of generated samples on the reference's manifold.
        recall: Share of reference samples on the generated manifold.
        density: How many balls of the reference hold a generated sample, over k; 1 is expected of equal distributions.
        coverage: Share of reference samples whose ball holds a generated sample.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def expected_coverage(n: int, m: int, neighbors: int = 5) -> float:
    """Return the coverage that ``n`` samples of the reference's own distribution have on average.

    Source: arXiv 2002.09797, lemma 2.
    """
    j = np.arange(1, neighbors + 1)
    return float(1.0 - np.prod((m - j) / (n + m - j)))


def prdc(
    generated: Features,
    reference: Features,
    *,
    neighbors_pr: int = 3,
    neighbors_dc: int = 5,
    strict: bool = False,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Manifolds:
    """Compare the manifolds of two sets of features.

    All four depend on both sizes and on k, so numbers of other sizes cannot be compared.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``.
        neighbors_pr: k of precision and recall.
        neighbors_dc: k of density and coverage.
        strict: Whether a sample at exactly the radius lies outside, as in the package ``prdc``.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if samples are independent.
        reference_clusters: ``[m]``, likewise for the reference.
        enforce: Whether to demand 500 samples in each set and as many in one as in the other.
        level: Nominal coverage of the intervals.

    Returns:
        Four estimates, all for manifolds that are held fixed: precision and density have an influence of each generated
        sample, recall and coverage of each reference sample.

    Raises:
        TooFewSamples: A set has fewer than 500 samples, or no more than k.
        MetricError: The sizes or the widths differ.
        DegenerateSamples: The features hold NaN, or all samples of a set are the same.
    """
    _check_sets(generated, reference, max(neighbors_pr, neighbors_dc), min(neighbors_pr, neighbors_dc), enforce)
    touch = _touches(generated, reference, neighbors_pr, neighbors_dc, strict)
    n, m = len(generated), len(reference)
    ids = None if clusters is None else number_clusters(clusters, n)
    reference_ids = None if reference_clusters is None else number_clusters(reference_clusters, m)
    return Manifolds(
        precision=_share(touch.inside_reference, ids, n, m, level),
        recall=_of_reference(_share(touch.inside_generated, reference_ids, n, m, level)),
        density=_mean(touch.balls / neighbors_dc, ids, n, m, level),
        coverage=_of_reference(_share(touch.reached, reference_ids, n, m, level)),
    )


def _check_sets(generated: Features, reference: Features, neighbors: int, fewest: int, enforce: bool) -> None:
    check_features(generated, "generated")
    check_features(reference, "reference")
    check_same_width(generated, reference)
    n, m = len(generated), len(reference)
    least = max(MIN_SAMPLES, neighbors + 1) if enforce else neighbors + 1
    if fewest < 1:
        raise MetricError(f"the number of neighbors is {fewest}; it must be at least 1")
    if min(n, m) < least:
        raise TooFewSamples(f"precision and recall need {least} samples in each set, got {n} and {m}; add samples")
    if enforce and n != m:
        raise MetricError(f"precision and recall need sets of one size, got {n} and {m}; take {min(n, m)} of each")


@dataclass(frozen=True, kw_only=True)
class _Touches:
    """Who lies in whose balls: of generated samples ``[n]``, then of reference samples ``[m]``."""

    inside_reference: Floats
    balls: Floats
    inside_generated: Floats
    reached: Floats


def _radii(features: Features, few: int, many: int, name: str) -> tuple[Floats, Floats]:
    """Return the squared distances to two of the neighbors of each sample."""
    _, distances = nearest_rows(features, features, max(few, many), skip_self=True)
    if not distances.any() and (features == features[0]).all():
        raise DegenerateSamples(f"all {name} samples are the same, so that they span no manifold")
    return distances[:, few - 1] ** 2, distances[:, many - 1] ** 2


def _touches(generated: Features, reference: Features, k_pr: int, k_dc: int, strict: bool) -> _Touches:
    own_pr, _ = _radii(generated, k_pr, k_dc, "generated")
    pr, dc = _radii(reference, k_pr, k_dc, "reference")
    center = reference.mean(axis=0, dtype=np.float64)
    slack = ROUNDING * max(_largest_norm(generated, center), _largest_norm(reference, center))
    slack = -slack if strict else slack
    n, m = len(generated), len(reference)
    inside, balls, own_inside, reached = np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m)
    for rows in blocks(n):
        for columns in blocks(m):
            square = squared_distances(generated[rows], reference[columns], center)  # [rows, columns]
            near = square <= dc[columns] + slack
            balls[rows] += near.sum(axis=1)
            reached[columns] = np.maximum(reached[columns], near.any(axis=0))
            inside[rows] = np.maximum(inside[rows], (square <= pr[columns] + slack).any(axis=1))
            own = square <= own_pr[rows, None] + slack
            own_inside[columns] = np.maximum(own_inside[columns], own.any(axis=0))
    return _Touches(inside_reference=inside, balls=balls, inside_generated=own_inside, reached=reached)


def _largest_norm(features: Features, center: Floats) -> float:
    return max(float(((features[rows] - center) ** 2).sum(axis=1).max()) for rows in blocks(len(features)))


def _share(hits: Floats, ids: Numbers | None, n: int, m: int, level: float) -> Estimate:
    value = float(hits.mean())
    effective = len(hits) if ids is None else effective_number(hits, ids)
    estimate = _mean(hits, ids, n, m, level)
    return replace(estimate, interval=replace(wilson(value * effective, effective, level), conditional_on=HELD))


def _mean(values: Floats, ids: Numbers | None, n: int, m: int, level: float) -> Estimate:
    value = float(values.mean())
    se = float(np.sqrt(variance_of_mean(values - value, ids)))
    return Estimate(
        value=value,
        n=n,
        m=m,
        se=se,
        interval=replace(symmetric_interval(value, se, method="influence", level=level), conditional_on=HELD),
        num_clusters=None if ids is None else int(ids.max()) + 1,
        influence=values - value,
    )


def _of_reference(estimate: Estimate) -> Estimate:
    return replace(estimate, influence=None, reference_influence=estimate.influence)
