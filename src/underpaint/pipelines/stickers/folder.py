"""A folder of stickers, whole or not at all: a folder a place, and ``stickers.json`` that says what everything is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint import __version__
from underpaint.core.artifact import staging
from underpaint.pipelines.stickers.emoji_tags import emoji_of
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.making import Made
from underpaint.pipelines.stickers.picture import Picture
from underpaint.pipelines.stickers.places import PLACES

LISTING = "stickers.json"
SCHEMA_ID = "underpaint.stickers/1"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that lies in the folder.

    Args:
        place: Name of the place that it is for.
        item: Name of the kind of file.
        path: Where it lies.
        bytes: How long it is.
        width: In pixels; 0 if it is a pack.
        height: In pixels; 0 if it is a pack.
        quality: How good it is, in words.
        picture: SHA-256 of the pixels of the picture that it shows; None if it is a pack.
    """

    place: str
    item: str
    path: Path
    bytes: int
    width: int
    height: int
    quality: str
    picture: str | None

    def as_data(self, folder: Path) -> dict[str, Any]:
        """Return it for machines, its path as it is within a folder."""
        values = {name: value for name, value in vars(self).items() if name != "path" and value not in ("", None, 0)}
        return {"path": self.path.relative_to(folder).as_posix(), **values}


def write_stickers(folder: Path, pictures: Sequence[Picture], look: Look, files: Iterable[Made]) -> list[Written]:
    """Write stickers into a new folder as they are made.

    Args:
        folder: Must not exist yet.
        pictures: What they were made of.
        look: What they look like.
        files: The stickers.

    Raises:
        StorageError: The folder exists, or cannot be written.
    """
    written: list[Written] = []
    with staging(folder) as temporary:
        for made in files:
            path = temporary / made.name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(made.data)
            written.append(_written(made, folder))
        listing = json.dumps(described(folder, pictures, look, written), indent=2, ensure_ascii=False)
        (temporary / LISTING).write_text(f"{listing}\n", encoding="utf-8")
    return written


def _written(made: Made, folder: Path) -> Written:
    return Written(
        place=made.place,
        item=made.item,
        path=folder / made.name,
        bytes=len(made.data),
        width=made.width,
        height=made.height,
        quality=made.quality,
        picture=made.picture,
    )


def described(folder: Path, pictures: Sequence[Picture], look: Look, files: Sequence[Written]) -> dict[str, Any]:
    """Return what ``stickers.json`` says.

    Args:
        folder: Where the files lie.
        pictures: What they were made of.
        look: What they look like.
        files: What was written.
    """
    names = dict.fromkeys(file.place for file in files)
    return {
        "schema_id": SCHEMA_ID,
        "version": __version__,
        "look": look.model_dump(mode="json"),
        "pictures": [
            {"words": picture.words, "emoji": emoji_of(picture.words), "sha256": picture.sha256} for picture in pictures
        ],
        "places": {name: {"title": PLACES[name].title, "how": PLACES[name].how} for name in names},
        "files": [file.as_data(folder) for file in files],
    }
