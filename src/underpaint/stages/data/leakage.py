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


def shared(samples: Sequence[Sample], key: str, closed: Sequence[str]) -> list[tuple[Sample, Sample]]:
    """Return a pair of samples for each value of a field that stands in a closed split and in another one."""
    places: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        places[getattr(sample, key)].setdefault(sample.split, sample)
    found = []
    for by_split in places.values():
        first, *others = sorted(by_split.values(), key=lambda s: (s.split not in closed, s.split))
        if first.split in closed:
            found += [(first, other) for other in others]
    return found


def exact_leaks(samples: Sequence[Sample]) -> list[tuple[str, Sample, Sample]]:
    """Return rule and pair for each cluster, picture and caption that lies in two splits where it must not.

    A caption of stickers names a concept; a caption of a person's own pictures may be that of many.
    """
    concepts = [sample for sample in samples if is_code_points(sample.id)]
    found = {
        "cluster": shared(samples, "cluster", CLOSED),
        "pixels": shared(samples, "sha256_pixels", (*CLOSED, "test_style")),
        "caption": shared(concepts, "caption", (*CLOSED, EXEMPT)),
    }
    return [(rule, *pair) for rule, pairs in found.items() for pair in pairs]


def leak_of(rule: str, one: Sample, other: Sample) -> Leak:
    """Name a pair that is too close."""
    return Leak(rule=rule, first=label(one), second=label(other))


def find_leaks(samples: Sequence[Sample], look: Look) -> LeakReport:
    """Compare every pair of pictures across splits, and clusters, pixels and captions.

    Args:
        samples: All samples.
        look: Their small pictures, in the same order.
    """
    leaks = [leak_of(*found) for found in exact_leaks(samples)]
    twins = set()
    for one, other in near_pairs(look, range(len(samples))):
        splits = (samples[one].split, samples[other].split)
        if crosses(*splits):
            leaks.append(leak_of("near", samples[one], samples[other]))
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
