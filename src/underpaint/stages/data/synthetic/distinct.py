"""Distinct pictures: equal ones are left out, near-duplicates too where they show one wish; others share a cluster.

A near-duplicate under the same caption and style teaches nothing new. Under another caption it may be right (one person
in two tones), but no split may tear the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.stages.data.near_duplicates import Clusters, names_of_clusters, near_clusters, near_pairs
from underpaint.stages.data.synthetic.drawing import Picture


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A picture that is left out: its position, the rule, and what it repeats."""

    position: int
    rule: str
    detail: str


def codes_of(values: Sequence[object]) -> np.ndarray:
    """Return a number for each value, equal for equal values: ``[N]``."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def described(picture: Picture) -> str:
    """Return the caption, style and seed of a picture for messages."""
    return f"{picture.settings.caption!r}, style {picture.settings.style}, seed {picture.settings.seed}"


def repeated(pictures: Sequence[Picture], hashes: np.ndarray, thumbnails: np.ndarray) -> list[LeftOut]:
    """Return what is left out: all but the first of equal pictures, and of near-duplicates of one wish.

    Args:
        pictures: In the order of the wishes.
        hashes: ``[N]`` uint64 perceptual hashes.
        thumbnails: ``[N, 32, 32, 3]`` uint8.
    """
    first: dict[str, int] = {}
    out: dict[int, LeftOut] = {}
    for i, picture in enumerate(pictures):
        same = first.setdefault(picture.sha256, i)
        if same != i:
            out[i] = LeftOut(position=i, rule="duplicate", detail=f"same pixels as {described(pictures[same])}")
    wishes = codes_of([(picture.settings.caption, picture.settings.style) for picture in pictures])
    lots = near_pairs(hashes, thumbnails, wanted=lambda one, other: wishes[one] == wishes[other])
    pairs = sorted((int(b), int(a), float(e)) for lot in lots for a, b, e in zip(*lot, strict=True))
    for later, earlier, error in pairs:
        if later not in out and earlier not in out:
            detail = f"RMSE {error:.3f} to {described(pictures[earlier])}"
            out[later] = LeftOut(position=later, rule="near-duplicate", detail=detail)
    return [out[i] for i in sorted(out)]


def clusters_among(groups: Sequence[str], hashes: np.ndarray, thumbnails: np.ndarray) -> list[str]:
    """Return the cluster of each picture: groups, united where pictures of two of them are near-duplicates.

    Args:
        groups: Concept of each picture.
        hashes: ``[N]`` uint64.
        thumbnails: ``[N, 32, 32, 3]`` uint8.

    Returns:
        The smallest group of each one's cluster.
    """
    sets, codes = Clusters(len(groups)), codes_of(groups)
    firsts = np.unique(codes, return_index=True)[1]
    sets.unite(firsts[codes], np.arange(len(groups)))
    return names_of_clusters(near_clusters(hashes, thumbnails, clusters=sets), groups)
