"""Places: what belongs together stays together, and every such cluster goes to one split.

Equal pictures, near-duplicates and rows of one group make a cluster. A split that was given is kept. Without any, one
tenth of the pictures is for tests and one twentieth for validation, in the order of a hash; without a given
validation, it is taken from training.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from underpaint.core.errors import SplitLeak
from underpaint.stages.data.composition import order_of
from underpaint.stages.data.folder.entries import Entry
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.near_duplicates import Clusters, near_clusters
from underpaint.stages.data.split import TEST_SHARE, VALIDATION_SHARE

TRAIN, VALIDATION, TEST = "train", "validation", "test_concept"
SLACK = 2
"""A held-out split may grow to so many times its share, so that a cluster fits in."""


def equal_groups(entries: Sequence[Entry]) -> Clusters:
    """Unite the entries of one group."""
    clusters = Clusters(len(entries))
    first: dict[str, int] = {}
    for position, entry in enumerate(entries):
        if entry.group and (earlier := first.setdefault(entry.group, position)) != position:
            clusters.unite(np.array([earlier]), np.array([position]))
    return clusters


def clusters_of(entries: Sequence[Entry], hashes: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Unite what belongs together.

    Args:
        entries: ``N`` entries.
        hashes: ``[N]`` uint64, their perceptual hashes.
        thumbnails: ``[N, 32, 32, 3]`` uint8; may be memory-mapped.

    Returns:
        ``[N]`` the smallest position in each one's cluster.
    """
    return near_clusters(hashes, thumbnails, clusters=equal_groups(entries))


def choose_held_out(sizes: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, str]:
    """Choose whole clusters for the held-out splits, in the order of a hash.

    Args:
        sizes: Cluster to its number of pictures.
        shares: Split to its share of the pictures.

    Returns:
        Cluster to split, for the clusters that are held out; one always stays for training.
    """
    total, chosen = sum(sizes.values()), {}
    ordered = sorted(sizes, key=order_of)
    for split, share in shares.items():
        target, filled = max(1, round(share * total)), 0
        free = [cluster for cluster in ordered if cluster not in chosen]
        for cluster in free:
            if filled < target and filled + sizes[cluster] <= SLACK * target and len(chosen) < len(sizes) - 1:
                chosen[cluster] = split
                filled += sizes[cluster]
        if not filled and len(free) > 1:
            chosen[min(free, key=lambda cluster: sizes[cluster])] = split
    return chosen


def wanted_shares(given: set[str]) -> dict[str, float]:
    """Return the shares of the held-out splits that have to be made."""
    if VALIDATION in given:
        return {}
    return {VALIDATION: VALIDATION_SHARE} if given - {TRAIN} else {TEST: TEST_SHARE, VALIDATION: VALIDATION_SHARE}


def place_all(entries: Sequence[Entry], names: Sequence[str], problems: Problems) -> list[str]:
    """Give every entry a split.

    Args:
        entries: ``N`` entries.
        names: ``[N]`` names of their clusters.
        problems: Takes down entries whose cluster lies in two of the splits that were given.

    Returns:
        ``[N]`` splits; empty for an entry that leaks and has to go.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        members[name].append(position)
    splits = [entry.split or TRAIN for entry in entries]
    for positions in members.values():
        refuse_leak(entries, positions, splits, problems)
    free = {name: len(p) for name, p in members.items() if {splits[i] for i in p} <= {TRAIN, ""}}
    chosen = choose_held_out(free, wanted_shares({entry.split for entry in entries} - {""}))
    return [chosen.get(name, split) if split == TRAIN else split for name, split in zip(names, splits, strict=True)]


def refuse_leak(entries: Sequence[Entry], positions: Sequence[int], splits: list[str], problems: Problems) -> None:
    """Empty the splits of a cluster's members outside its first held-out split; those without a split follow it."""
    held_out = sorted({entries[i].split for i in positions} - {"", TRAIN})
    if not held_out:
        return
    kept = next(i for i in positions if entries[i].split == held_out[0])
    for position in positions:
        given = entries[position].split
        if given == "":
            splits[position] = held_out[0]
        elif given != held_out[0]:
            splits[position] = ""
            where = f"{entries[kept].where} ({held_out[0]})"
            problems.add(
                entries[position].where,
                SplitLeak(f"it lies in {given}, but its group or nearly the same picture is {where}; move one"),
            )
