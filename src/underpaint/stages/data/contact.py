"""The contact sheet: a picture of the data set to look at, drawn from ``samples.jsonl`` by the order of the splits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from underpaint.core.concept import concept_of
from underpaint.core.samples import Sample
from underpaint.pipelines.contact_sheet import MAX_CELLS, Cell, contact_sheet
from underpaint.stages.data.composition import order_of
from underpaint.stages.data.text_hashes import among, text_hash

CONTACT_SHEET = "contact_sheet.png"
COLUMNS, CONCEPTS, PER_SPLIT = 8, 12, 8
LOT = 64
"""Samples of a split that are kept before the first ones are chosen among them."""
TRAIN = "train"
TEST_SPLITS = ("test_composition", "test_concept", "test_style", "validation")


def complete_ids(samples: Iterable[Sample]) -> tuple[int, np.ndarray]:
    """Return in how many styles the concepts of training are drawn at most, and the sorted hashes of those that are."""
    ids = (text_hash(sample.id) for sample in samples if is_plain(sample))
    values, counts = np.unique(np.fromiter(ids, np.uint64), return_counts=True)
    most = int(counts.max(initial=0))
    return most, values[counts == most]


def is_plain(sample: Sample) -> bool:
    """Tell whether a sample belongs to training and has no skin tone."""
    return sample.split == TRAIN and not concept_of(sample.id).tones


def place_of(sample: Sample) -> str:
    """Return the key by which samples of a split are ordered: those of training by their concept."""
    return order_of(sample.id if sample.split == TRAIN else f"{sample.style} {sample.id}")


def choose(samples: Collection[Sample]) -> list[Sample]:
    """Choose some concepts of training in every style, then some pictures of each other split.

    The samples are gone through twice, and few are kept at a time.
    """
    most, complete = complete_ids(samples)
    limits = {TRAIN: CONCEPTS * most, **dict.fromkeys(TEST_SPLITS, PER_SPLIT)}
    first: dict[str, list[Sample]] = {split: [] for split in limits}
    for sample in samples:
        split = sample.split
        if split in TEST_SPLITS or (is_plain(sample) and among(complete, text_hash(sample.id))):
            first[split].append(sample)
            if len(first[split]) > limits[split] + LOT:
                first[split] = heapq.nsmallest(limits[split], first[split], key=place_of)
    chosen = {split: heapq.nsmallest(limits[split], found, key=place_of) for split, found in first.items()}
    train = sorted(chosen.pop(TRAIN), key=lambda sample: (place_of(sample), sample.style))
    return [*train, *itertools.chain.from_iterable(chosen.values())]


def num_cells(chosen: Sequence[Sample]) -> int:
    """Return how many of the chosen pictures a sheet shows."""
    return min(len(chosen), MAX_CELLS)


def num_shown(samples: Collection[Sample]) -> int:
    """Return how many pictures the sheet of a data set shows."""
    return num_cells(choose(samples))


def cell_of(sample: Sample, folder: Path) -> Cell:
    """Read a sample's picture."""
    with Image.open(folder / sample.file) as image:
        image.load()
    return Cell(
        image=image, title=sample.caption, note=" · ".join(filter(None, (sample.style, sample.level or sample.split)))
    )


def draw_contact_sheet(chosen: Sequence[Sample], num_styles: int, folder: Path) -> Path:
    """Write ``contact_sheet.png`` into the data set, the styles of a concept in one row, and return its path.

    Args:
        chosen: What is shown.
        num_styles: Styles of the data set.
        folder: The data set.
    """
    path = folder / CONTACT_SHEET
    columns = max(1, COLUMNS // num_styles) * num_styles
    contact_sheet([cell_of(sample, folder) for sample in chosen], columns=columns).save(path, format="PNG")
    return path


def write_contact_sheet(samples: Collection[Sample], folder: Path) -> Path:
    """Choose pictures of a data set and write its ``contact_sheet.png``; see ``draw_contact_sheet``."""
    return draw_contact_sheet(choose(samples), len({sample.style for sample in samples}), folder)
