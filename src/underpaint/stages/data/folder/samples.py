"""Samples: entries with finished pictures, equal ones left out, in clusters and splits, made one by one when asked for.

What is decided about each picture is a few numbers; its words stay in the ledger until its sample is made.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import ConflictingCaptions
from underpaint.core.samples import Sample
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entry import Entry
from underpaint.stages.data.folder.finished import Finished
from underpaint.stages.data.folder.groups import groups_of
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.places import GONE, SPLIT_NAMES, clusters_of, place_all
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.terms import source_key
from underpaint.stages.data.perceptual_hash import hash_text, perceptual_hashes
from underpaint.stages.data.weights import even_share

BATCH = 1024

Origin = tuple[str, str, str]
"""Source, author and license of a picture."""


def drop_equal(finished: Finished, problems: Problems) -> np.ndarray:
    """Keep one of several rows with the same pixels and caption; refuse one picture under two captions.

    Args:
        finished: The finished pictures, and the ledger, which takes down what is kept.
        problems: Takes down what is left out.

    Returns:
        ``[N]`` records of what is kept, in the order of the input.
    """
    pixels, ledger = finished.records()["pixels"], finished.ledger
    records = array("q")
    for position, record in ledger.finished():
        first = ledger.first_with(pixels[record].tobytes(), position)
        if first == position:
            ledger.keep(position)
            records.append(record)
        else:
            leave_out(ledger.entry(position), ledger.entry(first), problems)
    ledger.sort_kept()
    return np.array(records, np.int64)


def leave_out(entry: Entry, earlier: Entry, problems: Problems) -> None:
    """Take down that a picture stood there before."""
    if earlier.caption == entry.caption:
        problems.leave_out(entry.where, "Duplicate", f"the same picture and caption as {earlier.where}")
    else:
        problems.add(entry.where, two_captions(entry, earlier))


def two_captions(entry: Entry, earlier: Entry) -> ConflictingCaptions:
    """Say that one picture has two captions."""
    return ConflictingCaptions(
        f"its picture is that of {earlier.where}, but the captions differ ({entry.caption!r:.60}, "
        f"{earlier.caption!r:.60}); keep one, or write both into one row as a list"
    )


def thumbnails_of(records: np.ndarray, finished: Finished) -> np.ndarray:
    """Return the thumbnails ``[N, 32, 32, 3]`` of some records, mapped from a file of their own."""
    found = finished.records()["thumbnail"]
    path = finished.folder / "thumbnails.bin"
    thumbnails = np.memmap(path, np.uint8, mode="w+", shape=(len(records), *found.shape[1:]))
    for start in range(0, len(records), BATCH):
        chosen = slice(start, start + BATCH)
        thumbnails[chosen] = found[records[chosen]]
    return thumbnails


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What becomes of the pictures that are kept, in the order of the input.

    Args:
        records: ``[N]`` rows of their records in ``Finished``.
        hashes: ``[N]`` uint64 perceptual hashes.
        clusters: ``[N]`` the one, by its number, whose group names the cluster.
        splits: ``[N]`` positions in ``SPLIT_NAMES``; ``GONE`` for one that had to go.
        variants: ``[N]`` how many there are of its group, style and split.
    """

    records: np.ndarray
    hashes: np.ndarray
    clusters: np.ndarray
    splits: np.ndarray
    variants: np.ndarray

    @property
    def staying(self) -> np.ndarray:
        """``[N]`` whether a picture is part of the data set."""
        return self.splits != GONE


def place(records: np.ndarray, finished: Finished, problems: Problems) -> Placed:
    """Find out what belongs together and choose splits.

    Args:
        records: ``[N]`` records of what is kept; at least one.
        finished: The pixels' hashes and thumbnails, and the ledger.
        problems: Takes down pictures that lie in two of the splits that were given.
    """
    thumbnails = thumbnails_of(records, finished)
    hashes = perceptual_hashes(thumbnails)
    groups = groups_of(finished.ledger)
    names = groups.names_of(clusters_of(groups, hashes, thumbnails))
    given, styles = given_of(finished.ledger)
    splits = place_all(finished.ledger, groups, names, given, problems)
    return Placed(
        records=records,
        hashes=hashes,
        clusters=groups.first[names],
        splits=splits,
        variants=variants_of(groups.ranks, styles, splits),
    )


def given_of(ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Return the splits that were given, ``[N]`` positions in ``SPLIT_NAMES``, and the styles, ``[N]`` numbers."""
    given, styles = array("b"), array("i")
    numbers: dict[str, int] = {}
    for entry in ledger.kept_entries():
        given.append(SPLIT_NAMES.index(entry.split))
        styles.append(numbers.setdefault(entry.style, len(numbers)))
    return np.array(given, np.int8), np.array(styles, np.int32)


def variants_of(groups: np.ndarray, styles: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Count those of one group, style and split, for each of them.

    Args:
        groups: ``[N]`` int32.
        styles: ``[N]`` int32.
        splits: ``[N]`` int8.
    """
    keys = (groups.astype(np.int64) * (int(styles.max(initial=0)) + 1) + styles) * len(SPLIT_NAMES) + splits  # [N]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts.astype(np.int32)[inverse]


def samples_of(placed: Placed, finished: Finished, config: FolderConfig) -> Iterator[tuple[Sample, Origin, bytes]]:
    """Make the samples, in the order of their ids, and yield each with its origin and the key of its picture.

    Args:
        placed: What was decided.
        finished: Holds the hashes of the pixels, and the ledger.
        config: The settings.
    """
    pixels, staying, ledger = finished.records()["pixels"], placed.staying, finished.ledger
    for number, position in ledger.kept_by_id():
        if staying[number]:
            entry, sha256 = ledger.entry(position), pixels[placed.records[number]].tobytes().hex()
            sample = sample_of(entry, placed, number, sha256, ledger.group(int(placed.clusters[number])), config)
            yield sample, (entry.source, entry.author, entry.license), ledger.key(position)


def sample_of(entry: Entry, placed: Placed, number: int, pixels: str, cluster: str, config: FolderConfig) -> Sample:
    """Make one sample.

    Args:
        entry: What is known of it.
        placed: What was decided.
        number: Its number among those that are kept.
        pixels: SHA-256 of its pixels.
        cluster: Name of its cluster.
        config: The settings.
    """
    split = SPLIT_NAMES[placed.splits[number]]
    return Sample(
        id=entry.id,
        cluster=cluster,
        group=entry.group or entry.id,
        name=entry.name,
        caption=entry.caption,
        style=entry.style,
        family=entry.author,
        source=source_key(config.name, entry.source, entry.author, entry.license),
        icon=entry.key,
        license=entry.license,
        sha256_pixels=pixels,
        phash=hash_text(int(placed.hashes[number])),
        split=split,
        level="",
        weight=even_share(int(placed.variants[number])) if entry.weight is None else entry.weight,
        file=f"images/{split}/{entry.id}.png",
        alternatives=entry.alternatives,
    )
