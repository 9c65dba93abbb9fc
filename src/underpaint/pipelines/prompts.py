"""Files of prompts: plain text with one prompt a line, CSV with a header, or one JSON object a line.

The cells of a CSV are separated by commas, semicolons or tabs, as its header is. CSV and JSON lines know the columns
``prompt``, ``style``, ``seed`` and ``n``; only ``prompt`` is needed. Every mistake is reported with its file and row,
all of them at once, before anything is drawn.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from underpaint.core.config import Config, parse_json
from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes
from underpaint.pipelines.limits import MAX_N, SEED_MAX, whole_within

FILE_CAP = 32 * 2**20
"""Largest file, in bytes."""
ROW_CAP = 100_000
"""Most rows of one file."""


class PromptRow(Config):
    """One wish: what to draw, and how often.

    Args:
        prompt: What the user wrote.
        style: A style of the model; None for the command's own.
        seed: Seed of the first picture; None for the command's own.
        n: Number of pictures; None for the command's own.
        source: File and row, for messages; empty on the command line.
    """

    prompt: str
    style: str | None = None
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    n: int | None = Field(default=None, ge=1, le=MAX_N)
    source: str = ""

    @classmethod
    def parse(cls, values: dict[str, Any], *, source: str) -> Self:
        """Read a row that came from outside; see ``read_row``.

        Raises:
            InputError: A value cannot be used; the message lists all of them.
        """
        found = Mistakes()
        row = read_row(values, source, found)
        found.tell()
        return super().parse({**values, **({} if row is None else row.model_dump(exclude={"source"}))}, source=source)


def read_row(values: Mapping[str, Any], source: str, found: Mistakes) -> PromptRow | None:
    """Read a row as far as it can be used: wrong values are missing in it, so that the others can be looked at.

    Args:
        values: Column to value.
        source: File and row.
        found: Takes down what is wrong.

    Returns:
        The row; None without a prompt.
    """
    read: dict[str, Any] = {"prompt": prompt_of, "style": style_of, "seed": whole_within, "n": whole_within}
    kept = {
        name: found.take(read[name], values[name], name, otherwise=None, source=source)
        for name in COLUMNS
        if values.get(name) is not None
    }
    if values.get("prompt") is None:
        found.add(InputError("there is no prompt; write what to draw"), source)
    return None if kept.get("prompt") is None else PromptRow(**kept, source=source)


def prompt_of(value: Any, _name: str) -> str:
    """Return a prompt as it stands in a file.

    Raises:
        InputError: It is no text, or holds no words.
    """
    if not isinstance(value, str):
        raise InputError(f"prompt must be text, got {value!r:.40}")
    if not value.strip():
        raise InputError("the prompt is empty; write what to draw")
    return value


def style_of(value: Any, name: str) -> str:
    """Return a style as it stands in a file.

    Raises:
        InputError: It is no text.
    """
    if not isinstance(value, str):
        raise InputError(f"{name} must be the name of a style, got {value!r:.40}")
    return value


SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
"""What may stand between the cells of a table, in words; spreadsheets of many countries write semicolons."""
COLUMNS = ("prompt", "style", "seed", "n")
PASSED_OVER = frozenset({"file_name", "prompt_id"})
"""Keys of the prompts that ``underpaint evaluate --write-prompts`` writes; a drawn PNG says its prompt itself."""
Row = tuple[int, dict[str, Any] | InputError]


def _decode(path: Path) -> str:
    """Read a file of text, with the errors that such files usually have named."""
    try:
        if path.stat().st_size > FILE_CAP:
            raise InputError(f"{path} has more than {FILE_CAP:,} bytes; split it into several files")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise InputError(
            f"{path}, row {line}: there is a NUL byte; save the file as UTF-8 text, not as UTF-16 or binary"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, row {line}: this is not UTF-8 text; save the file as UTF-8") from None


def _text_rows(text: str, _source: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, {"prompt": line.strip()}


def _separator_of(text: str) -> str:
    """Return what stands between the cells of a table: the first sign that sets ``prompt`` apart in its first row."""
    head = text.partition("\n")[0]
    return next((sign for sign in SEPARATORS if "prompt" in _columns(head.split(sign))), ",")


def _columns(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').strip().casefold() for cell in cells]


def _csv_rows(text: str, source: str) -> Iterator[Row]:
    separator = _separator_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = _columns(next(reader, []))
        if "prompt" not in header or set(header) - set(COLUMNS) or len(set(header)) != len(header):
            raise InputError(
                f"{source}, row 1: the first row must name the columns: prompt and, if wanted, style, seed, n, with "
                f"commas, semicolons or tabs between them; got {', '.join(header)!r:.100}"
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                counted = f"has {len(cells)} cells, the header has {len(header)}"
                yield reader.line_num, InputError(f"{counted}; quote cells that hold {SEPARATORS[separator]}")
                continue
            yield reader.line_num, {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    except csv.Error as error:
        raise InputError(f"{source}, row {reader.line_num}: this is no CSV ({error}); check the quotes") from None


def _json_rows(text: str, _source: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = parse_json(line)
        except ValueError as error:
            yield number, InputError(f"this is no JSON ({error})")
            continue
        unknown = set(values) - set(COLUMNS) - PASSED_OVER if isinstance(values, dict) else set()
        if not isinstance(values, dict) or unknown:
            what = f"unknown keys {', '.join(sorted(unknown))!r:.80}" if unknown else "no JSON object"
            yield number, InputError(f"{what}; allowed are {', '.join(COLUMNS)}")
        else:
            yield number, {key: value for key, value in values.items() if key not in PASSED_OVER}


FORMATS: dict[str, Callable[[str, str], Iterator[Row]]] = {
    ".txt": _text_rows,
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
}


def row_of(error: InputError, path: Path) -> int | None:
    """Return the row of a file that a mistake is in, as its source says it; None if it is no mistake of a row.

    Args:
        error: The mistake.
        path: The file.
    """
    found = re.match(rf"{re.escape(str(path))}, row ([0-9]+): ", str(error))
    return None if found is None else int(found[1])


def read_prompts(path: Path) -> list[PromptRow]:
    """Read a file of prompts.

    Args:
        path: A ``.txt``, ``.csv`` or ``.jsonl`` file in UTF-8; empty lines are skipped.

    Raises:
        InputError: The file cannot be read, has another format, is empty, or holds mistakes; each is named with its
            row.
    """
    found = Mistakes()
    rows = found.take(read_usable, path, found, otherwise=[])
    found.tell()
    return rows


def read_usable(path: Path, found: Mistakes) -> list[PromptRow]:
    """Read a file of prompts as far as it can be used, so that other mistakes can be told with those of the file.

    Args:
        path: As in ``read_prompts``.
        found: Takes down what is wrong with rows; a row with a wrong value lacks that value.

    Raises:
        InputError: The file as a whole cannot be read.
    """
    read = FORMATS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: a file of prompts ends in {', '.join(FORMATS)}; got {path.suffix!r:.20}")
    rows: list[PromptRow] = []
    for count, (number, values) in enumerate(read(_decode(path), str(path)), start=1):
        source = f"{path}, row {number}"
        if count > ROW_CAP:
            raise InputError(f"{path} has more than {ROW_CAP:,} prompts; split it into several files")
        if isinstance(values, InputError):
            found.add(values, source)
        elif (row := read_row(values, source, found)) is not None:
            rows.append(row)
    if not rows and not found:
        raise InputError(f"{path} holds no prompts; write one a line")
    return rows
