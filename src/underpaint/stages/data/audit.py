"""The audit: every check of a data set in one document, ``audit.json``."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from underpaint.core.config import Config
from underpaint.core.errors import DataError, UnreadableImage
from underpaint.core.samples import Sample
from underpaint.stages.data.captions import CaptionReport, check_captions, refuse_hidden
from underpaint.stages.data.clean import MIN_ALPHA, Dropped
from underpaint.stages.data.dirty_captions import DirtyReport, check_dirty
from underpaint.stages.data.leakage import LeakReport, find_leaks, refuse_leaks
from underpaint.stages.data.look import Look
from underpaint.stages.data.memorization import MemorizationReport, check_memorization
from underpaint.stages.data.representation import RepresentationReport, report_representation

MAX_UNREADABLE_SHARE = 0.02
MAX_LISTED = 10


class PictureReport(Config):
    """Corrupt, empty and equal pictures.

    Args:
        decoded: Pictures that were decoded in full.
        conflicts: Equal pictures of one style under different captions; must be none.
        constant: Pictures of one color and full alpha; must be none.
    """

    decoded: int
    conflicts: tuple[str, ...]
    constant: tuple[str, ...]


class Audit(Config):
    """All figures of the checks; ``dropped`` lists what was left out and why.

    Args:
        pictures: Corrupt, empty, equal.
        leakage: Across splits.
        captions: Unicode and wording.
        dirty_captions: Ranked list for review.
        representation: Who is drawn how often.
        memorization: Threshold for generated pictures.
        dropped_by_rule: Rule to number.
        dropped: One entry a drawing.
        clusters: Number of clusters.
        groups: Number of groups.
        near_duplicate_sets: Clusters that unite several groups.
        not_checked: What no check here can find.
    """

    pictures: PictureReport
    leakage: LeakReport
    captions: CaptionReport
    dirty_captions: DirtyReport
    representation: RepresentationReport
    memorization: MemorizationReport
    dropped_by_rule: dict[str, int]
    dropped: tuple[Dropped, ...]
    clusters: int
    groups: int
    near_duplicate_sets: int
    not_checked: tuple[str, ...] = (
        "what upstream published wrongly or with intent: the pinned hashes only catch what came later",
        "small trigger patches: drawings share corner blocks naturally, so a census of repeated blocks finds nothing",
    )


def check_pictures(samples: Sequence[Sample], look: Look) -> PictureReport:
    """Look for equal pictures under different captions and for pictures without content."""
    captions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        captions[sample.style, sample.sha256_pixels].add(sample.caption)
    flat = look.pixels.reshape(len(samples), -1, 3)
    blank = (look.alpha < MIN_ALPHA) | (flat == flat[:, :1]).all((1, 2))
    return PictureReport(
        decoded=len(samples),
        conflicts=tuple(sorted(" = ".join(sorted(names)) for names in captions.values() if len(names) > 1)),
        constant=tuple(samples[i].file for i in np.nonzero(blank)[0].tolist()),
    )


def refuse_pictures(report: PictureReport) -> None:
    """Refuse conflicts and empty pictures.

    Raises:
        DataError: There are any; the message lists the first ones.
    """
    found = [f"one picture, two captions: {conflict}" for conflict in report.conflicts]
    found += [f"nothing to see: {file}" for file in report.constant]
    if found:
        raise DataError(f"{len(found)} picture problem(s): {'; '.join(found[:MAX_LISTED])}; leave these drawings out")


def refuse_many_unreadable(dropped: Sequence[Dropped], total: int) -> None:
    """Refuse a build that had to skip too much.

    Raises:
        UnreadableImage: More than 2 % of the drawings could not be rendered.
    """
    unreadable = [item for item in dropped if item.rule == "unreadable"]
    if len(unreadable) > MAX_UNREADABLE_SHARE * total:
        listed = "; ".join(f"{item.source} {item.icon}: {item.detail}" for item in unreadable[:MAX_LISTED])
        raise UnreadableImage(f"{len(unreadable)} of {total} drawings cannot be rendered: {listed}; check the sources")


def audit(samples: Sequence[Sample], look: Look, dropped: Sequence[Dropped]) -> Audit:
    """Run every check and refuse what must not be.

    Args:
        samples: All samples.
        look: Their small pictures, in the same order.
        dropped: What was left out before.

    Raises:
        SplitLeak: Something lies in two splits.
        DataError: Hidden characters, conflicting captions or empty pictures.
    """
    united = defaultdict(set)
    for sample in samples:
        united[sample.cluster].add(sample.group)
    report = Audit(
        pictures=check_pictures(samples, look),
        leakage=find_leaks(samples, look),
        captions=check_captions(samples),
        dirty_captions=check_dirty(samples, look),
        representation=report_representation(samples),
        memorization=check_memorization(samples, look),
        dropped_by_rule=dict(sorted(Counter(item.rule for item in dropped).items())),
        dropped=tuple(dropped),
        clusters=len(united),
        groups=sum(map(len, united.values())),
        near_duplicate_sets=sum(len(groups) > 1 for groups in united.values()),
    )
    refuse_pictures(report.pictures)
    refuse_leaks(report.leakage)
    refuse_hidden(report.captions)
    return report


def samples_digest(samples: Iterable[Sample]) -> str:
    """Return the SHA-256 over ids, captions, splits and pixels: what training sees, whatever the cards say."""
    digest = hashlib.sha256()
    for s in samples:
        words = "\n".join(s.captions)
        digest.update(f"{s.style} {s.id} {s.split} {s.sha256_pixels} {words}\n".encode())
    return digest.hexdigest()
