"""What lies behind a sticker: a color, two that pass into each other, two of the drawing's own, or a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from underpaint.pipelines.editing.reading import FORMATS, MAX_BYTES, read_upright
from underpaint.pipelines.stickers.look import Background

LIGHTER = (0.88, 0.68)
"""How far the drawing's own two colors are moved towards white, at the top and at the bottom."""
PLAIN = (255.0, 255.0, 255.0)
OPAQUE = 200
"""Pixels above this level of alpha have a say in the drawing's own colors."""
LEAST_COLORFUL = 12.0
"""A drawing whose colors differ from gray by less, in levels, has no color of its own."""

RGB = np.ndarray


def background_of(background: Background, width: int, height: int, drawing: np.ndarray) -> RGB | None:
    """Return what lies behind a sticker: ``[H, W, 3]`` float32 in [0, 255]; None for nothing.

    Args:
        background: What is asked for.
        width: Of the sticker, in pixels.
        height: Of the sticker, in pixels.
        drawing: ``[h, w, 4]`` uint8, of which ``own`` takes its colors.

    Raises:
        InputError: There is no such file.
        UnreadableImage: It is no picture.
    """
    if background.is_nothing:
        return None
    if background.file is not None:
        picture = read_upright(background.file, formats=FORMATS, most_bytes=MAX_BYTES).image.convert("RGB")
        return np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS), dtype=np.float32)
    ends = own_colors(drawing) if background.own else [np.array(_levels(color)) for color in background.colors]
    return _graded(ends[0], ends[-1], width, height)


def _levels(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def _graded(top: np.ndarray, bottom: np.ndarray, width: int, height: int) -> RGB:
    """Return rows that pass from one color to the other."""
    share = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    return np.broadcast_to((1 - share) * top + share * bottom, (height, width, 3)).astype(np.float32)


def own_colors(drawing: np.ndarray) -> list[np.ndarray]:
    """Return two light colors that go with a drawing: opposite to its own hue, from light to less light.

    The mean color, weighted by how colorful each pixel is, is what the eye takes for the drawing's own; behind it the
    complement is seen best.

    Args:
        drawing: ``[H, W, 4]`` uint8, straight alpha.
    """
    pixels = drawing[drawing[..., 3] > OPAQUE][:, :3].astype(np.float32)  # [N, 3]
    colorful = pixels.max(axis=1) - pixels.min(axis=1) if len(pixels) else np.zeros(0, dtype=np.float32)
    if not len(pixels) or colorful.mean() < LEAST_COLORFUL:
        return [np.array(PLAIN), np.array((225.0, 230.0, 238.0))]
    mean = (pixels * colorful[:, None]).sum(axis=0) / colorful.sum()
    opposite = mean.max() + mean.min() - mean
    return [opposite + (255.0 - opposite) * share for share in LIGHTER]
