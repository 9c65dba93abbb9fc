"""The audit of a person's pictures: what was read, what was left out and why, and what was found."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.captions import CaptionReport, check_captions
from underpaint.stages.data.folder.finished import NOTES, Finished, notes_in
from underpaint.stages.data.folder.listing import LeftOut, Listing
from underpaint.stages.data.leakage import LeakReport
from underpaint.stages.data.text_hashes import text_hash

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
    left_out: Listing
    passed_over: Listing


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
        dropped: One entry a row; empty here, since ``audit.json`` gets them one by one.
        passed_over_by_rule: Key of ``PASSED_OVER`` to number.
        passed_over: Pictures that lie in the input and that no row names, one entry each; empty here as well.
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
    dropped: tuple[LeftOut, ...] = ()
    passed_over_by_rule: dict[str, int]
    passed_over: tuple[LeftOut, ...] = ()
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
    found = Counter[str]()
    for value, count in zip(*np.unique(bits, return_counts=True), strict=True):
        found.update(dict.fromkeys(notes_in(int(value)), int(count)))
    return {note: found[note] for note in NOTES if found[note]}


class ClusterFigures(TypedDict):
    """The figures of the audit that are about clusters."""

    clusters: int
    groups: int
    near_duplicate_sets: int
    largest_cluster: int


class Census:
    """What is counted while samples go by."""

    def __init__(self) -> None:
        self.splits, self.styles, self.licenses = Counter[str](), Counter[str](), Counter[str]()
        self._clusters, self._groups = array("Q"), array("Q")

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.splits[sample.split] += 1
        self.styles[sample.style] += 1
        self.licenses[sample.license] += 1
        self._clusters.append(text_hash(sample.cluster))
        self._groups.append(text_hash(sample.cluster, sample.group))

    def clusters(self) -> ClusterFigures:
        """Return what is known about clusters."""
        of = np.array(self._clusters, np.uint64)
        pairs, first = np.unique(np.array(self._groups, np.uint64), return_index=True)
        num_groups = np.unique(of[first], return_counts=True)[1]
        return ClusterFigures(
            clusters=len(num_groups),
            groups=len(pairs),
            near_duplicate_sets=int((num_groups > 1).sum()),
            largest_cluster=int(np.unique(of, return_counts=True)[1].max()),
        )


def sorted_counts(counts: Counter[str]) -> dict[str, int]:
    """Return counts by name."""
    return dict(sorted(counts.items()))


def audit(samples: Collection[Sample], records: np.ndarray, finished: Finished, read: Read) -> FolderAudit:
    """Count what is in the data set.

    Args:
        samples: All samples; gone through several times.
        records: ``[N]`` rows of their records.
        finished: The finished pictures.
        read: What was read and what became of the rest.
    """
    census = Census()
    for sample in samples:
        census.add(sample)
    count = len(samples)
    return FolderAudit(
        kind=read.kind,
        rows=read.rows,
        decoded=count,
        changed=changes_in(finished.records()["notes"][records]),
        leakage=LeakReport(leaks=(), composition_twins=0, pairs_compared=count * (count - 1) // 2),
        captions=check_captions(samples),
        by_split=sorted_counts(census.splits),
        by_style=sorted_counts(census.styles),
        by_license=sorted_counts(census.licenses),
        dropped_by_rule=read.left_out.by_rule(),
        passed_over_by_rule=read.passed_over.by_rule(),
        **census.clusters(),
    )
