"""Settings of a data set made of a person's own pictures."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from underpaint.core.config import Config

ROLES: dict[str, tuple[str, ...]] = {
    "picture": ("image", "file_name", "path"),
    "caption": ("text", "caption", "prompt"),
    "id": ("id",),
    "split": ("split",),
    "license": ("license",),
    "author": ("author",),
    "source": ("source",),
    "group": ("group",),
    "style": ("style",),
    "weight": ("weight",),
}
"""What a column may hold, and the names by which it is found; the first that is there is taken."""
TRANSPARENT = "transparent"
UNKNOWN_DATE = "1970-01-01"


class FolderConfig(Config):
    """What to make of the pictures.

    Args:
        dataset: Always ``folder``; tells these settings from those of the stickers.
        name: Name of the data set: lower-case letters, digits, ``-``, ``_`` and ``.``.
        size: Side of the pictures in pixels.
        background: What lies under and around the pictures: ``transparent``, or a color such as ``#ffffff``.
        license: SPDX expression of the pictures whose row states none; empty if every row states one.
        weights_license: License that weights trained on this data shall have; all licenses must allow it.
        columns: Role to the name of the column that holds it, where it has another name than those of ``ROLES``.
        date: When the pictures were published, as YYYY-MM-DD; ``1970-01-01`` if unknown.
    """

    dataset: Literal["folder"] = "folder"
    name: str
    size: Literal[32, 64, 128, 256] = 64
    background: str = TRANSPARENT
    license: str = ""
    weights_license: str = "Apache-2.0"
    columns: dict[str, str] = {}
    date: str = UNKNOWN_DATE

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name):
            raise ValueError("a name has lower-case letters, digits, '-', '_' and '.'; give one with --name")
        return name

    @field_validator("background")
    @classmethod
    def _known_background(cls, background: str) -> str:
        if background != TRANSPARENT and not re.fullmatch("#[0-9a-f]{6}", background):
            raise ValueError("a background is 'transparent' or a color such as #ffffff")
        return background

    @field_validator("date")
    @classmethod
    def _whole_date(cls, date: str) -> str:
        return dt.date.fromisoformat(date).isoformat()

    @model_validator(mode="after")
    def _known_roles(self) -> Self:
        unknown = sorted(self.columns.keys() - ROLES.keys())
        if unknown:
            raise ValueError(f"no column can be chosen for {', '.join(unknown)}; choose among {', '.join(ROLES)}")
        return self


def plain_name(text: str) -> str:
    """Return a text as a name of a data set: what is not allowed becomes ``-``."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:100] or "pictures"
