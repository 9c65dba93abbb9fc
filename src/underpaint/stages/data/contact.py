"""The contact sheet: a picture of the data set to look at, drawn from ``samples.jsonl`` by the order of the splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from underpaint.core.concept import concept_of
from underpaint.core.samples import Sample
from underpaint.pipelines.contact_sheet import MAX_CELLS, Cell, contact_sheet
from underpaint.stages.data.composition import order_of

CONTACT_SHEET = "contact_sheet.png"
COLUMNS, CONCEPTS, PER_SPLIT = 8, 12, 8
TEST_SPLITS = ("test_composition", "test_concept", "test_style", "validation")


def choose(samples: Sequence[Sample]) -> list[Sample]:
    """Choose some concepts of training in every style, then some pictures of each other split."""
    by_id: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.split == "train" and not concept_of(sample.id).tones:
            by_id[sample.id].append(sample)
    most = max(map(len, by_id.values()), default=0)
    complete = sorted((id_ for id_ in by_id if len(by_id[id_]) == most), key=order_of)[:CONCEPTS]
    chosen = [sample for id_ in complete for sample in sorted(by_id[id_], key=lambda s: s.style)]
    for split in TEST_SPLITS:
        inside = sorted((s for s in samples if s.split == split), key=lambda s: order_of(f"{s.style} {s.id}"))
        chosen += inside[:PER_SPLIT]
    return chosen


def num_shown(samples: Sequence[Sample]) -> int:
    """Return how many pictures the sheet of a data set shows."""
    return min(len(choose(samples)), MAX_CELLS)


def cell_of(sample: Sample, folder: Path) -> Cell:
    """Read a sample's picture."""
    with Image.open(folder / sample.file) as image:
        image.load()
    return Cell(
        image=image, title=sample.caption, note=" · ".join(filter(None, (sample.style, sample.level or sample.split)))
    )


def write_contact_sheet(samples: Sequence[Sample], folder: Path) -> Path:
    """Write ``contact_sheet.png`` into the data set, the styles of a concept in one row, and return its path."""
    path, num_styles = folder / CONTACT_SHEET, len({sample.style for sample in samples})
    columns = max(1, COLUMNS // num_styles) * num_styles
    contact_sheet([cell_of(sample, folder) for sample in choose(samples)], columns=columns).save(path, format="PNG")
    return path
