"""Near-duplicates: all pairs of small pictures whose hashes differ in few bits and whose pixels differ little.

Hashes are cut into more bands than bits may differ, so two near hashes agree in at least two whole bands (pigeonhole).
Sorted once for every two bands, near hashes stand beside each other, and no pair is missed. What that finds is
confirmed by the pixels. Memory grows with the number of pictures by some dozen bytes each; pixels are read in small
lots, and may stay on the disk.

Source: Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index Hashing, arXiv 1307.2982, section 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from underpaint.core.progress import Progress, Report, silent

MAX_DISTANCE = 4
"""Most bits in which the hashes of near-duplicates differ."""
MAX_RMSE = 0.10
"""Root mean square difference of the pixels (0 to 1) below which pictures are near-duplicates."""
DEFINITION = f"perceptual hash distance at most {MAX_DISTANCE} and RMSE below {MAX_RMSE:.2f} at 32 px"
"""The two in words, as papers say it."""
BITS = 64
AGREEING = 2
LOT = 2048
"""Pairs whose pixels are read at once."""
CANDIDATES = 1 << 17
"""Pairs of hashes that are compared at once."""


class Pixels(Protocol):
    """Small pictures of one size, wherever they lie: an array in memory, one mapped from the disk, or several."""

    def __getitem__(self, positions: np.ndarray, /) -> np.ndarray:
        """Return the pictures at some positions, ``[M, ...]`` uint8."""
        ...


Wanted = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes positions ``[M]`` and ``[M]`` and says which of these pairs matter, ``[M]`` bool."""


def band_masks(max_distance: int) -> np.ndarray:
    """Cut 64 bits into bands of nearly equal width, so many that near hashes agree in ``AGREEING`` of them."""
    edges = [round(i * BITS / (max_distance + AGREEING)) for i in range(max_distance + AGREEING + 1)]
    return np.array([(1 << high) - (1 << low) for low, high in itertools.pairwise(edges)], np.uint64)


