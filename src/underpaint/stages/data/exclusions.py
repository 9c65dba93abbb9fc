"""Exclusion lists: which pictures to leave out and why, as a file that people can edit.

A list is JSON Lines, one picture a line: ``file``, or ``id`` and ``style``, and a ``reason``; other keys are ignored.
Nothing is deleted anywhere: applying a list makes a new data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from underpaint.core.artifact import storage_errors
from underpaint.core.config import Config, canonical_json, parse_json
from underpaint.core.errors import DataError, InputError, StorageError
from underpaint.core.samples import Sample
from underpaint.stages.data.checking.record import Suspect

MAX_LISTED = 20


class Exclusion(Config):
    """A picture to leave out.

    Args:
        file: Its path inside the data set.
        reasons: Why, one or more.
    """

    file: str
    reasons: tuple[str, ...]


def write_exclusions(path: Path, suspects: Iterable[Suspect]) -> Path:
    """Write an exclusion list, one line a picture and finding.

    Args:
        path: The new file.
        suspects: Pictures that a check found.

    Raises:
        StorageError: The file exists or cannot be written.
    """
    with storage_errors(path):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.writelines(canonical_json(suspect.model_dump()) + "\n" for suspect in suspects)
        except FileExistsError:
            raise StorageError(f"{path} exists already and nothing is overwritten; choose another name") from None
    return path


def parse_row(line: str, where: str) -> dict[str, Any]:
    """Parse a line of a list.

    Raises:
        InputError: It is no JSON object with a ``file``, or an ``id`` and a ``style``.
    """
    try:
        row = parse_json(line)
    except ValueError as error:
        raise InputError(f"{where} is no JSON ({error}); write one object a line, with file and reason") from None
    if not isinstance(row, dict) or not isinstance(row.get("file", row.get("id")), str):
        raise InputError(
            f"{where} is {line[:60]!r}; write an object with 'file', or with 'id' and 'style', and 'reason'"
        )
    return row


def read_rows(path: Path) -> dict[int, dict[str, Any]]:
    """Read an exclusion list.

    Returns:
        Number of a line, from 1, to the object that stands there; empty lines are passed over.

    Raises:
        InputError: It cannot be read, or a line names no picture.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; pass a list such as 'data check --write-exclusions' writes") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read as UTF-8 text ({why}); pass a list of pictures") from None
    return {n: parse_row(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()}


def read_exclusions(path: Path, samples: Sequence[Sample]) -> list[Exclusion]:
    """Read an exclusion list for a data set.

    Args:
        path: The list.
        samples: The samples of the data set.

    Returns:
        Every picture once, in the order of the samples.

    Raises:
        InputError: The list cannot be read, or a line names no picture.
        DataError: A line names a picture that the data set does not hold.
    """
    files = {sample.file for sample in samples}
    by_id = {(sample.id, sample.style): sample.file for sample in samples}
    reasons: dict[str, list[str]] = {}
    unknown = []
    for number, row in read_rows(path).items():
        file = row["file"] if "file" in row else by_id.get((row["id"], str(row.get("style", ""))), "")
        reasons.setdefault(file, []).append(str(row.get("reason") or "no reason given"))
        unknown += [f"line {number}"] if file not in files else []
    if unknown:
        raise DataError(
            f"{path} names {len(unknown)} picture(s) that the data set does not hold: "
            f"{', '.join(unknown[:MAX_LISTED])}; pass the list that was made for this data set"
        )
    return [Exclusion(file=s.file, reasons=tuple(dict.fromkeys(reasons[s.file]))) for s in samples if s.file in reasons]
