"""From text to rows: a prompt a line, or a table with a header, each row with the number of its line."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from underpaint.core.errors import FieldError
from underpaint.stages.serve.batches.input_file import Mistake
from underpaint.stages.serve.gallery.archive import COLUMNS as ARCHIVED
from underpaint.stages.serve.gallery.archive import FORMULA

MAX_ROWS = 10_000
FIELDS = (
    "prompt", "style", "seed", "n", "model", "steps", "guidance", "temperature", "background", "output_format",
)  # fmt: skip
"""Columns of a table: fields of a request."""
PASSED_OVER = frozenset(ARCHIVED) - frozenset(FIELDS)
"""Columns of the tables that come with archives, which read as lists again."""
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """What one line asks for.

    Args:
        line: Its number, from 1.
        cells: Field to text; empty cells are left out.
    """

    line: int
    cells: dict[str, str]


def read_rows(text: str) -> Iterator[Row | Mistake]:
    """Yield the rows of a list and what is wrong with its form; empty lines are passed over.

    Args:
        text: A prompt a line, or a table whose header names ``prompt``, with commas, semicolons or tabs.

    Raises:
        FieldError: It has more than ``MAX_ROWS`` rows.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    delimiter = delimiter_of(text)
    rows = _plain_rows(text) if delimiter is None else _table_rows(text, delimiter)
    for count, row in enumerate(rows):
        if count == MAX_ROWS:
            raise FieldError(
                f"the list has more than {MAX_ROWS:,} rows; hand it in as several lists",
                param="text",
                code="list_too_large",
            )
        yield row


def delimiter_of(text: str) -> str | None:
    """Return what stands between the columns of a table; None if the text is no table but a prompt a line."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    return next((sign for sign in DELIMITERS if "prompt" in _names(head.split(sign))), None)


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').strip().casefold() for cell in cells]


def _plain_rows(text: str) -> Iterator[Row | Mistake]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Row(number, {"prompt": line.strip()})


def _table_rows(text: str, delimiter: str) -> Iterator[Row | Mistake]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    began = 1
    try:
        for cells in reader:
            line, began = began, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _names(cells)
                yield from _wrong_columns(header, line)
            else:
                yield _row(header, cells, line)
    except csv.Error as error:
        yield _mistake(began, f"this is no table ({error}); put cells with quotes or line breaks into quotes")


def _wrong_columns(header: list[str], line: int) -> Iterator[Mistake]:
    for name in dict.fromkeys(header):
        if header.count(name) > 1 and name:
            yield _mistake(line, f"the column {name!r:.60} stands twice", name)
        elif name and name not in FIELDS and name not in PASSED_OVER:
            close = difflib.get_close_matches(name, FIELDS, n=1)
            instead = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(FIELDS)}"
            yield _mistake(line, f"there is no column {name!r:.60}; {instead}", name)


def _row(header: list[str], cells: list[str], line: int) -> Row | Mistake:
    while len(cells) > len(header) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(header):
        message = f"there are {len(cells)} cells, and the header has {len(header)}; put a cell with commas into quotes"
        return _mistake(line, message)
    named = dict(zip(header, cells, strict=False))
    return Row(line, {name: _text(named[name]) for name in FIELDS if named.get(name, "").strip()})


def _text(cell: str) -> str:
    """Return the text of a cell, without the apostrophe that keeps a spreadsheet from running it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _mistake(line: int, message: str, param: str | None = None) -> Mistake:
    return Mistake(line=line, code="invalid_value", message=message, param=param)
