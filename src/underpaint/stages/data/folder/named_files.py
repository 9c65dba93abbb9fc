"""Pictures that tables name: CSV, JSON lines or parquet beside the files, one table or one for each subfolder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from underpaint.adapters.pyarrow import ArrowTable, open_parquet
from underpaint.core.errors import DataError, MissingColumn
from underpaint.stages.data.folder.columns import column_for, picture_columns
from underpaint.stages.data.folder.paths import content_of, find_file
from underpaint.stages.data.folder.rows import Content, Row, Source, split_of
from underpaint.stages.data.folder.tables import Read, read_table


def rows_of_table(path: Path) -> Iterator[Read]:
    """Yield the rows of a table of any kind."""
    if path.suffix.lower() != ".parquet":
        yield from read_table(path)
        return
    table: ArrowTable = open_parquet(path)
    yield from enumerate(table.rows(table.plain_columns), 1)


def split_by_folder(root: Path, file: Path) -> str:
    """Return the split that the first folder below the root stands for."""
    parts = file.relative_to(root).parts
    return split_of(parts[0]) if len(parts) > 1 else ""


def named_rows(
    root: Path, table: Path, columns: dict[str, str], reads: Iterator[Read]
) -> Iterator[Row | tuple[str, DataError]]:
    """Turn the rows of a table into rows with the files that they name.

    Args:
        root: The folder that no path may leave.
        table: The table; paths are relative to its folder.
        columns: Role to chosen column.
        reads: The rows of the table.

    Raises:
        MissingColumn: The first row that can be made out has no column that names a file.
    """
    name, resolved, is_checked = table.relative_to(root).as_posix(), root.resolve(), False
    for number, values in reads:
        where = f"{name}, row {number}"
        if isinstance(values, DataError):
            yield where, values
            continue
        column = column_for("picture", values, columns, "" if is_checked else name)
        is_checked = True
        if column is None:
            yield where, MissingColumn(f"it names no file (columns: {', '.join(values)})")
            continue
        try:
            file = find_file(resolved, table.parent, str(values[column] or ""))
        except DataError as error:
            yield Row(where=where, key=where, place=None, values=values, problem=error)
            continue
        key = file.relative_to(root).with_suffix("").as_posix()
        yield Row(where=where, key=key, place=file, values=values, split=split_by_folder(root, file))


def contents_of_files(root: Path, places: Iterable[Any]) -> Iterator[Content]:
    """Read picture files one after the other."""
    resolved = root.resolve()
    return (content_of(resolved, path) for path in places)


def open_tables(root: Path, tables: Sequence[Path], columns: dict[str, str], kind: str) -> Source:
    """Open tables that name picture files.

    Args:
        root: The folder that no path may leave.
        tables: The tables, inside it.
        columns: Role to chosen column.
        kind: What the whole is, in words.
    """

    def rows() -> Iterator[Row | tuple[str, DataError]]:
        for table in tables:
            yield from named_rows(root, table, columns, rows_of_table(table))

    return Source(kind=kind, rows=rows, contents=lambda places: contents_of_files(root, places))


def names_pictures(path: Path, columns: dict[str, str]) -> bool:
    """Tell whether a parquet file names its pictures instead of holding them."""
    return not picture_columns(open_parquet(path), columns)
