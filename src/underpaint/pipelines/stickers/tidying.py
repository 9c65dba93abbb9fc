"""Specks that a model leaves around a drawing: detached bits, too small to be meant, and what is hardly seen.

A contour would run around each of them. Bits are told apart where alpha is above one half, neighbors in all eight
directions hanging together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

LEAST_SHARE = 0.01
"""Bits below this share of the largest one are specks."""
HALF = 128
HALO = 2
"""Pixels, at the side that is looked at, around a bit that belong to its soft edge."""
LOOKED_AT = 128
"""Longest side, in pixels, at which bits are told apart; larger pictures are looked at in this size."""

Bools = NDArray[np.bool_]


def tidied(pixels: np.ndarray) -> np.ndarray:
    """Return a drawing without specks; one without anything above half of alpha as it is.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
    """
    kept = _meant(_looked_at(pixels[..., 3]) >= HALF)
    if kept.all() or not kept.any():
        return pixels
    size = (pixels.shape[1], pixels.shape[0])
    grown = Image.fromarray(kept.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * HALO + 1))
    near = np.asarray(grown.resize(size, Image.Resampling.NEAREST)) > 0
    return np.where(near[..., None], pixels, 0)


def _looked_at(alpha: np.ndarray) -> np.ndarray:
    factor = -(-max(alpha.shape) // LOOKED_AT)
    return alpha if factor == 1 else np.asarray(Image.fromarray(alpha).reduce(factor))


def _meant(there: Bools) -> Bools:
    """Return the bits that are large enough."""
    labels = bits(there)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return (areas >= LEAST_SHARE * areas.max())[labels] & there


def bits(there: Bools) -> NDArray[np.int64]:
    """Return a number for each bit that hangs together: ``[H, W]``, 0 where nothing is.

    Args:
        there: ``[H, W]``.
    """
    labels = np.where(there, np.arange(1, there.size + 1).reshape(there.shape), 0)
    while True:
        spread = np.where(there, _highest_nearby(labels), 0)
        spread = np.where(there, spread.ravel()[np.maximum(spread - 1, 0)], 0)
        if np.array_equal(spread, labels):
            return labels
        labels = spread


def _highest_nearby(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the highest of each pixel's own number and its eight neighbors'."""
    padded = np.pad(labels, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
