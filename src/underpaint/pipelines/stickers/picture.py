"""A picture that becomes a sticker: its pixels, what made it, and what its files are called."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from underpaint.core.errors import DataError, InputError
from underpaint.core.mistakes import Mistakes
from underpaint.pipelines.editing.reading import FORMATS, MAX_BYTES, Source, read_upright
from underpaint.pipelines.picture_file import PARAMETERS, is_sheet_name, pixel_digest
from underpaint.pipelines.settings import Settings, as_size
from underpaint.runtime import xmp
from underpaint.runtime.png_text import read_text

LARGEST = 2800
"""Longest side, in pixels, of what is kept of a picture: the largest sticker needs no more."""
LONGEST_NAME = 40
UNNAMED = "sticker"


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture to make stickers of.

    Args:
        name: What messages call it.
        words: What it shows.
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        sha256: Of its own pixels.
        settings: What made it, if underpaint did and nobody has dropped them or changed the pixels.
        own_size: Its own width and height where ``pixels`` have others; None for those of ``pixels``.
        label: What its files are called by; empty for its words.
    """

    name: str
    words: str
    pixels: np.ndarray
    sha256: str
    settings: Settings | None
    own_size: tuple[int, int] | None = None
    label: str = ""

    @property
    def size(self) -> str:
        """Its own width and height, as ``64x64``."""
        return as_size(*(self.own_size or self.pixels.shape[1::-1]))

    def enlarged(self, pixels: np.ndarray) -> Picture:
        """Return the same picture with larger pixels."""
        return replace(self, pixels=pixels, own_size=self.own_size or self.pixels.shape[1::-1])

    def called(self, label: str) -> Picture:
        """Return the same picture, whose files are called by something else than its words."""
        return replace(self, label=label)


def packet_of(settings: Settings) -> str:
    """Return the XMP packet of what was made of a picture."""
    return xmp.write_packet(f"{settings.model} {settings.model_sha256[:16]}", xmp.EDITED_TYPE)


def is_sheet(path: str | Path) -> bool:
    """Tell whether a file is a contact sheet or a printed one, which ``*.png`` takes in.

    It has the name of one and no settings, which every drawing has, whatever the words are that it is called after.
    """
    if not is_sheet_name(path):
        return False
    with contextlib.suppress(InputError, DataError):
        return PARAMETERS not in read_text(Path(path)).texts
    return False


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
    """Read one picture; see ``read_pictures``.

    Raises:
        InputError: It is not there.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or of another kind.
    """
    upright = read_upright(source, formats=FORMATS, most_bytes=MAX_BYTES)
    settings = upright.settings
    stem = Path(source).stem if isinstance(source, str | Path) else ""
    words = settings.caption if settings is not None and settings.caption else stem.removeprefix("underpaint-")
    sha256 = pixel_digest(upright.image)
    return Picture(
        name=upright.name,
        words=words,
        pixels=np.array(_shrunk(upright.image.convert("RGBA"))),
        sha256=sha256,
        settings=settings if settings is not None and settings.pixel_sha256 == sha256 else None,
        own_size=upright.image.size,
    )


def _shrunk(image: Image.Image) -> Image.Image:
    """Return an RGBA picture that is no larger than stickers need, so that many can be held at once."""
    if max(image.size) <= LARGEST:
        return image
    width, height = (max(1, round(side * LARGEST / max(image.size))) for side in image.size)
    return image.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0).convert("RGBA")


def slug_of(picture: Picture) -> str:
    """Return what a picture is called by as a part of a file's name: lower-case ASCII letters and digits, hyphens."""
    words = re.sub(r"[^a-z0-9]+", "-", (picture.label or picture.words).lower()).strip("-")
    if len(words) > LONGEST_NAME:
        words = words[: LONGEST_NAME + 1].rpartition("-")[0] or words[:LONGEST_NAME]
    return words or UNNAMED
