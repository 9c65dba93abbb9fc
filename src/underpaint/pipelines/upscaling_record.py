"""What an upscaled picture says of the picture that it was made from, and of what enlarged it."""

from __future__ import annotations

from pydantic import Field

from underpaint.core.config import Config

SHA256 = r"^[0-9a-f]{64}$"


class UpscaleRecord(Config):
    """An enlargement: with the picture and the network it gives the same pixels again.

    Args:
        picture_sha256: SHA-256 of the pixels of the picture (upright rows of 8-bit RGBA or RGB), which is the
            ``pixel_sha256`` of one that underpaint wrote.
        size: Its width and height in pixels, as ``64x64``.
        upscaler: Name of the network.
        upscaler_sha256: The digest of its manifest.
    """

    picture_sha256: str = Field(pattern=SHA256)
    size: str = Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")
    upscaler: str = Field(max_length=200)
    upscaler_sha256: str = Field(pattern=SHA256)
