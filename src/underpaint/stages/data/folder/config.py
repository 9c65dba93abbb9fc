"""Settings of a data set made of a person's own pictures."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from underpaint.stages.data.publication import Publication

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
MAX_AUTHOR = 500


class FolderConfig(Publication):
    """What to make of the pictures.

    Args:
        dataset: Always ``folder``; tells these settings from those of the stickers.
        size: Side of the pictures in pixels.
        background: What lies under and around the pictures: ``transparent``, or a color such as ``#ffffff``.
        license: SPDX expression of the pictures whose row states none; empty if every row states one.
        author: Whom to name for the pictures whose row names nobody; empty if every row does, or need not.
        columns: Role to the name of the column that holds it, where it has another name than those of ``ROLES``.
    """

    dataset: Literal["folder"] = "folder"
    size: Literal[32, 64, 128, 256] = 64
    background: str = TRANSPARENT
    license: str = ""
    author: str = ""
    columns: dict[str, str] = {}

    @field_validator("author")
    @classmethod
    def _one_line(cls, author: str) -> str:
        if len(author) > MAX_AUTHOR or not author.isprintable():
            raise ValueError(
                f"an author is named on one line of at most {MAX_AUTHOR} characters; give one with --author"
            )
        return author.strip()

    @field_validator("background")
    @classmethod
    def _known_background(cls, background: str) -> str:
        if background != TRANSPARENT and not re.fullmatch("#[0-9a-f]{6}", background):
            raise ValueError(
                f"a background is {TRANSPARENT!r} or a color in hexadecimal such as #ffffff; give one with --background"
            )
        return background

    @model_validator(mode="after")
    def _known_roles(self) -> Self:
        unknown = sorted(self.columns.keys() - ROLES.keys())
        if unknown:
            raise ValueError(f"no column can be chosen for {', '.join(unknown)}; choose among {', '.join(ROLES)}")
        return self
