"""Memorization: how near drawn pictures come to training pictures, beside how near real held-out pictures come.

A raw distance says nothing, since plain drawings lie close to many. So it is divided by the distances of the wider
neighborhood, and the threshold is a quantile of the same ratio among held-out pictures, which no model has seen: the
rate of false alarms is known. This finds near-exact copies, not borrowed ideas.

Source: ratio: arXiv 2301.13188, section 5.1; authenticity: arXiv 2102.08921, section 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.clusters import Clusters, effective_number, number_clusters
from underpaint.metrics.estimate import Estimate, symmetric_interval, variance_of_mean
from underpaint.metrics.interval import clopper_pearson, wilson
from underpaint.metrics.neighbors import (
    Features,
    blocks,
    check_features,
    check_same_width,
    exact_distances,
    nearest_rows,
    squared_distances,
)

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

NEIGHBORS, ALPHA = 50, 0.5
RATE = 0.01
MIN_HELD_OUT = 299
ROWS = 256


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """The nearest training pictures of some pictures, nearest first.

    Args:
        indices: ``[n, k]`` rows of the training features.
        distances: ``[n, k]``.
    """

    indices: Numbers
    distances: Floats

    @property
    def ratios(self) -> Floats:
        """The distance to the nearest over half the mean distance to all ``k``: ``[n]``; small for copies.

        Raises:
            DegenerateSamples: A picture has only exact copies for neighbors.
        """
        around = self.distances.mean(axis=1)
        if not around.all():
            raise DegenerateSamples(
                f"picture {int(np.argmin(around))} equals all its {self.distances.shape[1]} neighbors; name the "
                "duplicates as one group"
            )
        return self.distances[:, 0] / (ALPHA * around)


def nearest(
    features: Features, training: Features, count: int = NEIGHBORS, *, groups: Clusters | None = None
) -> Neighbors:
    """Find the nearest training pictures.

    Args:
        features: ``[n, d]``.
        training: ``[m, d]``.
        count: How many.
        groups: ``[m]`` names of duplicates and twins, of which only the nearest one counts, since a family of them
            would make the whole neighborhood look near; None if there are none.

    Raises:
        TooFewSamples: There are not so many training pictures or groups.
    """
    check_features(features, "picture")
    check_features(training, "training")
    check_same_width(features, training)
    if groups is None:
        indices, distances = nearest_rows(features, training, count)
        return Neighbors(indices=indices, distances=distances)
    names = number_clusters(groups, len(training))
    if int(names.max()) + 1 < count:
        raise TooFewSamples(f"{count} neighbors need as many groups of training pictures, got {int(names.max()) + 1}")
    order = np.argsort(names, kind="stable")
    starts = np.searchsorted(names[order], np.arange(int(names.max()) + 1))
    parts = [_nearest_of_groups(features[rows], training, order, starts, count) for rows in blocks(len(features), ROWS)]
    return Neighbors(indices=np.concatenate([i for i, _ in parts]), distances=np.concatenate([d for _, d in parts]))


def _nearest_of_groups(
    points: Features, training: Features, order: Numbers, starts: Numbers, count: int
) -> tuple[Numbers, Floats]:
    """Return row and distance of the nearest member of each of the nearest groups; ``order`` sorts rows by group."""
    center = training.mean(axis=0, dtype=np.float64)
    square = np.empty((len(points), len(training)))
    for columns in blocks(len(training)):
        square[:, columns] = squared_distances(points, training[order[columns]], center)
    best = np.minimum.reduceat(square, starts, axis=1)  # [rows, groups]
    near = np.argsort(best, axis=1, kind="stable")[:, :count]
    ends = np.append(starts[1:], len(training))
    indices = [
        [int(order[starts[g] + np.argmin(row[starts[g] : ends[g]])]) for g in mine]
        for row, mine in zip(square, near, strict=True)
    ]
    return exact_distances(points, training, np.array(indices, dtype=np.int64))


def nearest_ratio(
    features: Features, training: Features, neighbors: int = NEIGHBORS, *, groups: Clusters | None = None
) -> Floats:
    """Return ``d(x, NN_1) / (0.5 mean d(x, NN_1 .. NN_k))`` of each picture: ``[n]``; arguments as ``nearest`` has."""
    return nearest(features, training, neighbors, groups=groups).ratios


def threshold(held_out_ratios: Floats, rate: float = RATE) -> float:
    """Return the ratio below which a picture is flagged, as the share ``rate`` of held-out pictures is.

    Args:
        held_out_ratios: ``[h]``.
        rate: Share of false alarms.

    Raises:
        TooFewSamples: There are fewer than 299 held-out pictures.
        DegenerateSamples: A ratio is not finite.
    """
    if len(held_out_ratios) < MIN_HELD_OUT:
        raise TooFewSamples(
            f"a threshold with a known rate of false alarms needs {MIN_HELD_OUT} held-out pictures, "
            f"got {len(held_out_ratios)}"
        )
    if not np.isfinite(held_out_ratios).all():
        raise DegenerateSamples("the held-out pictures' ratios hold NaN or infinity; leave those pictures out")
    return float(np.quantile(held_out_ratios, rate))


def flagged_share(
    ratios: Floats, below: float, rate: float = RATE, *, clusters: Clusters | None = None, level: float = 0.95
) -> Estimate:
    """Estimate the share of pictures below a threshold less that of false alarms: 0 for a model that copies nothing.

    Args:
        ratios: ``[n]``.
        below: The threshold.
        rate: Share of false alarms at that threshold.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if pictures are independent.
        level: Nominal coverage.

    Returns:
        The estimate for a threshold that is held fixed, with the interval of Clopper and Pearson, or with Wilson's at
        the effective number of pictures if they come in clusters.

    Raises:
        TooFewSamples: There is no picture.
    """
    hits = (np.asarray(ratios) < below).astype(np.float64)
    if not len(hits):
        raise TooFewSamples("there is no ratio; give at least one picture")
    if not np.isfinite(ratios).all():
        raise DegenerateSamples("the ratios hold NaN or infinity; leave those pictures out")
    estimate = _share(hits, clusters, level)
    if clusters is None or estimate.num_clusters == len(hits):
        estimate = replace(estimate, interval=clopper_pearson(int(hits.sum()), len(hits), level))
    interval = estimate.interval
    assert interval is not None
    shifted = replace(interval, low=interval.low - rate, high=interval.high - rate, conditional_on="threshold")
    return replace(estimate, value=estimate.value - rate, interval=shifted)


def _share(hits: Floats, clusters: Clusters | None, level: float) -> Estimate:
    n, value = len(hits), float(hits.mean())
    ids = None if clusters is None else number_clusters(clusters, n)
    effective = n if ids is None else effective_number(hits, ids)
    return Estimate(
        value=value,
        n=n,
        se=math.sqrt(variance_of_mean(hits - value, ids)),
        interval=wilson(value * effective, effective, level),
        num_clusters=None if ids is None else int(ids.max()) + 1,
        influence=hits - value,
    )


def authpct(
    generated: Features, training: Features, *, clusters: Clusters | None = None, level: float = 0.95
) -> Estimate:
    """Estimate the share of pictures farther from their nearest training picture than that one's own nearest.

    Held-out pictures do not reach 1 either: print theirs beside it.

    Args:
        generated: ``[n, d]``.
        training: ``[m, d]``, duplicates collapsed.
        clusters: ``[n]`` names of independent clusters; None if pictures are independent.
        level: Nominal coverage.

    Raises:
        TooFewSamples: There are fewer than two training pictures.
    """
    found = nearest(generated, training, 1)
    near = np.unique(found.indices)
    reach = np.full(len(training), np.nan)
    reach[near] = _own_nearest(training, near)
    hits = (found.distances[:, 0] > reach[found.indices[:, 0]]).astype(np.float64)
    return replace(_share(hits, clusters, level), m=len(training))


def _own_nearest(training: Features, rows: Numbers) -> Floats:
    """Return the distance of some training pictures to their nearest other one."""
    indices, distances = nearest_rows(training[rows], training, 2)
    return np.where(indices[:, 0] == rows, distances[:, 1], distances[:, 0])


def novelty(
    generated: Features,
    training: Features,
    held_out: Features,
    *,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean distance to the nearest training picture over that of held-out pictures: 1 for new pictures.

    Args:
        generated: ``[n, d]``.
        training: ``[m, d]``.
        held_out: ``[h, d]`` real pictures that the model has not seen.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if pictures are independent.
        reference_clusters: ``[h]``, likewise for held-out pictures.
        level: Nominal coverage.

    Raises:
        TooFewSamples: There are fewer than two generated or held-out pictures.
        DegenerateSamples: All held-out pictures lie in training.
    """
    own = nearest(generated, training, 1).distances[:, 0]
    other = nearest(held_out, training, 1).distances[:, 0]
    if min(len(own), len(other)) < 2:
        raise TooFewSamples(f"novelty needs two pictures of each kind, got {len(own)} and {len(other)} held out")
    base = float(other.mean())
    if base == 0:
        raise DegenerateSamples("all held-out pictures lie in the training set; hold out others")
    value = float(own.mean()) / base
    influence, reference_influence = (own - own.mean()) / base, -value * (other - base) / base
    ids = None if clusters is None else number_clusters(clusters, len(own))
    reference_ids = None if reference_clusters is None else number_clusters(reference_clusters, len(other))
    se = math.sqrt(variance_of_mean(influence, ids) + variance_of_mean(reference_influence, reference_ids))
    return Estimate(
        value=value,
        n=len(own),
        m=len(other),
        se=se,
        interval=symmetric_interval(value, se, method="influence", level=level),
        num_clusters=None if ids is None else int(ids.max()) + 1,
        influence=influence,
        reference_influence=reference_influence,
    )
