"""Monge inception distance: the mean squared Wasserstein distance along many directions.

Along one direction u the optimal transport T pairs sorted values, and the influence of a sample is the transport's
potential ``phi(s) = integral 2 (s - T(s)) ds``, so one sort gives the value and every sample's influence.

Source: arXiv 2605.06797 (MIND); influence: Manole, Balakrishnan and Wasserman, arXiv 1909.07862, for sliced distances.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.clusters import Clusters
from underpaint.metrics.estimate import Estimate, Floats, symmetric_interval, variance_of_mean
from underpaint.metrics.samples import Features, check_count, check_pair, cluster_labels, project
from underpaint.runtime.rng import normal

LEAST_SAMPLES = 1000
_DIRECTIONS_AT_ONCE = 64


def unit_directions(d: int, count: int, *, seed: int = 0) -> Floats:
    """Return directions uniform on the sphere ``[d, count]``, the same on every machine."""
    drawn = normal(seed, "mind", (count, d)).astype(np.float64).T
    return drawn / np.linalg.norm(drawn, axis=0)


def mind(
    generated: Features,
    reference: Features,
    *,
    directions: int = 1024,
    seed: int = 0,
    groups: int = 20,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Estimate:
    """Measure ``3 d`` times the mean over directions of the squared distance of sorted projections.

    Sets of different size are compared by their quantile functions, interpolated linearly; no sample is dropped.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``.
        directions: How many; with ``seed`` a part of the metric's identity.
        seed: Draws the directions.
        groups: Groups of the delete-group jackknife that removes the bias.
        clusters: ``[n]``, a name per independent cluster, such as a prompt; None if every row is independent.
        reference_clusters: ``[m]``, likewise.
        enforce: Refuse fewer than 1000 samples a side.
        level: Nominal coverage.

    Raises:
        TooFewSamples: A set is too small, or has only one cluster.
        DegenerateSamples: A feature is not finite, or the sets differ in width.
    """
    generated, reference = check_pair(generated, reference)
    for name, rows in (("generated", generated), ("reference", reference)):
        check_count(len(rows), LEAST_SAMPLES if enforce else groups, name=name, metric="mind")
    own = _Groups.of(generated, clusters, groups)
    other = _Groups.of(reference, reference_clusters, groups)
    unit = unit_directions(generated.shape[1], directions, seed=seed)
    slices = [
        _slices(project(generated, part).T.copy(), project(reference, part).T.copy(), own, other)
        for part in np.array_split(unit, max(1, directions // _DIRECTIONS_AT_ONCE), axis=1)
    ]
    found = _add(slices)
    return _estimate(found.scaled(3.0 * generated.shape[1] / directions), own, other, level)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which rows are deleted together: ``group [n]``; whole clusters, ``labels`` None if rows are independent."""

    group: NDArray[np.int64]
    count: int
    labels: NDArray[np.int64] | None

    @classmethod
    def of(cls, rows: Features, clusters: Clusters | None, groups: int) -> _Groups:
        """Form groups by what the rows hold, so that their order does not matter."""
        labels, num = cluster_labels(clusters, len(rows))
        digests = [hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest() for row in rows]
        first: dict[int, bytes] = {}
        for label, digest in zip(labels.tolist(), digests, strict=True):
            first[label] = min(digest, first.get(label, digest))
        rank = np.empty(num, dtype=np.int64)
        rank[sorted(first, key=lambda label: first[label])] = np.arange(num)
        count = min(groups, num)
        return cls(rank[labels] % count, count, None if clusters is None else labels)


@dataclass(frozen=True, eq=False)
class _Sliced:
    """Sums over directions: the distance, both sides' influences, and the distance without each group."""

    value: float
    influence: Floats
    reference_influence: Floats
    without: Floats
    reference_without: Floats

    def scaled(self, factor: float) -> _Sliced:
        return _Sliced(
            factor * self.value,
            factor * self.influence,
            factor * self.reference_influence,
            factor * self.without,
            factor * self.reference_without,
        )