def near_hashes(hashes: np.ndarray, *, max_distance: int = MAX_DISTANCE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all pairs of near hashes, each pair once, in lots.

    Args:
        hashes: ``[N]`` uint64.
        max_distance: Most bits that may differ.

    Yields:
        Positions ``[M]`` of the ones and ``[M]`` of the others; the first position is the smaller one.
    """
    order = np.argsort(hashes, kind="stable")
    for one, other in neighbors(hashes[order]):
        yield order[one], order[other]
    distinct, starts, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    for first, second in near_distinct(distinct, max_distance):
        for one, other in members(starts, counts, first, second):
            a, b = order[one], order[other]
            yield np.minimum(a, b), np.maximum(a, b)


def near_distinct(hashes: np.ndarray, max_distance: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all pairs of near hashes among different ones, each pair once, in lots."""
    masks = band_masks(max_distance)
    for first, second in itertools.combinations(range(len(masks)), AGREEING):
        keys = hashes & (masks[first] | masks[second])
        order = np.argsort(keys, kind="stable")
        earlier = [masks[band] for band in range(second) if band != first]
        for one, other in neighbors(keys[order]):
            a, b = order[one], order[other]
            differing = hashes[a] ^ hashes[b]
            near = np.bitwise_count(differing) <= max_distance
            for mask in earlier:
                near &= (differing & mask) != 0
            if near.any():
                yield a[near], b[near]


def neighbors(keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the positions of all pairs of equal keys, the smaller position first, in lots; the keys are sorted."""
    open_ = np.arange(len(keys))
    for step in range(1, len(keys)):
        open_ = open_[open_ + step < len(keys)]
        open_ = open_[keys[open_] == keys[open_ + step]]
        if not len(open_):
            return
        for start in range(0, len(open_), CANDIDATES):
            some = open_[start : start + CANDIDATES]
            yield some, some + step


def members(
    starts: np.ndarray, counts: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield every member of one run with every member of another, for pairs of runs, in lots.

    Args:
        starts: ``[U]`` where each run begins.
        counts: ``[U]`` how long it is.
        first: ``[M]`` runs.
        second: ``[M]`` runs.
    """
    ends = np.cumsum(counts[first] * counts[second])
    for start in range(0, int(ends[-1]), CANDIDATES):
        number = np.arange(start, min(start + CANDIDATES, int(ends[-1])))
        pair = np.searchsorted(ends, number, side="right")
        inside = number - (ends[pair] - counts[first[pair]] * counts[second[pair]])
        width = counts[second[pair]]
        yield starts[first[pair]] + inside // width, starts[second[pair]] + inside % width


def rmse_of_pairs(pixels: Pixels, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the root mean square difference of pairs of pictures, in 0 to 1.

    Args:
        pixels: ``[N, ...]`` uint8; may be memory-mapped.
        one: ``[M]`` positions.
        other: ``[M]`` positions.
    """
    errors = [np.empty(0, np.float32)]
    for start in range(0, len(one), LOT):
        chosen = slice(start, start + LOT)
        difference = pixels[one[chosen]].astype(np.float32) - pixels[other[chosen]].astype(np.float32)
        flat = difference.reshape(len(difference), -1)  # [M, 3072]
        errors.append(np.sqrt(np.einsum("mp,mp->m", flat, flat) / flat.shape[1]) / 255)
    return np.concatenate(errors)


def near_pairs(
    hashes: np.ndarray,
    pixels: Pixels,
    *,
    wanted: Wanted | None = None,
    max_distance: int = MAX_DISTANCE,
    max_rmse: float = MAX_RMSE,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield all near-duplicates, each pair once, in lots.

    Args:
        hashes: ``[N]`` uint64, as ``perceptual_hashes`` makes them.
        pixels: ``[N, 32, 32, 3]`` uint8; may be memory-mapped.
        wanted: Chooses pairs before their pixels are read; all if None.
        max_distance: Most bits in which the hashes may differ.
        max_rmse: The difference of pixels below which pictures are near-duplicates, in 0 to 1.

    Yields:
        Positions ``[M]`` and ``[M]``, the smaller one first, and the differences ``[M]``.
    """
    for one, other in near_hashes(hashes, max_distance=max_distance):
        for start in range(0, len(one), LOT):
            a, b = one[start : start + LOT], other[start : start + LOT]
            if wanted is not None:
                asked = wanted(a, b)
                a, b = a[asked], b[asked]
            errors = rmse_of_pairs(pixels, a, b)
            close = errors < max_rmse
            if close.any():
                yield a[close], b[close], errors[close]


class Clusters:
    """Disjoint sets of the positions 0 to N-1; the smallest member stands for its set.

    Args:
        count: N.
    """

    def __init__(self, count: int) -> None:
        self.parent = np.arange(count)

    def of(self, positions: np.ndarray) -> np.ndarray:
        """Return what stands for the sets of some positions, ``[M]``."""
        found = self.parent[positions]
        while True:
            above = self.parent[found]
            if np.array_equal(above, found):
                self.parent[positions] = found
                return found
            found = above

    def apart(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Tell which pairs lie in different sets, ``[M]`` bool."""
        return self.of(one) != self.of(other)

    def unite(self, one: np.ndarray, other: np.ndarray) -> None:
        """Join the sets of pairs of positions."""
        for pair in zip(one.tolist(), other.tolist(), strict=True):
            small, large = sorted(map(self._root, pair))
            self.parent[large] = small

    def _root(self, position: int) -> int:
        while (above := int(self.parent[position])) != position:
            self.parent[position] = self.parent[above]
            position = above
        return position


def near_clusters(
    hashes: np.ndarray, pixels: Pixels, *, clusters: Clusters | None = None, report: Report = silent
) -> np.ndarray:
    """Return what cluster each picture belongs to: near-duplicates, and near-duplicates of these, share one.

    Pairs inside one cluster are not looked at again, so thousands of pictures that look alike cost little.

    Args:
        hashes: ``[N]`` uint64, as ``perceptual_hashes`` makes them.
        pixels: ``[N, 32, 32, 3]`` uint8; may be memory-mapped.
        clusters: Sets that are united already, for example of exact duplicates or of a given group; changed.
        report: Receives progress.

    Returns:
        ``[N]`` the smallest position in each one's cluster.
    """
    clusters = Clusters(len(hashes)) if clusters is None else clusters
    for one, other, _ in near_pairs(hashes, pixels, wanted=clusters.apart):
        clusters.unite(one, other)
    report(Progress(task="compare", done=len(hashes), total=len(hashes), unit="pictures"))
    return clusters.of(np.arange(len(hashes)))


def names_of_clusters(clusters: np.ndarray, groups: Sequence[str]) -> list[str]:
    """Name the cluster of each picture after the smallest of its groups.

    Args:
        clusters: ``[N]`` what cluster each picture belongs to.
        groups: ``N`` names, the group of each picture.
    """
    smallest: dict[int, str] = {}
    for cluster, group in zip(clusters.tolist(), groups, strict=True):
        smallest[cluster] = min(group, smallest.get(cluster, group))
    return [smallest[cluster] for cluster in clusters.tolist()]
