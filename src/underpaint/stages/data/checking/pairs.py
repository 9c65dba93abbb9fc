"""Pairs of equal and nearly equal pictures, inside a data set and between data sets, in one search.

Inside a split only clusters are kept, since a thousand alike pictures make half a million pairs; across splits and
across data sets every pair counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.data.checking.record import CheckConfig
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.leakage import crosses
from underpaint.stages.data.near_duplicates import Clusters, near_pairs


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two pictures that look alike.

    Args:
        one: Position in the data set that is checked.
        subject: Index of the other one's data set: 0 for the same one.
        other: Position there.
        rmse: Difference of their thumbnails, 0 to 1.
        equal: Whether all their pixels are equal.
    """

    one: int
    subject: int
    other: int
    rmse: float
    equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Everything that looks alike.

    Args:
        equal: Positions of equal pixels, two or more each, in the data set that is checked.
        across: Nearly equal pairs across its splits.
        twins: Number of pairs across splits that are intended.
        clusters: ``[N]`` near-duplicates inside a split share a number.
        elsewhere: Equal and nearly equal pairs with other data sets.
    """

    equal: tuple[tuple[int, ...], ...]
    across: tuple[Pair, ...]
    twins: int
    clusters: np.ndarray
    elsewhere: tuple[Pair, ...]


class Stacked:
    """Thumbnails of several data sets under one numbering, read where they lie.

    Args:
        parts: ``[N_i, 32, 32, 3]`` uint8 each.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])

    def place(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part and the position inside it for positions ``[M]``."""
        part = np.searchsorted(self.ends, positions, side="right")
        return part, positions - np.concatenate([[0], self.ends])[part]

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Return the thumbnails at some positions, ``[M, 32, 32, 3]``."""
        part, inside = self.place(positions)
        found = np.empty((len(positions), *self.parts[0].shape[1:]), np.uint8)
        for index, thumbnails in enumerate(self.parts):
            found[part == index] = thumbnails[inside[part == index]]
        return found


def equal_sets(subject: Subject) -> tuple[tuple[int, ...], ...]:
    """Return the positions that share their pixels, for every picture that stands there twice or more."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, pixels in readable(subject):
        places[pixels].append(position)
    return tuple(tuple(found) for found in places.values() if len(found) > 1)


def equal_elsewhere(subject: Subject, others: Sequence[Subject]) -> list[Pair]:
    """Return the pictures of a data set that stand in another one too, each with the first one there."""
    pairs = []
    for index, other in enumerate(others, 1):
        places = {pixels: i for i, pixels in reversed(readable(other))}
        found = ((i, places.get(pixels)) for i, pixels in readable(subject))
        pairs += [Pair(one=i, subject=index, other=j, rmse=0.0, equal=True) for i, j in found if j is not None]
    return pairs


def readable(subject: Subject) -> list[tuple[int, str]]:
    """Return position and SHA-256 of the pixels of every picture that is the one that was recorded."""
    every = enumerate(subject.samples)
    return [(i, sample.sha256_pixels) for i, sample in every if i not in subject.prints.problems]


def usable(subject: Subject) -> np.ndarray:
    """Return ``[N]`` whether a picture can be read and shows anything."""
    mask = ~np.asarray(subject.prints.constant)
    mask[list(subject.prints.problems)] = False
    return mask


class Search:
    """One search for near-duplicates among data sets; it remembers what it has seen.

    Args:
        subjects: The data set that is checked, then those it is held against.
    """

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.samples = subjects[0].samples
        self.pixels = Stacked([subject.prints.thumbnails for subject in subjects])
        self.hashes = np.concatenate([np.asarray(subject.prints.hashes) for subject in subjects])
        self.usable = np.concatenate([usable(subject) for subject in subjects])
        every = [sample for subject in subjects for sample in subject.samples]
        self.content = np.unique([s.sha256_pixels for s in every], return_inverse=True)[1]
        self.split = np.unique([s.split for s in every], return_inverse=True)[1]
        self.clusters = Clusters(len(self.samples))
        self.across: list[Pair] = []
        self.elsewhere: list[Pair] = []
        self.twins = 0

    def wanted(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Tell which pairs are worth reading their pixels; ``one`` is below ``other``, so it is ours if one is."""
        own = len(self.samples)
        asked = self.usable[one] & self.usable[other] & (self.content[one] != self.content[other]) & (one < own)
        inside = asked & (other < own) & (self.split[one] == self.split[other])
        asked[inside] = self.clusters.apart(one[inside], other[inside])
        return asked

    def note(self, one: np.ndarray, other: np.ndarray, errors: np.ndarray) -> None:
        """Take in near-duplicates."""
        own = other < len(self.samples)
        inside = own & (self.split[one] == self.split[other])
        self.clusters.unite(one[inside], other[inside])
        part, place = self.pixels.place(other)
        rest = np.nonzero(~inside)[0]
        for k in rest.tolist():
            pair = Pair(one=int(one[k]), subject=int(part[k]), other=int(place[k]), rmse=float(errors[k]))
            if pair.subject:
                self.elsewhere.append(pair)
            elif crosses(self.samples[pair.one].split, self.samples[pair.other].split):
                self.across.append(pair)
            else:
                self.twins += 1


def find_alike(
    subject: Subject, others: Sequence[Subject] = (), config: CheckConfig | None = None, report: Report = silent
) -> Alike:
    """Find all that looks alike.

    Args:
        subject: The data set that is checked.
        others: Those it is held against.
        config: What counts as near.
        report: Receives progress.
    """
    config = config or CheckConfig()
    search, total = Search((subject, *others)), len(subject.samples)
    report(Progress(task="compare", done=0, total=total, unit="pictures"))
    limits = {"max_distance": config.max_distance, "max_rmse": config.max_rmse}
    for one, other, errors in near_pairs(search.hashes, search.pixels, wanted=search.wanted, **limits):
        search.note(one, other, errors)
    report(Progress(task="compare", done=total, total=total, unit="pictures"))
    return Alike(
        equal=equal_sets(subject),
        across=tuple(sorted(search.across, key=lambda pair: pair.rmse)),
        twins=search.twins,
        clusters=search.clusters.of(np.arange(total)),
        elsewhere=tuple(
            sorted(
                [*equal_elsewhere(subject, others), *search.elsewhere],
                key=lambda pair: (not pair.equal, pair.rmse, pair.one),
            )
        ),
    )
