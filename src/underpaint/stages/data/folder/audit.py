"""The audit of a person's pictures: what was read, what was left out and why, and what was found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.captions import CaptionReport, check_captions
from underpaint.stages.data.folder.finished import NOTES, Finished, notes_in
from underpaint.stages.data.folder.problems import LeftOut
from underpaint.stages.data.leakage import LeakReport
from underpaint.stages.data.representation import counted

PASSED_OVER = {"NoRow": "named by no row", "OtherKind": "of a kind that is not read (save as PNG)"}
"""Why a picture that lies in the input was passed over without being a problem."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read of the input, and what became of the rest.

    Args:
        kind: What the input was, in words.
        rows: Rows that were read.
        left_out: Rows that are no part of the data set.
        passed_over: Pictures that no row names.
    """

    kind: str
    rows: int
    left_out: Sequence[LeftOut]
    passed_over: Sequence[LeftOut]


class FolderAudit(Config):
    """All figures of the checks; ``dropped`` lists what was left out and why.

    Args:
        kind: What the input was, in words.
        rows: Rows that were read, those left out included.
        decoded: Pictures that were decoded in full and stay.
        changed: What had to be done to pictures: ``cmyk``, ``rotated``, ``16-bit``, ``enlarged``; pictures each.
        leakage: Across splits; near-duplicates share a cluster, and no cluster lies in two splits.
        captions: Unicode and wording.
        by_split: Pictures a split.
        by_style: Pictures a style; an empty name is no style.
        by_license: Pictures a license.
        dropped_by_rule: Rule to number.
        dropped: One entry a row.
        passed_over_by_rule: Key of ``PASSED_OVER`` to number.
        passed_over: Pictures that lie in the input and that no row names, one entry each.
        clusters: Number of clusters.
        groups: Number of groups.
        near_duplicate_sets: Clusters that unite several groups.
        largest_cluster: Pictures in the largest cluster.
        not_checked: What no check here can find.
    """

    kind: str
    rows: int
    decoded: int
    changed: dict[str, int]
    leakage: LeakReport
    captions: CaptionReport
    by_split: dict[str, int]
    by_style: dict[str, int]
    by_license: dict[str, int]
    dropped_by_rule: dict[str, int]
    dropped: tuple[LeftOut, ...]
    passed_over_by_rule: dict[str, int]
    passed_over: tuple[LeftOut, ...]
    clusters: int
    groups: int
    near_duplicate_sets: int
    largest_cluster: int
    not_checked: tuple[str, ...] = (
        "whether a caption says what its picture shows: with one hand a caption nothing can be compared",
        "whether the license that was stated is the right one",
        "who or what is to be seen",
    )


def changes_in(bits: np.ndarray) -> dict[str, int]:
    """Count the notes about pictures.

    Args:
        bits: ``[N]`` notes as numbers.
    """
    found = Counter(note for value, n in Counter(bits.tolist()).items() for note in notes_in(value) * n)
    return {note: found[note] for note in NOTES if found[note]}


def audit(samples: Sequence[Sample], records: np.ndarray, finished: Finished, read: Read) -> FolderAudit:
    """Count what is in the data set.

    Args:
        samples: All samples.
        records: ``[N]`` rows of their records.
        finished: The finished pictures.
        read: What was read and what became of the rest.
    """
    united: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        united[sample.cluster].add(sample.group)
    count = len(samples)
    return FolderAudit(
        kind=read.kind,
        rows=read.rows,
        decoded=count,
        changed=changes_in(finished.records()["notes"][records]),
        leakage=LeakReport(leaks=(), composition_twins=0, pairs_compared=count * (count - 1) // 2),
        captions=check_captions(samples),
        by_split=counted(s.split for s in samples),
        by_style=counted(s.style for s in samples),
        by_license=counted(s.license for s in samples),
        dropped_by_rule=counted(item.rule for item in read.left_out),
        dropped=tuple(read.left_out),
        passed_over_by_rule=counted(item.rule for item in read.passed_over),
        passed_over=tuple(read.passed_over),
        clusters=len(united),
        groups=sum(map(len, united.values())),
        near_duplicate_sets=sum(len(groups) > 1 for groups in united.values()),
        largest_cluster=max(Counter(s.cluster for s in samples).values()),
    )
