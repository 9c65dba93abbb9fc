"""Entries: what is known of each picture before it is decoded, taken from the columns of its row."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpaint.core.emoji import split_emoji
from underpaint.core.errors import DataError, DuplicateId, EmptyCaption, LicenseRefused, MissingColumn, PromptError
from underpaint.core.progress import Progress, Report
from underpaint.core.text import canonicalize
from underpaint.stages.data.captions import hidden_characters
from underpaint.stages.data.folder.columns import column_for, find_column, missing_column
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import SPLITS, Row, Source, split_of
from underpaint.stages.data.folder.terms import license_problem

REPORT_EVERY = 1000
MAX_FIELD = 500


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


def id_of_key(key: str) -> str:
    """Return an id that may stand in a file name, says something to a reader, and is no sequence of code points.

    Args:
        key: What names the picture within the input; other keys have other ids.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")[-60:] or "picture"
    return f"{plain}.{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def text_in(values: Mapping[str, Any], role: str, columns: Mapping[str, str]) -> str:
    """Return a short text from the column that holds something; empty if there is none.

    Raises:
        DataError: It is no text, or too long.
    """
    column = find_column(role, values, columns)
    value = values[column] if column is not None else None
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= MAX_FIELD:
        return str(value).strip()
    raise DataError(f"column {column!r} is {value!r:.80}; give a text of at most {MAX_FIELD} characters")


def caption_in(values: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """Return the caption of a row as it stands there; of several the first that is not empty.

    Raises:
        EmptyCaption: It is missing, empty, or no text.
    """
    column = find_column("caption", values, columns)
    value = values[column] if column is not None else None
    options = value if isinstance(value, list) else [value]
    texts = [" ".join(text.split()) for text in options if isinstance(text, str)]
    caption = next(filter(None, texts), "")
    if not caption:
        what = "there is no caption" if column is None else f"the caption in column {column!r} is {value!r:.80}"
        raise EmptyCaption(f"{what}; write in English what the picture shows, or drop the row")
    return caption


def canonical(caption: str) -> str:
    """Return the canonical form of a caption.

    Raises:
        EmptyCaption: It has hidden characters, or characters that no prompt can have, or is too long.
    """
    hidden = [c for _, piece, name in split_emoji(caption) if name is None for c in hidden_characters(piece)]
    if hidden:
        raise EmptyCaption(
            f"the caption {caption!r:.80} has hidden characters ({', '.join(hidden[:5])}), which can be trained as a "
            "trigger; remove them"
        )
    try:
        return canonicalize(caption)
    except PromptError as error:
        raise EmptyCaption(str(error).replace("the prompt", "the caption")) from None


def split_in(row: Row, columns: Mapping[str, str]) -> str:
    """Return the split that a row asks for, by its column or its folder.

    Raises:
        DataError: There is no such split.
    """
    given = text_in(row.values, "split", columns)
    if given and not split_of(given):
        raise DataError(f"the split is {given!r:.40}; choose among {', '.join(SPLITS)}")
    return split_of(given) if given else row.split


def weight_in(values: Mapping[str, Any], columns: Mapping[str, str]) -> float | None:
    """Return the weight of a row.

    Raises:
        DataError: It is no positive number.
    """
    column = find_column("weight", values, columns)
    value = values[column] if column is not None else None
    if value is None or value == "":
        return None
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = math.nan
    if not 0 < weight < math.inf:
        raise DataError(f"column {column!r} is {value!r:.40}; a weight is a positive number")
    return weight


def license_in(values: Mapping[str, Any], config: FolderConfig) -> str:
    """Return the license of a row, or the one given for all.

    Raises:
        LicenseRefused: There is none, or it allows no weights.
    """
    license_ = text_in(values, "license", config.columns) or config.license
    if not license_:
        raise LicenseRefused("no license is stated; add a column 'license', or give one for all with --license SPDX")
    problem = license_problem(license_, config.weights_license)
    if problem:
        raise LicenseRefused(problem)
    return license_


def entry_of(row: Row, config: FolderConfig) -> Entry:
    """Take from a row what is known of its picture.

    Raises:
        DataError: Something is missing or cannot be used; of the class that says what.
    """
    columns, values = config.columns, row.values
    name = caption_in(values, columns)
    given = text_in(values, "id", columns)
    return Entry(
        where=row.where,
        key=row.key,
        place=row.place,
        id=id_of_key(given or row.key),
        name=name,
        caption=canonical(name),
        split=split_in(row, columns),
        license=license_in(values, config),
        author=text_in(values, "author", columns),
        source=text_in(values, "source", columns),
        group=text_in(values, "group", columns),
        style=text_in(values, "style", columns),
        weight=weight_in(values, columns),
    )


def check_columns(row: Row, config: FolderConfig) -> None:
    """Make sure that the first row has captions and all columns that were chosen.

    Raises:
        MissingColumn: It has not.
    """
    column_for("caption", row.values, config.columns, row.where)
    for role in config.columns.keys() - {"picture", "caption"}:
        if find_column(role, row.values, config.columns) is None:
            raise missing_column(role, row.values, config.columns, row.where)


def read_entries(source: Source, config: FolderConfig, problems: Problems, report: Report) -> list[Entry]:
    """Read all rows; take down those that cannot be used.

    Raises:
        MissingColumn: The first row has no caption column.
        DataError: The input cannot be read on.
    """
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    for number, row in enumerate(source.rows(), 1):
        if isinstance(row, Row):
            if number == 1:
                check_columns(row, config)
            try:
                entries.append(unique(entry_of(row, config), seen))
            except DataError as error:
                problems.add(row.where, error)
        elif number == 1 and isinstance(row[1], MissingColumn):
            raise row[1]
        else:
            problems.add(*row)
        if number % REPORT_EVERY == 0:
            report(Progress(task="read rows", done=number, unit="rows"))
    report(Progress(task="read rows", done=len(entries), total=len(entries), unit="rows"))
    return entries


def unique(entry: Entry, seen: dict[str, str]) -> Entry:
    """Return an entry whose id no earlier one has.

    Raises:
        DuplicateId: One has it.
    """
    if entry.id in seen:
        raise DuplicateId(
            f"it has the same id or names the same file as {seen[entry.id]}; drop one, or give each its own id"
        )
    seen[entry.id] = entry.where
    return entry
