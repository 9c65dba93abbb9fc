"""The revision of a card: the same data set with other samples keeps every word but its counts and hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.stages.data.card import CARD
from underpaint.stages.data.facts import count_samples

MISSING = "rai:dataCollectionMissingData"


def read_card(folder: Path) -> dict[str, Any]:
    """Read a data set's card.

    Raises:
        DataError: It is no JSON object.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None
    if not isinstance(card, dict):
        raise DataError(f"{path} is no JSON object; build the data set again")
    return card


def recounted(text: str, before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Replace the numbers of samples and of captions in a sentence; each number once, whole numbers only."""
    for name in ("samples", "captions"):
        text = re.sub(rf"(?<![\d.,]){before[name]}(?![\d.,]?\d)", str(after[name]), text, count=1)
    return text


def revised_files(entries: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Give every file object the size and the hash of the file that now lies there."""
    return [
        {
            **entry,
            "contentSize": f"{(folder / entry['contentUrl']).stat().st_size} B",
            "sha256": hash_file(folder / entry["contentUrl"]),
        }
        if entry.get("@type") == "cr:FileObject"
        else entry
        for entry in entries
    ]


def revised_sets(
    entries: Sequence[dict[str, Any]], samples: Sequence[Sample], counts: tuple[dict[str, int], dict[str, int]]
) -> list[dict[str, Any]]:
    """Keep the splits that still have pictures, and state the new number of records."""
    splits, found = {sample.split for sample in samples}, []
    for entry in entries:
        changed = dict(entry)
        if entry.get("@id") == "splits":
            changed["data"] = [row for row in entry["data"] if row.get("splits/name") in splits]
        if "description" in entry:
            changed["description"] = recounted(entry["description"], *counts)
        found.append(changed)
    return found


def revise_card(
    card: Mapping[str, Any], before: Sequence[Sample], after: Sequence[Sample], folder: Path, remark: str
) -> Path:
    """Write a card for fewer samples.

    Args:
        card: The card of the data set they were taken from.
        before: All its samples.
        after: The samples that are left.
        folder: The new data set; its other files are written.
        remark: What was left out, and why; added to what the card says about missing data.
    """
    counts = count_samples(before), count_samples(after)
    missing = card.get(MISSING, "")
    revised = {
        **card,
        "description": recounted(str(card["description"]), *counts),
        "variableMeasured": [
            {"@type": "sc:PropertyValue", "propertyID": name, "value": count} for name, count in counts[1].items()
        ],
        "distribution": revised_files(card["distribution"], folder),
        "recordSet": revised_sets(card["recordSet"], after, counts),
        MISSING: [*missing, remark] if isinstance(missing, list) else f"{missing} {remark}".strip(),
    }
    path = folder / CARD
    with storage_errors(path):
        path.write_text(json.dumps(revised, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
