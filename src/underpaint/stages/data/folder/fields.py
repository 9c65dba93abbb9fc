"""Fields: what the columns of a row say, each read by a function that refuses what cannot be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from underpaint.core.emoji import split_emoji
from underpaint.core.errors import (
    DataError,
    EmptyCaption,
    HiddenCharacters,
    LicenseRefused,
    PromptError,
    UnusableCaption,
)
from underpaint.core.text import canonicalize
from underpaint.stages.data.captions import hidden_characters
from underpaint.stages.data.folder.columns import caption_columns, find_column
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.rows import SPLITS, Row, split_of
from underpaint.stages.data.folder.terms import asks_for_author, check_terms

MAX_FIELD = 500
MAX_CAPTIONS = 50
"""Most captions of one picture."""


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


def captions_in(values: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    """Return the captions of a row as they stand there, each once; empty ones are passed over.

    Raises:
        EmptyCaption: There is none.
        UnusableCaption: None is a text, or there are too many.
    """
    named = caption_columns(values, columns)
    cells = [values[column] for column in named]
    given = [one for cell in cells for one in (cell if isinstance(cell, list) else [cell])]
    texts = dict.fromkeys(" ".join(text.split()) for text in given if isinstance(text, str))
    captions = [text for text in texts if text]
    if not captions:
        kind = EmptyCaption if all(one is None or isinstance(one, str) for one in given) else UnusableCaption
        what = f"the caption in column {named[0]!r} is {cells[0]!r:.80}" if named else "there is no caption"
        raise kind(f"{what}; write in English what the picture shows, or drop the row")
    if len(captions) > MAX_CAPTIONS:
        raise UnusableCaption(f"there are {len(captions):,} captions for one picture; keep {MAX_CAPTIONS} at most")
    return captions


def canonical(caption: str) -> str:
    """Return the canonical form of a caption.

    Raises:
        HiddenCharacters: It has some.
        UnusableCaption: It has characters that no prompt can have, or is too long.
    """
    hidden = hidden_characters(caption)
    if hidden:
        hidden = [c for _, piece, name in split_emoji(caption) if name is None for c in hidden_characters(piece)]
    if hidden:
        raise HiddenCharacters(
            f"the caption {caption!r:.80} has hidden characters ({', '.join(hidden[:5])}), which can be trained as a "
            "trigger; remove them"
        )
    try:
        return canonicalize(caption)
    except PromptError as error:
        raise UnusableCaption(str(error).replace("the prompt", "the caption")) from None


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
    check_terms(license_, config.weights_license)
    return license_


def author_in(values: Mapping[str, Any], config: FolderConfig, license_: str) -> str:
    """Return whom a row names as the author, or who is named for all; empty where nobody has to be.

    Args:
        values: Column to value.
        config: The settings.
        license_: The license of the row; empty if it has none that can be used.

    Raises:
        LicenseRefused: The license asks for an author and there is none.
    """
    author = text_in(values, "author", config.columns) or config.author
    if license_ and not author and asks_for_author(license_):
        raise LicenseRefused(
            f"{license_} asks to name the author, and none is stated; add a column 'author', name one for all with "
            "--author NAME, or give your own work a license that asks for none, such as CC0-1.0"
        )
    return author
