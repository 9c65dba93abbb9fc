"""Rows: what every kind of input is read as, and where the bytes of their pictures come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.core.errors import DataError

MAX_PICTURE_BYTES = 256 * 1024**2
MAX_TEXT_BYTES = 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the input.

    Args:
        where: File and row, as messages name it.
        key: What names the picture within the input, for example its path without the suffix.
        place: Where the picture lies, a path or a tuple of numbers; only who wrote it can read it.
        values: Column to value.
        split: The split that the row's folder or file stands for; empty if none.
        problem: Why its picture cannot be found, and ``place`` is None then; or else why its caption cannot be read.
    """

    where: str
    key: str
    place: Any
    values: Mapping[str, Any]
    split: str = ""
    problem: DataError | None = None


Content = bytes | DataError
"""The bytes of a picture file, or why they cannot be had."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An opened input.

    Args:
        kind: What it is, in words.
        rows: Reads all rows in a fixed order, pictures left out; a problem of one row comes in its place.
        contents: Reads the picture files at some places, in the order of the rows.
        lying: Finds all picture files that lie in the input, whether or not a row names them.
    """

    kind: str
    rows: Callable[[], Iterator[Row | tuple[str, DataError]]]
    contents: Callable[[Iterable[Any]], Iterator[Content]]
    lying: Callable[[], Iterator[Path]] = lambda: iter(())


SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test_concept",
    "testing": "test_concept",
    "eval": "test_concept",
    "test_concept": "test_concept",
    "test_style": "test_style",
    "test_composition": "test_composition",
}
"""Names of splits that are understood, and what they are called in a data set."""


def split_of(name: str) -> str:
    """Return the split that a folder's or file's name stands for; empty if it stands for none."""
    return SPLITS.get(name.lower(), "")
