"""Opening: what kind of input a path is, by what lies there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from underpaint.core.absent import nearest_name
from underpaint.core.errors import DataError, EmptyCaption, InputError, MissingColumn, MissingFile
from underpaint.stages.data.folder.archive import open_archives
from underpaint.stages.data.folder.held_pictures import DATASET, DATASETS, open_parquet_files, open_saved
from underpaint.stages.data.folder.named_files import contents_of_files, names_pictures, open_tables, split_by_folder
from underpaint.stages.data.folder.paths import check_encoding, find_file, readable_name
from underpaint.stages.data.folder.rows import Row, Source
from underpaint.stages.data.folder.tables import TABLES, caption_lines, read_text

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
OTHER_PICTURES = (".avif", ".heic", ".heif", ".ico", ".jxl", ".svg", ".tif", ".tiff")
"""Endings of pictures that are not read."""
PACKED = (".7z", ".bz2", ".gz", ".rar", ".tgz", ".xz", ".zip", ".zst")
CAPTION = ".txt"
ARCHIVE = ".tar"


def open_input(path: Path, columns: dict[str, str]) -> Source:
    """Open a person's data.

    Args:
        path: A folder, or a table or an archive.
        columns: Role to chosen column.

    Raises:
        InputError: There is nothing, or a file of another kind.
        MissingFile: Nothing in the folder is understood.
        MissingColumn: There are pictures but no words.
        MissingDependency: It needs pyarrow.
    """
    if path.is_dir():
        return open_folder(path, columns)
    if not path.is_file():
        close = nearest_name(path)
        hint = f"did you mean {close}?" if close else "name a folder with pictures, a table, or a tar file"
        raise InputError(f"{path} does not exist; {hint}")
    ending = path.suffix.lower()
    if ending in TABLES:
        return open_tables(path.parent, [path], columns, "a table")
    if ending == ".parquet":
        if names_pictures(path, columns):
            return open_tables(path.parent, [path], columns, "a parquet table")
        return open_parquet_files(path.parent, [path], columns)
    if ending == ARCHIVE:
        return open_archives(path.parent, [path])
    hint = "unpack it first" if ending in PACKED else "name one of these"
    raise InputError(f"{path} is neither a folder nor a {' '.join(TABLES)} .parquet or .tar file; {hint}")


def open_folder(root: Path, columns: dict[str, str]) -> Source:
    """Open a folder: saved by ``datasets``, or with metadata, shards, parquet files, or captions beside the pictures.

    Raises:
        MissingFile: Nothing in it is understood.
        MissingColumn: There are pictures but no words.
    """
    if (root / DATASETS).is_file() or (root / DATASET).is_file():
        return open_saved(root, columns)
    tables = [folder / name for folder, names in walk(root) for name in METADATA if name in names]
    if tables:
        return replace(open_tables(root, one_a_folder(tables), columns, "an image folder"), lying=lambda: lying(root))
    shards = shards_in(root)
    if shards:
        return replace(open_archives(root, shards), lying=lambda: lying(root))
    files = sorted(root.rglob("*.parquet"))
    if files:
        return open_parquet_files(root, files, columns)
    return open_captions(root)


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder and the names of its files, in order; hidden ones and links to folders are left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder), sorted(name for name in names if not name.startswith("."))


def shards_in(root: Path) -> list[Path]:
    """Return the tar files in a folder and below it, in order; none where all lie below and pictures lie about.

    What lies deeper beside loose pictures is not what the folder is made of: a copy of them, for example.
    """
    shards = [folder / name for folder, names in walk(root) for name in names if name.lower().endswith(ARCHIVE)]
    loose = shards and shards[0].parent != root and next(lying(root, PICTURES), None)
    return [] if loose else shards


def lying(root: Path, endings: tuple[str, ...] = PICTURES + OTHER_PICTURES) -> Iterator[Path]:
    """Yield the picture files that lie in a folder or below it, in order."""
    return (folder / name for folder, names in walk(root) for name in names if name.lower().endswith(endings))


def one_a_folder(tables: list[Path]) -> list[Path]:
    """Refuse two tables for one folder.

    Raises:
        DataError: There are.
    """
    folders = [table.parent for table in tables]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        names = ", ".join(table.name for table in tables if table.parent == twice)
        raise DataError(f"{twice} has {names}, but one table must say what holds; keep one of them")
    return tables


def open_captions(root: Path) -> Source:
    """Open a folder with a caption beside each picture: ``cat.png`` and ``cat.txt``.

    Raises:
        MissingFile: There are no pictures.
        MissingColumn: There are pictures, but no words beside them.
    """
    first = next(lying(root, PICTURES), None)
    if first is None:
        others = sorted({path.suffix.lower() for path in lying(root)})
        hint = f"save those that end in {' '.join(others)} as PNG" if others else "name another folder"
        raise MissingFile(f"{root} holds no pictures ({' '.join(PICTURES)}), tables or tar files; {hint}")
    if not any(picture.with_suffix(CAPTION).is_file() for picture in lying(root, PICTURES)):
        count = sum(1 for _ in lying(root, PICTURES))
        raise MissingColumn(
            f"{root} holds {count:,} pictures but no words: add {METADATA[0]} with the columns file_name and "
            f"text, or {first.with_suffix(CAPTION).name} beside {first.name} and so on"
        )

    def rows() -> Iterator[Row | tuple[str, DataError]]:
        return (captioned(root, picture) for picture in lying(root, PICTURES))

    return Source(
        kind="captions beside pictures",
        rows=rows,
        contents=lambda places: contents_of_files(root, places),
        lying=lambda: lying(root),
    )


def captioned(root: Path, picture: Path) -> Row | tuple[str, DataError]:
    """Return the row of a picture with its caption beside it, or what is wrong with it."""
    where = picture.relative_to(root)
    try:
        check_encoding(where)
        find_file(root.resolve(), root, where.as_posix())
    except DataError as error:
        return readable_name(where), error
    values: dict[str, str | list[str]] = {}
    problem = None
    try:
        values = {"text": caption_lines(caption_beside(root, where.with_suffix(CAPTION)))}
    except DataError as error:
        problem = error
    key, split = where.with_suffix("").as_posix(), split_by_folder(root, picture)
    return Row(where=where.as_posix(), key=key, place=picture, values=values, split=split, problem=problem)


def caption_beside(root: Path, where: Path) -> str:
    """Read the text that lies beside a picture.

    Raises:
        EmptyCaption: There is none.
        DataError: It cannot be read.
    """
    try:
        return read_text(find_file(root.resolve(), root, where.as_posix()))
    except MissingFile:
        raise EmptyCaption(
            f"there is no caption: no {where.name} lies beside it; write one, or move the picture"
        ) from None
