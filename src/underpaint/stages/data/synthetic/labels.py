"""What is known of each drawn picture: ``drawn.jsonl``, its settings and the attributes that its caption names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.attributes import labels_of
from underpaint.core.config import canonical_json
from underpaint.core.samples import Sample
from underpaint.pipelines.settings import Settings

DRAWN = "drawn.jsonl"


def write_drawn(samples: Iterable[Sample], settings: Sequence[Settings], folder: Path) -> Path:
    """Write one line a picture: its file, its labels by head, and all that made it; return the path.

    Args:
        samples: All samples.
        settings: What made each, in the same order; ``underpaint generate --like`` draws it again.
        folder: The data set.
    """
    path = folder / DRAWN
    with storage_errors(path), path.open("w", encoding="utf-8") as file:
        for sample, made in zip(samples, settings, strict=True):
            line = {"file": sample.file, "labels": labels_of(sample), "settings": made.model_dump(mode="json")}
            file.write(canonical_json(line) + "\n")
    return path
