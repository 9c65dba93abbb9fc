"""A trial of the search for dirty captions: some captions of the very set are swapped, and one sees what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.stages.data.checking.record import CheckConfig
from underpaint.stages.data.dirty_captions import ranks

SWAPPED_SHARE = 0.03
MOST_CAPTIONS = 2000
"""Captions among which swaps are planted; more would not sharpen the figures."""
FEWEST = 2


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How the search did.

    Args:
        swapped: Number of swapped captions that were ranked.
        right: Number of right ones.
        auc: Chance that a swapped caption ranks worse than a right one, 0 to 1.
        recall: Share of the swapped ones on a review list, 0 to 1.
    """

    swapped: int
    right: int
    auc: float
    recall: float


def some_captions(captions: Sequence[str], random: np.random.Generator) -> list[int]:
    """Return the positions of all pictures of at most ``MOST_CAPTIONS`` captions."""
    every = sorted(set(captions))
    if len(every) <= MOST_CAPTIONS:
        return list(range(len(captions)))
    kept = set(random.choice(every, MOST_CAPTIONS, replace=False).tolist())
    return [k for k, caption in enumerate(captions) if caption in kept]


def plant_swaps(
    captions: Sequence[str], hands: Sequence[str], described: np.ndarray, config: CheckConfig
) -> Trial | None:
    """Swap 3 % of the captions that one hand shares with others, rank, and compare.

    Args:
        captions: Caption of each picture.
        hands: Whose hand drew it.
        described: ``[N, F]`` their features.
        config: Length of the review list and seed.

    Returns:
        The outcome; None if too few captions are shared.
    """
    random = np.random.default_rng(config.plant_seed)
    index = some_captions(captions, random)
    labels, drawn = np.array([captions[k] for k in index], dtype=object), [hands[k] for k in index]
    shared = shared_by_hand(labels.tolist(), drawn)
    number = round(SWAPPED_SHARE * len(shared))
    if number < FEWEST:
        return None
    swapped = random.choice(shared, number, replace=False)
    labels[swapped] = np.roll(labels[swapped], 1)
    found = ranks(labels.tolist(), drawn, described[index])
    planted = set(swapped.tolist())
    bad = np.array([rank for k, rank in found.items() if k in planted])
    good = np.array([rank for k, rank in found.items() if k not in planted])
    return compare(bad, good, config.review_share) if len(bad) and len(good) else None


def shared_by_hand(captions: Sequence[str], hands: Sequence[str]) -> np.ndarray:
    """Return the positions of the pictures whose captions another hand drew too, of the hand that has most of them.

    Swaps stay with one hand: a caption that is swapped from hand to hand would be left to one of them alone.
    """
    owners: dict[str, set[str]] = {}
    for caption, hand in zip(captions, hands, strict=True):
        owners.setdefault(caption, set()).add(hand)
    positions: dict[str, list[int]] = {}
    for k, (caption, hand) in enumerate(zip(captions, hands, strict=True)):
        if len(owners[caption]) > 1:
            positions.setdefault(hand, []).append(k)
    return np.array(max(positions.values(), key=len, default=[]), dtype=int)


def compare(bad: np.ndarray, good: np.ndarray, review_share: float) -> Trial:
    """Compare the ranks of swapped and of right captions.

    Args:
        bad: ``[M]`` ranks of swapped captions, 0 (best) to 1.
        good: ``[N]`` ranks of right ones.
        review_share: Length of the review list as a share of all.
    """
    ordered = np.sort(good)
    below, upto = (np.searchsorted(ordered, bad, side=side) for side in ("left", "right"))
    threshold = np.sort(np.concatenate([bad, good]))[-max(1, round(review_share * (len(bad) + len(good))))]
    return Trial(
        swapped=len(bad),
        right=len(good),
        auc=float((below + upto).mean() / (2 * len(good))),
        recall=float((bad >= threshold).mean()),
    )


def error_rate_of(trial: Trial | None, config: CheckConfig) -> str:
    """Put a trial into words."""
    if trial is None:
        return "Too few captions are shared to measure it here; on the stickers swapped captions have an AUC of 0.95."
    return (
        f"Measured on this set with {trial.swapped} swapped captions among {trial.right}: AUC {trial.auc:.3f}; the "
        f"worst {config.review_share:.0%} hold {trial.recall:.0%} of the swaps, so a list of this length misses the "
        "rest. A caption that is wrong for all hands alike is not found."
    )
