"""Splits of drawn pictures: whole clusters, and nothing into training that a real data set holds out.

Where the real data set is known, what it holds out is held out here too: a model that learns from both sees no held-out
caption. The other clusters are dealt out as those of real data are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from underpaint.core.samples import Sample
from underpaint.stages.data.composition import order_of
from underpaint.stages.data.leakage import CLOSED, EXEMPT
from underpaint.stages.data.split import TEST_SHARE, VALIDATION_SHARE

TRAIN, STYLE = "train", "test_style"
CONCEPT, VALIDATION = "test_concept", "validation"
STRICTEST = (CONCEPT, VALIDATION, EXEMPT, TRAIN)
"""Which split wins where a caption has several; a held-out one before training."""


def held_out_captions(samples: Sequence[Sample]) -> dict[str, str]:
    """Return caption to split of a real data set; ``train`` where only its style is held out."""
    splits: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        splits[sample.caption].add(TRAIN if sample.split == STYLE else sample.split)
    return {caption: next(split for split in STRICTEST if split in found) for caption, found in splits.items()}


def held_out_styles(samples: Sequence[Sample]) -> set[tuple[str, str]]:
    """Return the captions that a real data set holds out in one style, with the style."""
    return {(sample.caption, sample.style) for sample in samples if sample.split == STYLE}


def deal(free: Sequence[str]) -> dict[str, str]:
    """Deal out clusters in the order of a hash; of two and more, one at least is for validation."""
    ordered = sorted(free, key=order_of)
    num_validation = max(round(VALIDATION_SHARE * len(ordered)), int(len(ordered) > 1))
    num_test = round(TEST_SHARE * len(ordered))
    return dict(zip(ordered, [VALIDATION] * num_validation + [CONCEPT] * num_test, strict=False))


def places_of(captions: Sequence[str], clusters: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Return the split of each picture.

    Args:
        captions: Of each picture; those of one cluster stay together.
        clusters: Of each picture.
        known: Caption to split in the real data set; empty if there is none.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for caption, cluster in zip(captions, clusters, strict=True):
        members[cluster].add(known.get(caption, TRAIN))
    closed = {cluster: split for cluster, splits in members.items() for split in reversed(CLOSED) if split in splits}
    roles = deal([cluster for cluster in members if cluster not in closed]) | closed
    places = []
    for caption, cluster in zip(captions, clusters, strict=True):
        role = roles.get(cluster, TRAIN)
        places.append(EXEMPT if role == TRAIN and known.get(caption) == EXEMPT else role)
    return places
