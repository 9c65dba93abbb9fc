"""Tables of text: CSV and JSON lines, read line by line, UTF-8 alone."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from underpaint.core.config import parse_json
from underpaint.core.errors import BadEncoding, DataError, InputTooLarge, MissingColumn, MissingFile
from underpaint.stages.data.folder.rows import MAX_TEXT_BYTES

TABLES = (".csv", ".tsv", ".jsonl")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
MARKS = {
    ";": "save it as CSV with commas between them",
    "\t": "save it as CSV with commas between them, or name it .tsv",
}
"""What stands between columns in some tables that are called CSV, and what to do then."""
BOM = b"\xef\xbb\xbf"

Read = tuple[int, dict[str, Any] | DataError]
"""The line of the file that a row ends in, from 1 with the head, and its values or why they cannot be read."""


def decode(raw: bytes, name: str, offset: int) -> str:
    """Decode a piece of a file.

    Args:
        raw: The bytes.
        name: The file; named in the error.
        offset: Where in the file they begin.

    Raises:
        BadEncoding: They are no UTF-8; the message names the byte.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        kind = "it looks like UTF-16" if offset == 0 and raw.startswith(UTF16) else "it is in another encoding"
        raise BadEncoding(
            f"{name} is not UTF-8 at byte {offset + error.start:,} (0x{raw[error.start]:02x}): {kind}; save it as UTF-8"
        ) from None


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a text file; a byte-order mark at its start is skipped.

    Raises:
        BadEncoding: It is not UTF-8.
        InputTooLarge: A line has more than 1 MiB.
        MissingFile: It cannot be read.
    """
    offset = 0
    try:
        with path.open("rb") as file:
            while raw := file.readline(MAX_TEXT_BYTES + 1):
                if len(raw) > MAX_TEXT_BYTES:
                    raise InputTooLarge(f"{path.name} has a line of more than {MAX_TEXT_BYTES:,} bytes; split it")
                skipped = len(BOM) if offset == 0 and raw.startswith(BOM) else 0
                yield decode(raw[skipped:], path.name, offset + skipped)
                offset += len(raw)
    except OSError as error:
        raise MissingFile(f"{path} cannot be read ({error.strerror}); check its name") from None


def read_text(path: Path) -> str:
    """Return a short text file.

    Raises:
        BadEncoding: It is not UTF-8.
        InputTooLarge: It has more than 1 MiB.
        MissingFile: It cannot be read.
    """
    lines: list[str] = []
    num_bytes = 0
    for line in lines_of(path):
        num_bytes += len(line.encode())
        if num_bytes > MAX_TEXT_BYTES:
            raise InputTooLarge(f"{path.name} has more than {MAX_TEXT_BYTES:,} bytes; shorten it")
        lines.append(line)
    return "".join(lines)


def caption_lines(text: str) -> str | list[str]:
    """Return the captions that a text file holds: one a line, or the text itself if no line but one has words."""
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    return lines if len(lines) > 1 else text


def read_csv(path: Path) -> Iterator[Read]:
    """Yield the rows of a table whose first line names the columns; a ``.tsv`` has tabs between them.

    Raises:
        MissingColumn: It has no head, a head with a name twice, or something else than commas between the names.
        DataError: It has broken quotes.
    """
    reader = csv.reader(lines_of(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if len(head) == 1 and (mark := next((mark for mark in MARKS if mark in head[0]), None)):
            raise MissingColumn(f"{path.name} has {mark!r} between its columns ({head[0]!r:.100}); {MARKS[mark]}")
        if not any(head):
            raise MissingColumn(
                f"{path.name} is empty or has an empty first line; name the columns there, such as file_name,text, and "
                "give every picture a row"
            )
        if len(set(head)) < len(head):
            raise MissingColumn(f"{path.name} must name every column once in its first line, got {head!r:.200}")
        for fields in filter(None, reader):
            number = reader.line_num
            if len(fields) != len(head):
                yield number, DataError(f'it has {len(fields)} fields, the head has {len(head)}; quote commas with "')
            else:
                yield number, dict(zip(head, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num} is no CSV ({error}); mend its quotes") from None


def read_jsonl(path: Path) -> Iterator[Read]:
    """Yield the objects of a file with one JSON object a line; empty lines are skipped."""
    for number, line in enumerate(lines_of(path), 1):
        if line.strip():
            yield number, parse_object(line)


def parse_object(text: str) -> dict[str, Any] | DataError:
    """Return a JSON object, or why the text is none."""
    try:
        values = parse_json(text)
    except ValueError as error:
        return DataError(f"it is no JSON ({error}); mend it")
    return values if isinstance(values, dict) else DataError('it is no JSON object; write {"file_name": ..., ...}')


def read_table(path: Path) -> Iterator[Read]:
    """Yield the rows of a CSV or JSON lines file."""
    return read_jsonl(path) if path.suffix.lower() == ".jsonl" else read_csv(path)
