"""Resampling in premultiplied form, where a transparent pixel has no color that could bleed into an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
LEVELS = 255.0
LEAST_ALPHA = 0.5 / LEVELS
"""Alpha below this rounds to nothing."""


def premultiplied(pixels: np.ndarray) -> Floats:
    """Return a picture as color times alpha, and alpha.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.

    Returns:
        ``[H, W, 4]`` in [0, 1].
    """
    values = pixels.astype(np.float32) / np.float32(LEVELS)
    values[..., :3] *= values[..., 3:]
    return values


def straight(values: Floats) -> np.ndarray:
    """Return the nearest picture that 8 bits can hold; where alpha rounds to nothing all four are zero.

    Args:
        values: ``[H, W, 4]`` premultiplied, nominally in [0, 1].

    Returns:
        ``[H, W, 4]`` uint8, straight alpha.
    """
    alpha = np.clip(values[..., 3:], 0.0, 1.0)
    alpha = np.where(alpha < LEAST_ALPHA, np.float32(0.0), alpha)
    color = np.clip(values[..., :3], 0.0, alpha) / np.maximum(alpha, np.float32(LEAST_ALPHA))
    return np.rint(np.concatenate([color, alpha], axis=-1) * np.float32(LEVELS)).astype(np.uint8)


def resampled(values: Floats, width: int, height: int, kernel: Image.Resampling = Image.Resampling.LANCZOS) -> Floats:
    """Scale a premultiplied picture, channel by channel in floating point.

    Args:
        values: ``[H, W, 4]``.
        width: New width in pixels.
        height: New height in pixels.
        kernel: Pillow's name of the filter.

    Returns:
        ``[height, width, 4]``; not clipped, since a kernel with lobes overshoots.
    """
    planes = [Image.fromarray(np.ascontiguousarray(values[..., channel])) for channel in range(values.shape[2])]
    return np.stack([np.asarray(plane.resize((width, height), kernel)) for plane in planes], axis=-1)
