"""The mask of an edit: which pixels may change, and how what is drawn fades in at their rim.

Outside the mask every pixel stays as it is, to the bit. The seam lies inside it: ``w`` rises from 1 / (n + 1) at the
mask's outermost pixels to 1 at ``n`` pixels from its rim, and the result is ``(1 - w) original + w drawn``,
premultiplied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from underpaint.core.errors import InputError
from underpaint.pipelines.editing.reading import Original, Source, read_upright
from underpaint.pipelines.editing.square import squared_mask
from underpaint.pipelines.settings import as_size

Edits = Literal["transparent", "white"]
"""Which part of a mask's picture is drawn anew."""

FORMATS = ("PNG",)
MAX_BYTES = 4_000_000
HALF = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """Where a picture is drawn anew.

    Args:
        inside: ``[S, S]`` bool at the model's size.
    """

    inside: np.ndarray

    @property
    def sha256(self) -> str:
        """What identifies it: SHA-256 of a byte a pixel, 1 where it is drawn anew."""
        return hashlib.sha256(self.inside.astype(np.uint8).tobytes()).hexdigest()


def read_mask(source: Source, original: Original, *, edits: Edits = "transparent") -> Mask:
    """Read a mask for a picture.

    Args:
        source: A PNG file, or an image, as large as the picture.
        original: The picture.
        edits: Whether what is transparent in it is drawn anew, as in OpenAI's API, or what is white.

    Raises:
        InputError: There is no such file, it has another size, no transparency where that is asked for, or leaves
            nothing to draw.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or no PNG.
    """
    found = read_upright(source, formats=FORMATS, most_bytes=MAX_BYTES, called="the mask")
    image, name = found.image, found.name
    if image.size != original.size:
        raise InputError(
            f"{name} has {as_size(*image.size)} pixels and {original.name} has {as_size(*original.size)}; make the "
            "mask as large as the picture stands upright"
        )
    inside = squared_mask(_marked(image, name, edits), len(original.pixels))
    if not inside.any():
        raise InputError(f"{name} leaves nothing to draw: no pixel of it is {edits}; {_hint(edits)}")
    return Mask(inside=inside)


def _marked(image: Image.Image, name: str, edits: Edits) -> np.ndarray:
    if edits == "white":
        black = Image.new("RGBA", image.size, "black")
        return np.asarray(Image.alpha_composite(black, image.convert("RGBA")).convert("L")) >= HALF
    if image.mode != "RGBA":
        raise InputError(f"{name} has no transparency, so it leaves nothing to draw; {_hint(edits)}")
    return np.asarray(image)[..., 3] < HALF


def _hint(edits: Edits) -> str:
    if edits == "white":
        return "paint white what shall be drawn anew"
    return "make transparent what shall be drawn anew, or say that white is (--mask-edits white)"


def weights(inside: np.ndarray, seam: int) -> np.ndarray:
    """Return the share of what is drawn: ``[S, S]`` float64, 0 outside the mask, 1 deep inside it.

    Args:
        inside: ``[S, S]`` bool.
        seam: Pixels over which it rises; the picture's own rim is none of the mask's.
    """
    total, layer = inside.astype(np.float64), inside
    for _ in range(seam):
        layer = _eroded(layer)
        total = total + layer
    return total / (seam + 1)


def _eroded(inside: np.ndarray) -> np.ndarray:
    padded = Image.fromarray(np.pad(inside, 1, mode="edge").astype(np.uint8))
    return np.asarray(padded.filter(ImageFilter.MinFilter(3)))[1:-1, 1:-1] > 0


def merged(original: np.ndarray, drawn: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Lay what was drawn over the picture.

    Args:
        original: ``[S, S, 4]`` uint8, straight alpha.
        drawn: The same for what was drawn.
        share: ``[S, S]``, see ``weights``.

    Returns:
        ``[S, S, 4]`` uint8, straight alpha; the original's bits where the share is 0, the drawing's where it is 1.
    """
    mixed = (1.0 - share[..., None]) * _premultiplied(original) + share[..., None] * _premultiplied(drawn)
    alpha = mixed[..., 3:]
    straight = np.concatenate([mixed[..., :3] / np.maximum(alpha, 1e-9), alpha], axis=-1)
    levels = np.where(alpha < 0.5 / 255, 0, np.rint(straight * 255)).astype(np.uint8)
    levels = np.where(share[..., None] == 0.0, original, levels)
    return np.where(share[..., None] == 1.0, drawn, levels)


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    values = pixels / 255.0
    return np.concatenate([values[..., :3] * values[..., 3:], values[..., 3:]], axis=-1)
