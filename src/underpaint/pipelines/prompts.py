"""Files of prompts: plain text with one prompt a line, CSV with a header, or one JSON object a line.

CSV and JSON lines know the columns ``prompt``, ``style``, ``seed`` and ``n``; only ``prompt`` is needed. Every mistake
is reported with its file and row, all of them at once, before anything is drawn.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from underpaint.core.config import Config, parse_json
from underpaint.core.errors import InputError
from underpaint.pipelines.settings import SEED_MAX

FILE_CAP = 32 * 2**20
"""Largest file, in bytes."""
ROW_CAP = 100_000
"""Most rows of one file."""
MAX_N = 1000
"""Most pictures of one prompt."""
SHOWN_MISTAKES = 10


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

    @field_validator("prompt")
    @classmethod
    def _not_blank(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("the prompt is empty")
        return prompt


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


def _csv_rows(text: str, source: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        if "prompt" not in header or set(header) - set(COLUMNS) or len(set(header)) != len(header):
            raise InputError(
                f"{source}, row 1: the first row must name the columns: prompt and, if wanted, style, seed, n; "
                f"got {', '.join(header)!r:.100}"
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield reader.line_num, InputError(f"has {len(cells)} cells, the header has {len(header)}; quote commas")
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


def raise_mistakes(mistakes: list[str]) -> None:
    """Raise one error that lists the first mistakes of many; nothing if there are none.

    Raises:
        InputError: There is a mistake.
    """
    if mistakes:
        shown = mistakes[:SHOWN_MISTAKES]
        more = [f"and {len(mistakes) - len(shown)} more"] if len(mistakes) > len(shown) else []
        raise InputError("\n".join([*shown, *more]))


def read_prompts(path: Path) -> list[PromptRow]:
    """Read a file of prompts.

    Args:
        path: A ``.txt``, ``.csv`` or ``.jsonl`` file in UTF-8; empty lines are skipped.

    Raises:
        InputError: The file cannot be read, has another format, is empty, or holds mistakes; each is named with its
            row.
    """
    read = FORMATS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: a file of prompts ends in {', '.join(FORMATS)}; got {path.suffix!r:.20}")
    rows: list[PromptRow] = []
    mistakes: list[str] = []
    for number, values in read(_decode(path), str(path)):
        source = f"{path}, row {number}"
        if len(rows) + len(mistakes) >= ROW_CAP:
            raise InputError(f"{path} has more than {ROW_CAP:,} prompts; split it into several files")
        try:
            if isinstance(values, InputError):
                raise InputError(f"{source}: {values}")
            rows.append(PromptRow.parse({**values, "source": source}, source=source))
        except InputError as error:
            mistakes.append(str(error))
    raise_mistakes(mistakes)
    if not rows:
        raise InputError(f"{path} holds no prompts; write one a line")
    return rows
