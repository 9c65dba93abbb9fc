"""Pictures that tables hold: parquet files with an image column, and folders that ``datasets`` saved to disk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from underpaint.adapters.pyarrow import ArrowTable, open_parquet, open_stream
from underpaint.core.config import parse_json
from underpaint.core.errors import DataError, MissingFile
from underpaint.stages.data.folder.columns import missing_column, picture_columns
from underpaint.stages.data.folder.named_files import split_by_folder
from underpaint.stages.data.folder.paths import check_name, content_of, find_file, read_at_most
from underpaint.stages.data.folder.rows import Content, Row, Source, split_of
from underpaint.stages.data.folder.tables import read_text

DATASET, DATASETS = "state.json", "dataset_dict.json"


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A file with a table.

    Args:
        path: The file.
        split: The split that it belongs to; empty if unknown.
        open: Opens it.
    """

    path: Path
    split: str
    open: Callable[[Path], ArrowTable]


class Place(NamedTuple):
    """Where a picture lies: the number of the shard, of the row in it (from 0)."""

    shard: int
    row: int


def open_shards(root: Path, shards: Sequence[Shard], columns: dict[str, str], kind: str) -> Source:
    """Open tables that hold pictures.

    Args:
        root: The folder that no path may leave.
        shards: The files.
        columns: Role to chosen column.
        kind: What the whole is, in words.
    """

    def rows() -> Iterator[Row]:
        for number, shard in enumerate(shards):
            yield from held_rows(root, number, shard)

    def contents(places: Iterable[tuple[int, int]]) -> Iterator[Content]:
        for number, group in itertools.groupby(itertools.starmap(Place, places), key=lambda place: place.shard):
            yield from held_contents(root, shards[number], columns, (place.row for place in group))

    return Source(kind=kind, rows=rows, contents=contents)


def held_rows(root: Path, number: int, shard: Shard) -> Iterator[Row]:
    """Yield the rows of a shard without their pictures."""
    table, name = shard.open(shard.path), shard.path.relative_to(root).as_posix()
    stem = shard.path.relative_to(root).with_suffix("").as_posix()
    read = table.plain_columns or table.binary_columns[:1]
    for row, values in enumerate(table.rows(read)):
        plain = {column: values[column] for column in table.plain_columns}
        place = Place(number, row)
        yield Row(where=f"{name}, row {row + 1}", key=f"{stem}/{row:07d}", place=place, values=plain, split=shard.split)


def held_contents(root: Path, shard: Shard, columns: dict[str, str], wanted: Iterable[int]) -> Iterator[Content]:
    """Yield the picture files of some rows of a shard, in order.

    Raises:
        MissingColumn: No column holds pictures.
    """
    table = shard.open(shard.path)
    held = picture_columns(table, columns)
    if not held:
        raise missing_column("picture", table.plain_columns, columns, shard.path.name)
    waiting = iter(wanted)
    row = next(waiting, None)
    for number, values in enumerate(table.rows(held[:1])):
        if number == row:
            yield held_content(root, shard.path.parent, values[held[0]])
            row = next(waiting, None)


def held_content(root: Path, base: Path, value: Any) -> Content:
    """Return the picture file that a cell holds or names."""
    try:
        if isinstance(value, bytes):
            return read_at_most(value)
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            return read_at_most(value["bytes"])
        if isinstance(value, dict) and value.get("path"):
            return content_of(root.resolve(), find_file(root.resolve(), base, str(value["path"])))
    except DataError as error:
        return error
    return MissingFile("the cell holds no picture; fill it, or drop the row")


def open_parquet_files(root: Path, files: Sequence[Path], columns: dict[str, str]) -> Source:
    """Open parquet files with an image column; ``train-00000-of-00002.parquet`` belongs to the split ``train``.

    So does every file in a folder ``train`` below the root whose own name is that of no split.
    """
    splits = [split_of(file.name.split("-")[0]) or split_by_folder(root, file) for file in files]
    shards = [Shard(path=file, split=split, open=open_parquet) for file, split in zip(files, splits, strict=True)]
    return open_shards(root, shards, columns, "parquet")


def open_saved(root: Path, columns: dict[str, str]) -> Source:
    """Open a folder that ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote."""
    folders = {"": root}
    if (root / DATASETS).is_file():
        folders = {split: root / check_name(split) for split in names_in(root / DATASETS, "splits")}
    shards = [
        Shard(path=folder / check_name(name), split=split_of(split), open=open_stream)
        for split, folder in folders.items()
        for name in names_in(folder / DATASET, "_data_files", "filename")
    ]
    return open_shards(root, shards, columns, "a saved data set of the library datasets")


def names_in(path: Path, field: str, inner: str | None = None) -> list[str]:
    """Return the names that a file of a saved data set lists.

    Raises:
        DataError: It does not.
    """
    try:
        listed = parse_json(read_text(path))[field]
        return [str(entry if inner is None else entry[inner]) for entry in listed]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of a saved data set ({error}); save the data set again") from None
