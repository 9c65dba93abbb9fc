"""Reading: the columns of every row become an entry of the ledger, and a list of what is wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from underpaint.core.errors import DataError, DuplicateFile, DuplicateId, MissingColumn
from underpaint.core.progress import Progress, Report
from underpaint.stages.data.folder.columns import caption_columns, find_column, missing_column
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entry import Entry
from underpaint.stages.data.folder.fields import (
    author_in,
    canonical,
    captions_in,
    license_in,
    split_in,
    text_in,
    weight_in,
)
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import Row, Source

T = TypeVar("T")
REPORT_EVERY = 1000


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
    names = reading.take(captions_in, values, columns, otherwise=[]) if has_columns(row) else []
    captions = dict.fromkeys(reading.take(canonical, name, otherwise="") for name in names)
    license_ = reading.take(license_in, values, config, otherwise="")
    entry = Entry(
        where=row.where,
        key=row.key,
        place=row.place,
        id=id_of_key(text["id"] or row.key),
        name=next(iter(names), ""),
        caption=next(iter(captions), ""),
        alternatives=tuple(captions)[1:],
        split=reading.take(split_in, row, columns, otherwise=""),
        license=license_,
        author=reading.take(author_in, values, config, license_, otherwise=""),
        source=text["source"],
        group=text["group"],
        style=text["style"],
        weight=reading.take(weight_in, values, columns, otherwise=None),
    )
    return entry, reading.errors


def has_columns(row: Row) -> bool:
    """Tell whether a row says what its columns are, as all do but those whose caption beside them cannot be read."""
    return row.problem is None or row.place is None


def check_columns(row: Row, config: FolderConfig) -> None:
    """Make sure that the first row that can be made out has captions and all columns that were chosen.

    Raises:
        MissingColumn: It has not.
    """
    if not caption_columns(row.values, config.columns):
        raise missing_column("caption", row.values, config.columns, row.where)
    for role in config.columns.keys() - {"picture", "caption"}:
        if find_column(role, row.values, config.columns) is None:
            raise missing_column(role, row.values, config.columns, row.where)


def read_entries(source: Source, config: FolderConfig, ledger: Ledger, problems: Problems, report: Report) -> int:
    """Read all rows and take down all that is wrong with each; a table that breaks off is read up to there.

    Args:
        source: The input.
        config: The settings.
        ledger: Takes down the rows that say where their picture lies, in the order of the input, also unsound ones.
        problems: Takes down what is wrong.
        report: Receives progress.

    Returns:
        The number of rows that were read, also of those that could not be made out.

    Raises:
        MissingColumn: The first row that can be made out has no column for the caption or one that was chosen.
    """
    count, is_checked = 0, False
    try:
        for count, row in enumerate(source.rows(), 1):
            if isinstance(row, Row):
                if not is_checked and has_columns(row):
                    check_columns(row, config)
                    is_checked = True
                judge(row, config, ledger, problems)
            else:
                problems.add(row[0], row[1])
            if count % REPORT_EVERY == 0:
                report(Progress(task="read rows", done=count, unit="rows"))
    except MissingColumn:
        raise
    except DataError as error:
        problems.break_off(error)
    report(Progress(task="read rows", done=count, total=count, unit="rows"))
    return count


def judge(row: Row, config: FolderConfig, ledger: Ledger, problems: Problems) -> None:
    """Take down what is wrong with a row, and its entry if it has a picture."""
    entry, errors = entry_of(row, config)
    earlier = ledger.earlier(entry.id, entry.where)
    if earlier is not None:
        errors.append(twice(row, entry.id, earlier))
    if errors:
        problems.add(row.where, *errors)
    if row.place is not None:
        ledger.add(replace(entry, sound=False) if errors else entry)


def twice(row: Row, id_: str, earlier: str) -> DataError:
    """Say that an earlier row has the same id, or names the same file."""
    if isinstance(row.place, Path) and id_ == id_of_key(row.key):
        return DuplicateFile(f"it names the same file as {earlier}; drop one, or write both captions into one row")
    return DuplicateId(f"it has the same id as {earlier}; drop one, or give each its own id")
