"""What a sticker says of the picture that it was made from, and of what was laid around it."""

from __future__ import annotations

from pydantic import Field

from underpaint.core.config import Config
from underpaint.pipelines.upscaling_record import SHA256


class StickerRecord(Config):
    """A picture composed for a place.

    Args:
        picture_sha256: SHA-256 of the pixels of the picture (upright rows of 8-bit RGBA or RGB), which is the
            ``pixel_sha256`` of one that underpaint wrote.
        size: Its width and height in pixels, as ``64x64``.
        place: Name of the place that it was made for.
        item: Name of the kind of file there.
        contour: As it is typed, such as ``#ffffff:8``; None for none.
        shadow: Whether a soft shadow lies below it.
        background: As it is typed, ``none``, ``own``, one color or two; ``file`` for a picture.
    """

    picture_sha256: str = Field(pattern=SHA256)
    size: str = Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")
    place: str = Field(max_length=100)
    item: str = Field(max_length=100)
    contour: str | None = Field(default=None, max_length=40)
    shadow: bool = False
    background: str = Field(default="none", max_length=40)
