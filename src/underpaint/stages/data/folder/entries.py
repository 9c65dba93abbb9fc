"""Entries: what is known of each picture before it is decoded, taken from the columns of its row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from underpaint.core.errors import DataError, DuplicateFile, DuplicateId, MissingColumn
from underpaint.core.progress import Progress, Report
from underpaint.stages.data.folder.columns import column_for, find_column, missing_column
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.fields import (
    author_in,
    canonical,
    caption_in,
    license_in,
    split_in,
    text_in,
    weight_in,
)
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import Row, Source

T = TypeVar("T")
REPORT_EVERY = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A picture that may become a sample.

    Args:
        where: File and row, as messages name it.
        key: What names the picture within the input.
        place: Where the picture lies; only the source can read it.
        id: Id of the sample.
        name: The caption as the row gives it.
        caption: Its canonical form.
        split: The split that was given; empty if none.
        license: SPDX expression.
        author: Whom to name; may be empty.
        source: Where the picture comes from; may be empty.
        group: What belongs together; empty if nothing was said.
        style: The style; may be empty.
        weight: How often it is to be drawn, relative to others; None if nothing was said.
        sound: Whether nothing was wrong with the row.
    """

    where: str
    key: str
    place: Any
    id: str
    name: str
    caption: str
    split: str
    license: str
    author: str
    source: str
    group: str
    style: str
    weight: float | None
    sound: bool = True


def id_of_key(key: str) -> str:
    """Return an id that may stand in a file name, says something to a reader, and is no sequence of code points.

    Args:
        key: What names the picture within the input; other keys have other ids.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")[-60:] or "picture"
    return f"{plain}.{hashlib.sha256(key.encode()).hexdigest()[:8]}"


class Reading:
    """Reads the fields of one row and gathers all that is wrong with it."""

    def __init__(self, row: Row) -> None:
        self.errors: list[DataError] = [row.problem] if row.problem else []

    def take(self, read: Callable[..., T], *given: Any, otherwise: T) -> T:
        """Return what a function reads, or something else if it refuses."""
        try:
            return read(*given)
        except DataError as error:
            self.errors.append(error)
            return otherwise


def entry_of(row: Row, config: FolderConfig) -> tuple[Entry, list[DataError]]:
    """Take from a row what is known of its picture, and all that is wrong with it."""
    columns, values, reading = config.columns, row.values, Reading(row)
    text = {
        role: reading.take(text_in, values, role, columns, otherwise="") for role in ("id", "source", "group", "style")
    }
    caption_lost = row.problem is not None and row.place is not None
    name = "" if caption_lost else reading.take(caption_in, values, columns, otherwise="")
    license_ = reading.take(license_in, values, config, otherwise="")
    entry = Entry(
        where=row.where,
        key=row.key,
        place=row.place,
        id=id_of_key(text["id"] or row.key),
        name=name,
        caption=reading.take(canonical, name, otherwise="") if name else "",
        split=reading.take(split_in, row, columns, otherwise=""),
        license=license_,
        author=reading.take(author_in, values, config, license_, otherwise=""),
        source=text["source"],
        group=text["group"],
        style=text["style"],
        weight=reading.take(weight_in, values, columns, otherwise=None),
    )
    return (replace(entry, sound=False) if reading.errors else entry), reading.errors


def check_columns(row: Row, config: FolderConfig) -> None:
    """Make sure that the first row has captions and all columns that were chosen.

    Raises:
        MissingColumn: It has not.
    """
    column_for("caption", row.values, config.columns, row.where)
    for role in config.columns.keys() - {"picture", "caption"}:
        if find_column(role, row.values, config.columns) is None:
            raise missing_column(role, row.values, config.columns, row.where)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What was read.

    Args:
        entries: All rows that say where their picture lies, in the order of the input; not all of them are sound.
        count: Rows that were read, also those that could not be made out.
    """

    entries: list[Entry]
    count: int

    @property
    def sound(self) -> list[Entry]:
        """The entries with which nothing is wrong so far."""
        return [entry for entry in self.entries if entry.sound]


def read_entries(source: Source, config: FolderConfig, problems: Problems, report: Report) -> Rows:
    """Read all rows and take down all that is wrong with each; a table that breaks off is read up to there.

    Raises:
        MissingColumn: The first row has no column for the caption or one that was chosen.
    """
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    count = 0
    try:
        for count, row in enumerate(source.rows(), 1):
            if isinstance(row, Row):
                if count == 1 and not row.problem:
                    check_columns(row, config)
                entries += judged(row, config, seen, problems)
            else:
                problems.add(row[0], row[1])
            if count % REPORT_EVERY == 0:
                report(Progress(task="read rows", done=count, unit="rows"))
    except MissingColumn:
        raise
    except DataError as error:
        problems.break_off(error)
    report(Progress(task="read rows", done=count, total=count, unit="rows"))
    return Rows(entries=entries, count=count)


def judged(row: Row, config: FolderConfig, seen: dict[str, str], problems: Problems) -> list[Entry]:
    """Take down what is wrong with a row, and return its entry if it has a picture."""
    entry, errors = entry_of(row, config)
    if entry.id in seen:
        errors.append(twice(row, entry.id, seen[entry.id]))
    seen.setdefault(entry.id, entry.where)
    if errors:
        problems.add(row.where, *errors)
    return [] if row.place is None else [replace(entry, sound=not errors)]


def twice(row: Row, id_: str, earlier: str) -> DataError:
    """Say that an earlier row has the same id, or names the same file."""
    if isinstance(row.place, Path) and id_ == id_of_key(row.key):
        return DuplicateFile(f"it names the same file as {earlier}; drop one, or write both captions into one row")
    return DuplicateId(f"it has the same id as {earlier}; drop one, or give each its own id")
