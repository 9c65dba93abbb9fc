"""Groups: what was said to belong together, as numbers; the names stay in the ledger.

The rank of a group is its place in the order of all names, so the smallest rank of a cluster gives its smallest name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.near_duplicates import Clusters

LOT = 1 << 14
"""Pairs that are united at once."""


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The groups of the pictures that are kept.

    Args:
        ranks: ``[N]`` int32, the rank of each one's group; without a group, a picture is one of its own.
        first: ``[R]`` int32, the first picture of each group, by rank.
        given: ``[N]`` whether the group was given.
    """

    ranks: np.ndarray
    first: np.ndarray
    given: np.ndarray

    def united(self) -> Clusters:
        """Unite the pictures of each group that was given."""
        clusters = Clusters(len(self.ranks))
        members = np.flatnonzero(self.given)
        order = members[np.argsort(self.ranks[members], kind="stable")]
        together = np.flatnonzero(self.ranks[order[1:]] == self.ranks[order[:-1]])
        for start in range(0, len(together), LOT):
            some = together[start : start + LOT]
            clusters.unite(order[some], order[some + 1])
        return clusters

    def names_of(self, clusters: np.ndarray) -> np.ndarray:
        """Return the rank of the smallest group in each one's cluster, ``[N]`` int32.

        Args:
            clusters: ``[N]`` what stands for each one's cluster, a position.
        """
        smallest = np.full(len(self.ranks), len(self.first), np.int32)
        np.minimum.at(smallest, clusters, self.ranks)
        return smallest[clusters]


def groups_of(ledger: Ledger) -> Groups:
    """Return the groups of what the ledger keeps."""
    count = ledger.num_kept
    ranks, first, given = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.bool_)
    rank, before = -1, None
    for name, number, is_given in ledger.kept_by_group():
        if name != before:
            rank, before = rank + 1, name
            first[rank] = number
        ranks[number], given[number] = rank, is_given
    return Groups(ranks=ranks, first=first[: rank + 1].copy(), given=given)
