"""What an edited picture says of the picture that it was made from, and how far it follows it."""

from __future__ import annotations

from pydantic import Field

from underpaint.core.config import Config, is_none
from underpaint.pipelines.limits import LIMITS

SHA256 = r"^[0-9a-f]{64}$"
LONGEST_TEXT = 20_000


class EditRecord(Config):
    """An edit: with the picture, the mask and the other settings it gives the same pixels again.

    Args:
        picture_sha256: SHA-256 of the pixels of the picture (upright rows of 8-bit RGBA or RGB), which is the
            ``pixel_sha256`` of one that underpaint wrote.
        mask_sha256: SHA-256 of the mask at the model's size, a byte a pixel, 1 where it is drawn anew; None without.
        strength: How much is drawn anew, from 0, nothing, to 1, all of it.
        seam: Width in pixels over which what is drawn fades in, inside the mask.
        negative: What is drawn away from, in canonical form; None for nothing in particular.
        mix: The caption that is mixed in, in canonical form; None for none.
        mix_share: Its share, in [0, 1].
    """

    picture_sha256: str = Field(pattern=SHA256)
    mask_sha256: str | None = Field(default=None, pattern=SHA256)
    strength: float = Field(ge=0.0, le=1.0)
    seam: int = Field(default=0, ge=0, le=LIMITS["seam"].high)
    negative: str | None = Field(default=None, min_length=1, max_length=LONGEST_TEXT, exclude_if=is_none)
    mix: str | None = Field(default=None, min_length=1, max_length=LONGEST_TEXT, exclude_if=is_none)
    mix_share: float | None = Field(default=None, ge=0.0, le=1.0, exclude_if=is_none)
