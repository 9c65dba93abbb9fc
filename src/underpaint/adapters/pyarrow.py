"""Tables of Apache Arrow, in parquet files and in the files that ``datasets`` saves, by pyarrow, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.adapters.require import require
from underpaint.core.errors import DataError, InputTooLarge

BATCH = 64
"""Rows that are in memory at once."""
MAX_GROUP_BYTES = 4 * 1024**3
"""Most bytes of a row group of a parquet file, unpacked."""


@dataclass(frozen=True, kw_only=True)
class ArrowTable:
    """A table that lies in a file.

    Args:
        binary_columns: Columns of bytes, or of structures with a field ``bytes``.
        plain_columns: The other columns.
        batches: Reads some columns as batches; a batch is a column-to-values mapping.
    """

    binary_columns: list[str]
    plain_columns: list[str]
    batches: Callable[[Sequence[str]], Iterator[dict[str, list[Any]]]]

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the values of some columns row by row."""
        for batch in self.batches(columns):
            for values in zip(*batch.values(), strict=True):
                yield dict(zip(batch, values, strict=True))


def _described(schema: Any, batches: Callable[[Sequence[str]], Iterator[dict[str, list[Any]]]]) -> ArrowTable:
    types = require("pyarrow", extra="folder").types
    held = [
        field.name
        for field in schema
        if types.is_binary(field.type)
        or types.is_large_binary(field.type)
        or (types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    plain = [field.name for field in schema if field.name not in held]
    return ArrowTable(binary_columns=held, plain_columns=plain, batches=batches)


def open_parquet(path: Path) -> ArrowTable:
    """Open a parquet file; it is read by row group, never whole.

    Raises:
        MissingDependency: pyarrow is not installed.
        DataError: It is no parquet file.
        InputTooLarge: A row group unpacks to more than 4 GiB.
    """
    arrow, parquet = require("pyarrow", extra="folder"), require("pyarrow.parquet", extra="folder")

    def batches(columns: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH, columns=list(columns), use_threads=False):
                    yield batch.to_pydict()
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{path} cannot be read as parquet ({error}); write it again") from None

    try:
        with parquet.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
            schema = file.schema_arrow
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no parquet file ({error}); write it again") from None
    if max(sizes, default=0) > MAX_GROUP_BYTES:
        raise InputTooLarge(f"{path} has a row group of {max(sizes):,} bytes; write it with smaller row groups")
    return _described(schema, batches)


def open_stream(path: Path) -> ArrowTable:
    """Open a file in Arrow's stream format, memory-mapped, as ``datasets`` saves tables.

    Raises:
        MissingDependency: pyarrow is not installed.
        DataError: It is no such file.
    """
    arrow = require("pyarrow", extra="folder")

    def batches(columns: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
        try:
            with arrow.memory_map(str(path)) as mapped, arrow.ipc.open_stream(mapped) as reader:
                for batch in reader:
                    for start in range(0, batch.num_rows, BATCH):
                        yield batch.select(list(columns)).slice(start, BATCH).to_pydict()
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{path} cannot be read as an Arrow table ({error}); save the data set again") from None

    try:
        with arrow.memory_map(str(path)) as mapped, arrow.ipc.open_stream(mapped) as reader:
            return _described(reader.schema, batches)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Arrow table ({error}); save the data set again") from None
