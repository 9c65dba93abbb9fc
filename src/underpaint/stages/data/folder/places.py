"""Places: what belongs together stays together, and every such cluster goes to one split.

Equal pictures, near-duplicates and rows of one group make a cluster. A split that was given is kept. Without any, one
tenth of the pictures is for tests and one twentieth for validation, in the order of a hash; without a given
validation, it is taken from training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from underpaint.core.errors import SplitLeak
from underpaint.stages.data.composition import order_of
from underpaint.stages.data.folder.groups import Groups
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import SPLITS
from underpaint.stages.data.near_duplicates import near_clusters
from underpaint.stages.data.split import TEST_SHARE, VALIDATION_SHARE

TRAIN, VALIDATION, TEST = "train", "validation", "test_concept"
SPLIT_NAMES = ("", *sorted(set(SPLITS.values())))
"""Splits by number; the first one is none: not given, or, in the end, not part of the data set."""
GONE = 0
SLACK = 2
"""A held-out split may grow to so many times its share, so that a cluster fits in."""


def clusters_of(groups: Groups, hashes: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Unite what belongs together.

    Args:
        groups: The groups of ``N`` pictures.
        hashes: ``[N]`` uint64, their perceptual hashes.
        thumbnails: ``[N, 32, 32, 3]`` uint8; may be memory-mapped.

    Returns:
        ``[N]`` the smallest position in each one's cluster.
    """
    return near_clusters(hashes, thumbnails, clusters=groups.united())


def choose_held_out(sizes: np.ndarray, shares: Mapping[str, float]) -> np.ndarray:
    """Choose whole clusters for the held-out splits.

    Args:
        sizes: ``[C]`` pictures of each cluster, in the order in which they are chosen.
        shares: Split to its share of the pictures.

    Returns:
        ``[C]`` positions in ``SPLIT_NAMES`` for what is held out, ``GONE`` for the rest; one always stays in training.
    """
    total, chosen = int(sizes.sum()), np.full(len(sizes), GONE, np.int8)
    num_chosen = 0
    for split, share in shares.items():
        number, target, filled = SPLIT_NAMES.index(split), max(1, round(share * total)), 0
        free = np.flatnonzero(chosen == GONE)
        for cluster in free:
            if filled >= target or num_chosen >= len(sizes) - 1:
                break
            if filled + sizes[cluster] <= SLACK * target:
                chosen[cluster] = number
                filled, num_chosen = filled + int(sizes[cluster]), num_chosen + 1
        if not filled and len(free) > 1:
            chosen[free[np.argmin(sizes[free])]] = number
            num_chosen += 1
    return chosen


def wanted_shares(given: set[str]) -> dict[str, float]:
    """Return the shares of the held-out splits that have to be made."""
    if VALIDATION in given:
        return {}
    return {VALIDATION: VALIDATION_SHARE} if given - {TRAIN} else {TEST: TEST_SHARE, VALIDATION: VALIDATION_SHARE}


def in_order(ledger: Ledger, groups: Groups, names: np.ndarray) -> np.ndarray:
    """Return names of clusters in the order of their hashes.

    Args:
        ledger: Knows the text of a name.
        groups: The groups.
        names: ``[C]`` ranks.
    """
    keys = np.empty((2, len(names)), np.uint64)
    for place, rank in enumerate(names):
        content = bytes.fromhex(order_of(ledger.group(int(groups.first[rank]))))
        keys[:, place] = np.frombuffer(content, ">u8", 2)
    return names[np.lexsort((keys[1], keys[0]))]


def place_all(ledger: Ledger, groups: Groups, names: np.ndarray, given: np.ndarray, problems: Problems) -> np.ndarray:
    """Give every picture a split.

    Args:
        ledger: Holds the entries of the ``N`` pictures that are kept.
        groups: Their groups.
        names: ``[N]`` ranks of the groups that name their clusters.
        given: ``[N]`` the splits that were given, as positions in ``SPLIT_NAMES``.
        problems: Takes down pictures whose cluster lies in two of the splits that were given.

    Returns:
        ``[N]`` positions in ``SPLIT_NAMES``; ``GONE`` for one that leaks and has to go.
    """
    train = SPLIT_NAMES.index(TRAIN)
    splits = np.where(given == GONE, train, given).astype(np.int8)
    for members in held_out_clusters(names, given):
        refuse_leak(ledger, members, given, splits, problems)
    sizes = np.bincount(names, minlength=len(groups.first))  # [R]
    sizes[names[splits != train]] = 0
    free = in_order(ledger, groups, np.flatnonzero(sizes))
    chosen = np.full(len(groups.first), train, np.int8)  # [R]
    held_out = choose_held_out(sizes[free], wanted_shares({SPLIT_NAMES[i] for i in np.unique(given)} - {""}))
    chosen[free] = np.where(held_out == GONE, train, held_out)
    return np.where(splits == train, chosen[names], splits)


def held_out_clusters(names: np.ndarray, given: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the members of every cluster of several in which a split other than training was given, by the first one.

    Args:
        names: ``[N]`` ranks of the groups that name the clusters.
        given: ``[N]`` the splits that were given, as positions in ``SPLIT_NAMES``.
    """
    held_out = (given != GONE) & (given != SPLIT_NAMES.index(TRAIN))
    is_asked = np.zeros(int(names.max(initial=-1)) + 1, np.bool_)
    is_asked[names[held_out]] = True
    members = np.flatnonzero(is_asked[names])
    first = np.full(len(is_asked), len(names))
    np.minimum.at(first, names[members], members)
    order = members[np.argsort(first[names[members]], kind="stable")]
    starts = np.flatnonzero(np.diff(names[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        yield order[start : start + length]


def refuse_leak(ledger: Ledger, members: np.ndarray, given: np.ndarray, splits: np.ndarray, problems: Problems) -> None:
    """Take a cluster's members outside its first held-out split away; those without a split follow it."""
    train = SPLIT_NAMES.index(TRAIN)
    held_out = min(int(split) for split in given[members] if split not in (GONE, train))
    kept = next(int(i) for i in members if given[i] == held_out)
    for number in members.tolist():
        if given[number] == GONE:
            splits[number] = held_out
        elif given[number] != held_out:
            splits[number] = GONE
            where = f"{ledger.kept_entry(kept).where} ({SPLIT_NAMES[held_out]})"
            split = SPLIT_NAMES[given[number]]
            problems.add(
                ledger.kept_entry(number).where,
                SplitLeak(f"it lies in {split}, but its group or nearly the same picture is {where}; move one"),
            )