def _add(parts: list[_Sliced]) -> _Sliced:
    return _Sliced(
        sum(part.value for part in parts),
        np.sum([part.influence for part in parts], axis=0),
        np.sum([part.reference_influence for part in parts], axis=0),
        np.sum([part.without for part in parts], axis=0),
        np.sum([part.reference_without for part in parts], axis=0),
    )


def _slices(x: Floats, y: Floats, own: _Groups, other: _Groups) -> _Sliced:
    order_x, order_y = np.argsort(x, axis=1, kind="stable"), np.argsort(y, axis=1, kind="stable")
    sorted_x, sorted_y = np.take_along_axis(x, order_x, axis=1), np.take_along_axis(y, order_y, axis=1)
    return _Sliced(
        float(_distance(sorted_x, sorted_y)),
        _influence(sorted_x, sorted_y, order_x),
        _influence(sorted_y, sorted_x, order_y),
        _without(sorted_x, sorted_y, own.group[order_x], own.count),
        _without(sorted_y, sorted_x, other.group[order_y], other.count),
    )


def _quantiles(ordered: Floats, count: int) -> Floats:
    """Return ``count`` evenly spaced quantiles of sorted rows ``[M, n]``: ``[M, count]``."""
    n = ordered.shape[1]
    if n == count:
        return ordered
    place = np.clip((np.arange(count) + 0.5) * n / count - 0.5, 0.0, n - 1.0)
    low = np.minimum(place.astype(np.int64), max(n - 2, 0))
    share = place - low
    return ordered[:, low] * (1.0 - share) + ordered[:, np.minimum(low + 1, n - 1)] * share


def _distance(x: Floats, y: Floats) -> float:
    """Return the sum over directions of the mean squared gap of sorted rows."""
    count = max(x.shape[1], y.shape[1])
    gap = _quantiles(x, count) - _quantiles(y, count)
    return float((gap**2).sum()) / count


def _influence(x: Floats, y: Floats, order: NDArray[np.int64]) -> Floats:
    """Return the sum over directions of the potential at each row, in the rows' own order: ``[n]``."""
    pull = 2.0 * (x - _quantiles(y, x.shape[1]))
    steps = 0.5 * (pull[:, 1:] + pull[:, :-1]) * np.diff(x, axis=1)
    potential = np.concatenate([np.zeros((len(x), 1)), np.cumsum(steps, axis=1)], axis=1)
    potential -= potential.mean(axis=1, keepdims=True)
    influence = np.bincount(order.reshape(-1), weights=potential.reshape(-1), minlength=x.shape[1])
    return influence.astype(np.float64)


def _without(x: Floats, y: Floats, group: NDArray[np.int64], count: int) -> Floats:
    """Return the distance without each group of x: ``[count]``."""
    return np.array([_distance(x[group != g].reshape(len(x), -1), y) for g in range(count)])


def _bias(value: float, without: Floats, groups: _Groups) -> float:
    sizes = np.bincount(groups.group, minlength=groups.count)
    return float((1.0 - sizes / sizes.sum()) @ (without - value))


def _estimate(found: _Sliced, own: _Groups, other: _Groups, level: float) -> Estimate:
    debiased = found.value - _bias(found.value, found.without, own)
    debiased -= _bias(found.value, found.reference_without, other)
    variance = variance_of_mean(found.influence, own.labels)
    variance += variance_of_mean(found.reference_influence, other.labels)
    se = float(np.sqrt(variance))
    return Estimate(
        value=found.value,
        value_debiased=debiased,
        n=len(found.influence),
        m=len(found.reference_influence),
        se=se,
        interval=symmetric_interval(debiased, se, method="jackknife+influence", level=level),
        num_clusters=None if own.labels is None else int(own.labels.max()) + 1,
        influence=found.influence,
        reference_influence=found.reference_influence,
    )
