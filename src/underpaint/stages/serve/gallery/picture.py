"""A picture of the gallery: what is known of it, whoever drew it, and when."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.gallery.cost import Cost
from underpaint.stages.serve.queue.database import Row

BLOCK = 4096
"""Bytes of the disk that a file takes at least, and by which it grows."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A picture that goes into the gallery.

    Args:
        pixel_sha256: SHA-256 of its pixels.
        output_format: Of the file.
        num_bytes: Of the file.
        width: In pixels.
        height: In pixels.
        model: What callers call the model that drew it; empty where none of ours did.
        release: The exact weights that drew it; empty where none of ours did.
        settings: What made it; None where nobody knows.
        cost: What it cost to draw; None where nobody knows.
        note: Words of the owner's about it.
    """

    pixel_sha256: str
    output_format: Format
    num_bytes: int
    width: int
    height: int
    model: str = ""
    release: str = ""
    settings: Settings | None = None
    cost: Cost | None = None
    note: str | None = None

    @property
    def disk_bytes(self) -> int:
        """What its file takes of the disk."""
        return -(-self.num_bytes // BLOCK) * BLOCK


@dataclass(frozen=True, kw_only=True)
class GalleryPicture:
    """A picture of the gallery as it is now; times are seconds since 1970.

    Args:
        seq: Its place: the newest has the highest.
        owner: Whose it is.
        bytes: What its file takes of the disk.
        release: The exact weights that drew it; empty where none of ours did.
        job: The job that drew it; None if it was brought.
        settings: What made it; None where nobody knows.
        cost: What it cost to draw; None where nobody knows.
        favorite: Whether its owner likes it best.
        rating: 1 to 5, or None.
        note: Words of its owner's.
        deleted_at: When it went to the bin; None if it is not there.
    """

    seq: int
    owner: str
    pixel_sha256: str
    output_format: Format
    bytes: int
    width: int
    height: int
    model: str
    release: str
    job: str | None
    settings: dict[str, Any] | None
    cost: dict[str, Any] | None
    created_at: float
    favorite: bool
    rating: int | None
    note: str | None
    deleted_at: float | None

    @property
    def prompt(self) -> str:
        """What was asked for; empty where nobody knows."""
        return "" if self.settings is None else self.settings["prompt"]

    @property
    def parent(self) -> str | None:
        """SHA-256 of the pixels of the picture that it was made from; None if it was drawn from words alone."""
        made = self.settings or {}
        last = made.get("upscale") or made.get("edit")
        return None if last is None else last["picture_sha256"]


def picture_of(row: Row) -> GalleryPicture:
    """Make a picture of a row of the table."""
    values = {name: row["release_id" if name == "release" else name] for name in GalleryPicture.__dataclass_fields__}
    for name in ("settings", "cost"):
        values[name] = None if row[name] is None else json.loads(row[name])
    return GalleryPicture(**{**values, "favorite": bool(row["favorite"])})


def folded(text: str) -> str:
    """Return text in the form in which it is searched: whatever looks and reads the same is the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
