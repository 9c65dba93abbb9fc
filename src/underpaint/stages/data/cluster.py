"""Clusters: groups of variants, united where drawings of different groups look nearly the same.

Added styles have no say, so a concept lies in the same cluster with and without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from underpaint.core.concept import concept_of
from underpaint.stages.data.attributed import ADDED_STYLES
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.look import Look, near_pairs


class UnionFind:
    """Disjoint sets of strings; the smallest member names its set."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, item: str) -> str:
        """Return the name of an item's set."""
        self.parent.setdefault(item, item)
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def unite(self, one: str, other: str) -> None:
        """Join two sets."""
        small, large = sorted((self.find(one), self.find(other)))
        self.parent[large] = small


def clusters_of(drawings: Sequence[Drawing], look: Look) -> dict[str, str]:
    """Unite groups that share a pair of near-duplicates within a style.

    Args:
        drawings: All drawings, before any is dropped: a dropped picture still shows what looks alike.
        look: Their small pictures, in the same order.

    Returns:
        Group to cluster, the smallest group of the cluster.
    """
    groups = [concept_of(drawing.id).group for drawing in drawings]
    styles: dict[str, list[int]] = defaultdict(list)
    for index, drawing in enumerate(drawings):
        styles[drawing.style].append(index)
    sets = UnionFind()
    for index in (found for style, found in styles.items() if style not in ADDED_STYLES):
        for one, other in near_pairs(look, index):
            sets.unite(groups[one], groups[other])
    return {group: sets.find(group) for group in groups}
