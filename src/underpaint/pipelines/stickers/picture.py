"""A picture that becomes a sticker: its pixels, what made it, and what its files are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from underpaint import __version__
from underpaint.core.mistakes import Mistakes
from underpaint.pipelines.editing.reading import FORMATS, MAX_BYTES, Source, read_upright
from underpaint.pipelines.picture_file import pixel_digest
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.encoding import Texts
from underpaint.runtime import xmp

DRAWN_FROM = "drawn-from"
"""Keyword of the text of a PNG with the settings that drew the picture which the sticker was made from."""
LONGEST_NAME = 40
UNNAMED = "sticker"


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture to make stickers of.

    Args:
        name: What messages call it.
        words: What it shows, for the names of files.
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        sha256: Of its own pixels.
        settings: What made it, if underpaint did and nobody has dropped it.
    """

    name: str
    words: str
    pixels: np.ndarray
    sha256: str
    settings: Settings | None

    @property
    def texts(self) -> Texts:
        """What the files of its stickers say about themselves."""
        software = ("Software", f"underpaint {__version__}")
        if self.settings is None:
            return Texts(plain=(software,))
        release = f"{self.settings.model} {self.settings.model_sha256[:16]}"
        return Texts(
            xmp=xmp.write_packet(release, xmp.EDITED_TYPE),
            plain=(software, (DRAWN_FROM, self.settings.to_json())),
        )


def read_pictures(sources: Sequence[Source]) -> list[Picture]:
    """Read pictures: PNG, JPEG or WebP files, or images.

    Raises:
        InputError: One is not there; all that are missing are told.
        InputTooLarge: One has too many bytes or pixels.
        UnreadableImage: One is damaged, an animation, or of another kind.
    """
    found = Mistakes()
    pictures = [found.take(read_picture, source, otherwise=None) for source in sources]
    found.tell()
    return [picture for picture in pictures if picture is not None]


def read_picture(source: Source) -> Picture:
    """Read one picture; see ``read_pictures``."""
    upright = read_upright(source, formats=FORMATS, most_bytes=MAX_BYTES)
    settings = upright.settings
    stem = Path(source).stem if isinstance(source, str | Path) else ""
    words = settings.caption if settings is not None and settings.caption else stem.removeprefix("underpaint-")
    return Picture(
        name=upright.name,
        words=words,
        pixels=np.array(upright.image.convert("RGBA")),
        sha256=pixel_digest(upright.image),
        settings=settings,
    )


def slug_of(picture: Picture) -> str:
    """Return what a picture shows as a part of a file's name: lower-case ASCII letters and digits, hyphens."""
    words = re.sub(r"[^a-z0-9]+", "-", picture.words.lower()).strip("-")
    if len(words) > LONGEST_NAME:
        words = words[: LONGEST_NAME + 1].rpartition("-")[0] or words[:LONGEST_NAME]
    return words or UNNAMED
