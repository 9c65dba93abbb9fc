"""From text to rows: a prompt a line, a table with a header or an object of JSON a line, as files of prompts are.

Each row has the number of its line.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from underpaint.core.config import parse_json
from underpaint.core.errors import FieldError, InputError
from underpaint.pipelines.prompts import PASSED_OVER as COMMAND_PASSES_OVER
from underpaint.pipelines.prompts import SEPARATORS, prompt_of, style_of
from underpaint.stages.serve.batches.input_file import Mistake
from underpaint.stages.serve.gallery.archive import COLUMNS as ARCHIVED
from underpaint.stages.serve.gallery.archive import FORMULA

MAX_ROWS = 10_000
FIELDS = (
    "prompt", "style", "seed", "n", "model", "steps", "guidance", "temperature", "background", "output_format",
)  # fmt: skip
"""Columns of a table: fields of a request."""
PASSED_OVER = (frozenset(ARCHIVED) | COMMAND_PASSES_OVER) - frozenset(FIELDS)
"""Columns of the tables that come with archives and with evaluations, which read as lists again."""
MEANT = ("text", "caption", "words", "description", "prompts")
"""What the column of the prompts is called by mistake."""
DELIMITERS = ",;\t"
WHOLE = ("seed", "n", "steps")
"""Columns of whole numbers; JSON may write them with a zero behind the point."""


def _named(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} must be text, got {value!r:.40}")
    return value


TEXTS = {
    "prompt": prompt_of, "style": style_of, "model": _named, "background": _named, "output_format": _named,
}  # fmt: skip
"""Columns of text, and what reads them from JSON."""


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
        text: A prompt a line, a table whose header names ``prompt``, with commas, semicolons or tabs, or an object of
            JSON a line; a first line that begins with ``{`` is JSON.

    Raises:
        FieldError: It has more than ``MAX_ROWS`` rows.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for count, row in enumerate(_rows(text)):
        if count == MAX_ROWS:
            raise FieldError(
                f"the list has more than {MAX_ROWS:,} rows; hand it in as several lists",
                param="text",
                code="list_too_large",
            )
        yield row


def _rows(text: str) -> Iterator[Row | Mistake]:
    if _head(text).lstrip().startswith("{"):
        return _json_rows(text)
    delimiter = delimiter_of(text)
    return _plain_rows(text) if delimiter is None else _table_rows(text, delimiter)


def delimiter_of(text: str) -> str | None:
    """Return what stands between the columns of a table; None if the text is no table.

    A first line of two or more names is a header as well if each of them could be a column's and none is ``prompt``.
    """
    head = _head(text)
    named = {sign: _names(head.split(sign)) for sign in DELIMITERS}
    known = {*FIELDS, *PASSED_OVER, *MEANT}
    found = next((sign for sign, names in named.items() if "prompt" in names), None)
    return found or next((sign for sign, names in named.items() if len(names) > 1 and known.issuperset(names)), None)


def _head(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').strip().casefold() for cell in cells]


def _plain_rows(text: str) -> Iterator[Row | Mistake]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Row(number, {"prompt": line.strip()})


def _json_rows(text: str) -> Iterator[Row | Mistake]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = parse_json(line)
        except ValueError as error:
            yield _mistake(number, f"this is no JSON ({error})")
            continue
        if not isinstance(values, dict):
            yield _mistake(number, 'this is no object; write {"prompt": "a cat"}, for example')
        elif wrong := [*_wrong_columns([*map(str, values)], number, "field")]:
            yield from wrong
        else:
            yield _json_row(values, number)


def _json_row(values: dict[str, Any], number: int) -> Row | Mistake:
    cells: dict[str, str] = {}
    for name in FIELDS:
        if values.get(name) is not None:
            try:
                cells[name] = _json_cell(values[name], name)
            except InputError as error:
                return _mistake(number, str(error), name)
    return Row(number, cells)


def _json_cell(value: Any, name: str) -> str:
    """Return a value of JSON as the cell of a table that means the same.

    Raises:
        InputError: It is no text where there must be one, or neither text nor a number.
    """
    if name in TEXTS:
        return TEXTS[name](value, name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{name} must be text or a number, got {value!r:.40}")
    if isinstance(value, float) and value.is_integer() and name in WHOLE:
        value = int(value)
    return str(value)


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
                yield _row(header, cells, line, SEPARATORS[delimiter])
    except csv.Error as error:
        yield _mistake(began, f"this is no table ({error}); put cells with quotes or line breaks into quotes")


def _wrong_columns(header: list[str], line: int, called: str = "column") -> Iterator[Mistake]:
    if "prompt" not in header:
        meant = next((name for name in header if name in MEANT), None)
        renamed = f"the {called} that holds the words" if meant is None else f"{meant!r}"
        words = f"rename {renamed} to 'prompt'"
        yield _mistake(line, f"there is no {called} 'prompt'; {words}", meant or "prompt")
    for name in dict.fromkeys(header):
        if header.count(name) > 1 and name:
            yield _mistake(line, f"the {called} {name!r:.60} stands twice", name)
        elif name and name not in FIELDS and name not in PASSED_OVER and not ("prompt" not in header and name in MEANT):
            close = difflib.get_close_matches(name, FIELDS, n=1)
            instead = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(FIELDS)}"
            yield _mistake(line, f"there is no {called} {name!r:.60}; {instead}", name)


def _row(header: list[str], cells: list[str], line: int, separator: str) -> Row | Mistake:
    while len(cells) > len(header) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(header):
        message = f"there are {len(cells)} cells, and the header has {len(header)}; quote cells that hold {separator}"
        return _mistake(line, message)
    named = dict(zip(header, cells, strict=False))
    return Row(line, {name: _text(named[name]) for name in FIELDS if named.get(name, "").strip()})


def _text(cell: str) -> str:
    """Return the text of a cell, without the apostrophe that keeps a spreadsheet from running it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _mistake(line: int, message: str, param: str | None = None) -> Mistake:
    return Mistake(line=line, code="invalid_value", message=message, param=param)
