"""Distances between sets of features, a block at a time: memory does not grow with the product of the sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples

Features = NDArray[np.floating]
Floats = NDArray[np.float64]

BLOCK = 2048


def check_features(features: Features, name: str) -> None:
    """Refuse what is not a table of finite features.

    Args:
        features: ``[n, d]``.
        name: What the message calls them.

    Raises:
        MetricError: They are not ``[n, d]``.
        TooFewSamples: There are none.
        DegenerateSamples: They hold NaN or infinity.
    """
    if features.ndim != 2 or features.shape[1] == 0:
        raise MetricError(f"the {name} features have shape {features.shape}; give one row of features a picture")
    if len(features) == 0:
        raise TooFewSamples(f"there are no {name} features; give at least one picture")
    for first in range(0, len(features), BLOCK):
        finite = np.isfinite(features[first : first + BLOCK]).all(axis=1)
        if not finite.all():
            row = first + int(np.flatnonzero(~finite)[0])
            raise DegenerateSamples(
                f"the {name} features of row {row} hold NaN or infinity; remove that picture or repair the extractor"
            )


def check_same_width(one: Features, other: Features) -> None:
    """Refuse two tables of features with different numbers of columns.

    Raises:
        MetricError: The widths differ.
    """
    if one.shape[1] != other.shape[1]:
        raise MetricError(
            f"one set has {one.shape[1]} features a picture and the other {other.shape[1]}; "
            "take both from the same extractor"
        )


def squared_distances(a: Features, b: Features, center: Floats | None = None) -> Floats:
    """Return the squared Euclidean distances of ``[n, d]`` and ``[m, d]``: ``[n, m]``, not negative.

    Args:
        a: ``[n, d]``.
        b: ``[m, d]``.
        center: ``[d]``, taken off both first, which keeps the digits of sets that lie far from the origin.
    """
    origin = np.zeros(a.shape[1]) if center is None else center
    x, y = a.astype(np.float64) - origin, b.astype(np.float64) - origin
    square = x @ y.T
    square *= -2.0
    square += np.einsum("ij,ij->i", x, x)[:, None]
    square += np.einsum("ij,ij->i", y, y)[None]
    return np.maximum(square, 0.0, out=square)


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield the slices of ``count`` rows, ``size`` at a time."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def nearest_rows(
    points: Features, among: Features, count: int, *, skip_self: bool = False
) -> tuple[NDArray[np.int64], Floats]:
    """Find the nearest rows of each point.

    Args:
        points: ``[n, d]``.
        among: ``[m, d]``.
        count: How many, at most ``m`` (``m - 1`` with ``skip_self``).
        skip_self: Whether row i of ``among`` is point i and does not count.

    Returns:
        Indices and distances ``[n, count]``, nearest first; of equal distances the smaller index first.

    Raises:
        TooFewSamples: There are not so many rows.
    """
    if count > len(among) - skip_self:
        raise TooFewSamples(f"{count} neighbors were asked for among {len(among) - skip_self} rows; give more rows")
    center = among.mean(axis=0, dtype=np.float64)
    index = np.empty((len(points), count), dtype=np.int64)
    distance = np.empty((len(points), count))
    for rows in blocks(len(points)):
        index[rows] = _nearest_of_block(points, among, count, rows, center, skip_self)
        index[rows], distance[rows] = exact_distances(points[rows], among, index[rows])
    return index, distance


def exact_distances(points: Features, among: Features, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Return indices and distances of neighbors, nearest first, without the rounding of scalar products.

    Args:
        points: ``[n, d]``.
        among: ``[m, d]``.
        index: ``[n, k]`` rows of ``among``.
    """
    distance = np.empty(index.shape)
    for j in range(index.shape[1]):
        gap = points.astype(np.float64) - among[index[:, j]]
        distance[:, j] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
    order = np.lexsort((index, distance), axis=1)
    return np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1)


def _nearest_of_block(
    points: Features, among: Features, count: int, rows: slice, center: Floats, skip_self: bool
) -> NDArray[np.int64]:
    size = rows.stop - rows.start
    best, where = np.full((size, count), np.inf), np.zeros((size, count), dtype=np.int64)
    for columns in blocks(len(among)):
        found = squared_distances(points[rows], among[columns], center)  # [rows, columns]
        if skip_self:
            shared = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
            found[shared - rows.start, shared - columns.start] = np.inf
        number = np.broadcast_to(np.arange(columns.start, columns.stop), found.shape)
        if found.shape[1] > count:
            few = np.argpartition(found, count - 1, axis=1)[:, :count]
            found, number = np.take_along_axis(found, few, 1), np.take_along_axis(number, few, 1)
        best, where = np.concatenate([best, found], axis=1), np.concatenate([where, number], axis=1)
        order = np.lexsort((where, best), axis=1)[:, :count]
        best, where = np.take_along_axis(best, order, 1), np.take_along_axis(where, order, 1)
    return where
