"""Weights: the variants of one group, style and split share the weight of one picture, so that many count no more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from underpaint.core.samples import Sample

DIGITS = 6
"""Decimal places of a weight in ``samples.jsonl``."""

Variants = tuple[str, str, str]
"""Group, style and split: what has them in common are variants of one picture."""


def even_share(count: int) -> float:
    """Return the weight of one of so many variants."""
    return round(1 / count, DIGITS)


def even_weights(keys: Sequence[Variants]) -> list[float]:
    """Return the weight of each picture, above 0 and at most 1: an even share among its variants.

    Args:
        keys: Of each picture.
    """
    members = Counter(keys)
    return [even_share(members[key]) for key in keys]


def reweighted(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples whose weights again add up to 1 among variants, in the proportions that they have."""
    totals: dict[Variants, float] = defaultdict(float)
    for s in samples:
        totals[s.group, s.style, s.split] += s.weight
    return [
        s.model_copy(update={"weight": round(s.weight / (totals[s.group, s.style, s.split] or 1.0), DIGITS)})
        for s in samples
    ]
