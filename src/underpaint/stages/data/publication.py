"""What the maker of a data set says of it: its name, its license and its date, as they stand in its card."""

from __future__ import annotations

import datetime as dt
import re

from pydantic import field_validator

from underpaint.core.config import Config

UNKNOWN_DATE = "1970-01-01"
MAX_NAME = 100


class Publication(Config):
    """The settings that all data sets share which somebody makes of pictures of their own.

    Args:
        name: Name of the data set: lower-case letters, digits, ``-``, ``_`` and ``.``.
        license: SPDX expression of the pictures.
        weights_license: License that weights trained on this data shall have; the pictures' licenses must allow it.
        date: When the pictures were published, as YYYY-MM-DD; ``1970-01-01`` if unknown.
    """

    name: str
    license: str
    weights_license: str = "Apache-2.0"
    date: str = UNKNOWN_DATE

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if len(name) > MAX_NAME or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
            raise ValueError(
                f"a name has at most {MAX_NAME} lower-case letters, digits, '-', '_' and '.', and begins with one of "
                "the first two; give one with --name"
            )
        return name

    @field_validator("date")
    @classmethod
    def _whole_date(cls, date: str) -> str:
        try:
            return dt.date.fromisoformat(date).isoformat()
        except ValueError:
            raise ValueError(
                "a date is a day of the calendar such as 2026-11-21; give one with --date, or none if it is unknown"
            ) from None


def dataset_name(text: str, *, otherwise: str) -> str:
    """Return a text as a name of a data set: what is not allowed becomes ``-``.

    Args:
        text: Any text, normally the name of a folder.
        otherwise: The name if nothing is left of the text.
    """
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:MAX_NAME] or otherwise
