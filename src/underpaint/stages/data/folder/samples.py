"""Samples: entries with finished pictures, equal ones left out, in clusters and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import ConflictingCaptions
from underpaint.core.samples import Sample
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entries import Entry
from underpaint.stages.data.folder.finished import Finished
from underpaint.stages.data.folder.places import clusters_of, place_all
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.terms import source_key
from underpaint.stages.data.near_duplicates import names_of_clusters
from underpaint.stages.data.perceptual_hash import hash_text, perceptual_hashes
from underpaint.stages.data.weights import even_weights

BATCH = 1024


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stays, in the order of the input.

    Args:
        entries: ``N`` entries.
        keys: ``[N]`` keys of their finished pictures.
        records: ``[N]`` rows of their records in ``Finished``.
    """

    entries: list[Entry]
    keys: list[bytes]
    records: np.ndarray

    def at(self, index: Sequence[int]) -> Kept:
        """Return what stands at some positions."""
        chosen = list(index)
        return Kept(
            entries=[self.entries[i] for i in chosen],
            keys=[self.keys[i] for i in chosen],
            records=self.records[chosen],
        )


def drop_equal(entries: Sequence[Entry], keys: Sequence[bytes | None], finished: Finished, problems: Problems) -> Kept:
    """Keep one of several rows with the same pixels and caption; refuse one picture under two captions.

    Args:
        entries: All entries.
        keys: Their finished pictures; None where there is none.
        finished: The finished pictures.
        problems: Takes down what is left out.
    """
    pixels = finished.records()["pixels"] if finished.rows else None
    first: dict[bytes, Entry] = {}
    positions: list[int] = []
    for position, (entry, key) in enumerate(zip(entries, keys, strict=True)):
        if key is None or pixels is None:
            continue
        earlier = first.setdefault(pixels[finished.rows[key]].tobytes(), entry)
        if earlier is entry:
            positions.append(position)
        elif earlier.caption == entry.caption:
            problems.leave_out(entry.where, "Duplicate", f"the same picture and caption as {earlier.where}")
        else:
            problems.add(entry.where, two_captions(entry, earlier))
    chosen = [keys[i] for i in positions]
    found = [key for key in chosen if key is not None]
    return Kept(
        entries=[entries[i] for i in positions],
        keys=found,
        records=np.array([finished.rows[key] for key in found], dtype=np.int64),
    )


def two_captions(entry: Entry, earlier: Entry) -> ConflictingCaptions:
    """Say that one picture has two captions."""
    return ConflictingCaptions(
        f"its picture is that of {earlier.where}, but the captions differ ({entry.caption!r:.60}, "
        f"{earlier.caption!r:.60}); keep one, or write both into one row as a list"
    )


def thumbnails_of(kept: Kept, finished: Finished) -> np.ndarray:
    """Return the thumbnails ``[N, 32, 32, 3]`` of what stays, mapped from a file of their own."""
    records = finished.records()
    path = finished.folder / "thumbnails.bin"
    thumbnails = np.memmap(path, np.uint8, mode="w+", shape=(len(kept.records), *records.dtype["thumbnail"].shape))
    for start in range(0, len(kept.records), BATCH):
        chosen = slice(start, start + BATCH)
        thumbnails[chosen] = records["thumbnail"][kept.records[chosen]]
    return thumbnails


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What becomes of the pictures that stay.

    Args:
        kept: The pictures.
        samples: Their samples, in the same order.
    """

    kept: Kept
    samples: list[Sample]


def place(kept: Kept, finished: Finished, config: FolderConfig, problems: Problems) -> Placed:
    """Find out what belongs together, choose splits, and make the samples.

    Args:
        kept: The pictures that stay; at least one.
        finished: Their pixels' hashes and thumbnails.
        config: The settings.
        problems: Takes down pictures that lie in two of the splits that were given.
    """
    thumbnails = thumbnails_of(kept, finished)
    hashes = perceptual_hashes(thumbnails)
    clusters = clusters_of(kept.entries, hashes, thumbnails)
    names = names_of_clusters(clusters, [group_of(entry) for entry in kept.entries])
    splits = place_all(kept.entries, names, problems)
    staying = [i for i, split in enumerate(splits) if split]
    kept = kept.at(staying)
    pixels = finished.records()["pixels"][kept.records]
    made = [
        sample_of(entry, config, pixels[n].tobytes().hex(), hash_text(int(hashes[i])), names[i], splits[i])
        for n, (i, entry) in enumerate(zip(staying, kept.entries, strict=True))
    ]
    return Placed(kept=kept, samples=weighted(made, kept.entries))


def group_of(entry: Entry) -> str:
    """Return the group of an entry: the given one, or the entry alone."""
    return entry.group or entry.id


def sample_of(entry: Entry, config: FolderConfig, pixels: str, phash: str, cluster: str, split: str) -> Sample:
    """Make a sample; its weight follows when all samples are there."""
    return Sample(
        id=entry.id,
        cluster=cluster,
        group=group_of(entry),
        name=entry.name,
        caption=entry.caption,
        style=entry.style,
        family=entry.author,
        source=source_key(config.name, entry.source, entry.author, entry.license),
        icon=entry.key,
        license=entry.license,
        sha256_pixels=pixels,
        phash=phash,
        split=split,
        level="",
        weight=1.0,
        file=f"images/{split}/{entry.id}.png",
    )


def weighted(samples: Sequence[Sample], entries: Sequence[Entry]) -> list[Sample]:
    """Give every sample the weight of its row, or its share among the variants of its group, style and split."""
    even = even_weights([(s.group, s.style, s.split) for s in samples])
    weights = [share if entry.weight is None else entry.weight for share, entry in zip(even, entries, strict=True)]
    return [s if s.weight == w else s.model_copy(update={"weight": w}) for s, w in zip(samples, weights, strict=True)]
