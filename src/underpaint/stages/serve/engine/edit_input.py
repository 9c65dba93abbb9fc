"""A picture that shall be edited, as it travels to an engine: square pixels and a mask, and nothing of its file."""

from __future__ import annotations

import base64
from typing import Self

import numpy as np
from pydantic import Field

from underpaint.core.config import Config
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.reading import Original


class EditInput(Config):
    """A picture and where it may change.

    Args:
        width: Of the picture as it came, in pixels.
        height: The same.
        side: Of the square, in pixels.
        sha256: SHA-256 of the picture's own pixels.
        pixels: The square, RGBA a pixel, as base64.
        inside: A byte a pixel of the square, 1 where it is drawn anew, as base64; None for everywhere.
    """

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    side: int = Field(ge=1)
    sha256: str
    pixels: str
    inside: str | None = None

    @classmethod
    def of(cls, original: Original, mask: Mask | None) -> Self:
        """Return what travels of a picture and its mask."""
        return cls(
            width=original.size[0],
            height=original.size[1],
            side=len(original.pixels),
            sha256=original.sha256,
            pixels=_text(original.pixels),
            inside=None if mask is None else _text(mask.inside.astype(np.uint8)),
        )

    def original(self) -> Original:
        """Return the picture."""
        pixels = _array(self.pixels).reshape(self.side, self.side, 4)  # [S, S, 4]
        return Original(
            name="the picture", size=(self.width, self.height), pixels=pixels, sha256=self.sha256, settings=None
        )

    def mask(self) -> Mask | None:
        """Return where it may change; None for everywhere."""
        if self.inside is None:
            return None
        return Mask(inside=_array(self.inside).reshape(self.side, self.side).astype(bool))  # [S, S]


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _array(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8).copy()
