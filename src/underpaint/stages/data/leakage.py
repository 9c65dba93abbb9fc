"""Leakage: nothing that training sees may stand in a test split, not even nearly.

``test_composition`` is exempt: twins of its pictures (the neighboring tone) are in training on purpose; they are
counted. ``test_style`` shares its concepts with training by definition, but no picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from underpaint.core.concept import is_code_points
from underpaint.core.config import Config
from underpaint.core.errors import SplitLeak
from underpaint.core.samples import Sample
from underpaint.stages.data.look import Look, near_pairs

EXEMPT = "test_composition"
CLOSED = ("validation", "test_concept")
MAX_LISTED = 10


class Leak(Config):
    """Two samples, in two splits, that are too close: ``cluster``, ``pixels``, ``near`` or ``caption``."""

    rule: str
    first: str
    second: str


class LeakReport(Config):
    """The outcome of the check.

    Args:
        leaks: Pairs that must not be; none in a sound data set.
        composition_twins: Pictures of ``test_composition`` with a near-duplicate in training; intended.
        pairs_compared: Number of pairs of pictures that were compared.
    """

    leaks: tuple[Leak, ...]
    composition_twins: int
    pairs_compared: int


def crosses(first: str, second: str) -> bool:
    """Tell whether near-duplicates in these two splits are a leak."""
    return first != second and EXEMPT not in (first, second)


def label(sample: Sample) -> str:
    """Return a sample's split, file and caption for messages."""
    return f"{sample.split}:{sample.file} ({sample.caption!r})"


def shared(samples: Sequence[Sample], rule: str, key: str, closed: Sequence[str]) -> list[Leak]:
    """Find values of a field that stand in a closed split and in another one."""
    places: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        places[getattr(sample, key)].setdefault(sample.split, sample)
    leaks = []
    for by_split in places.values():
        first, *others = sorted(by_split.values(), key=lambda s: (s.split not in closed, s.split))
        if first.split in closed:
            leaks += [Leak(rule=rule, first=label(first), second=label(other)) for other in others]
    return leaks


def exact_leaks(samples: Sequence[Sample]) -> list[Leak]:
    """Return the clusters, pixels and captions that lie in two splits where they must not.

    A caption of stickers names a concept; a caption of a person's own pictures may be that of many.
    """
    leaks = shared(samples, "cluster", "cluster", CLOSED)
    leaks += shared(samples, "pixels", "sha256_pixels", (*CLOSED, "test_style"))
    leaks += shared([s for s in samples if is_code_points(s.id)], "caption", "caption", (*CLOSED, EXEMPT))
    return leaks


def find_leaks(samples: Sequence[Sample], look: Look) -> LeakReport:
    """Compare every pair of pictures across splits, and clusters, pixels and captions.

    Args:
        samples: All samples.
        look: Their small pictures, in the same order.
    """
    leaks = exact_leaks(samples)
    twins = set()
    for one, other in near_pairs(look, range(len(samples))):
        splits = (samples[one].split, samples[other].split)
        if crosses(*splits):
            leaks.append(Leak(rule="near", first=label(samples[one]), second=label(samples[other])))
        elif "train" in splits:
            twins |= {i for i in (one, other) if samples[i].split == EXEMPT}
    count = len(samples)
    return LeakReport(leaks=tuple(leaks), composition_twins=len(twins), pairs_compared=count * (count - 1) // 2)


def refuse_leaks(report: LeakReport) -> None:
    """Refuse a data set that leaks.

    Raises:
        SplitLeak: There is a leak; the message lists the first ones.
    """
    if report.leaks:
        listed = "; ".join(f"{leak.rule}: {leak.first} and {leak.second}" for leak in report.leaks[:MAX_LISTED])
        raise SplitLeak(
            f"{len(report.leaks)} pair(s) lie in two splits: {listed}. Put what belongs together into one cluster and "
            "build again"
        )
