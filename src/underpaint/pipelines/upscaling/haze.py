"""Haze: alpha so faint that nobody sees it as such, but that shows on dark or where a contour ends before it.

The shipped model leaves it: of its pixels more than two away from the drawing 15.9 % are not quite transparent (of
renders .08 %), and 97 % of those have at most eight levels of 255. Below ``FAINT`` alpha becomes nothing, from
``CLEAR`` on it stays as it is, and between the two it rises twice as steeply:

    a' = max(0, a - FAINT) CLEAR / (CLEAR - FAINT)   for a < CLEAR

so that no step shows in a soft shadow, and no outline, which runs where alpha is one half, moves. Done twice it would
be a step (14 levels would become 12, 8 and 0), and no curve without one can be the same done twice. So what is left
says that it was left: its levels are even and odd by turns, like the fields of a chessboard. Nobody sees one level of
so faint an alpha, other pictures do not have it, and it outlives cutting, turning and losing what a file says, as long
as ``TELLING`` such pixels are left. Fewer would be like that by chance (one always, two half the time), and are no soft
shadow, so nothing is left of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.pipelines.upscaling.resampling import LEVELS, Floats, premultiplied, straight

FAINT, CLEAR = 8, 16
"""Levels of alpha, of 255: up to the first it is haze, from the second on a part of the drawing."""

TELLING = 32
"""Pixels so faint from which their levels say something."""

LEAST_LEVEL = np.float32(0.5)
"""A level below this rounds to nothing."""


def without_haze(values: Floats) -> Floats:
    """Return a premultiplied picture whose faintest parts are gone.

    Args:
        values: ``[H, W, 4]`` premultiplied, in [0, 1].

    Returns:
        ``[H, W, 4]``, the same bits wherever alpha is at least ``CLEAR``.
    """
    alpha = values[..., 3:]
    kept = np.maximum(alpha - np.float32(FAINT / LEVELS), 0) * np.float32(CLEAR / (CLEAR - FAINT))
    share = np.where(alpha < CLEAR / LEVELS, kept / np.maximum(alpha, np.float32(1 / LEVELS)), np.float32(1.0))
    return values * share


def cleared(pixels: np.ndarray) -> np.ndarray:
    """Return a picture without haze; every pixel with an alpha of at least ``CLEAR`` keeps its bits.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.

    Returns:
        ``[H, W, 4]`` uint8; the same array where there is no haze, or none any more.
    """
    faint = (pixels[..., 3:] > 0) & (pixels[..., 3:] < CLEAR)
    if not faint.any() or is_cleared(pixels):
        return pixels
    return np.where(faint, straight(on_board(without_haze(premultiplied(pixels)))), pixels)


def is_cleared(pixels: np.ndarray) -> bool:
    """Tell whether a picture's haze was taken away, and something as faint was left.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
    """
    alpha = pixels[..., 3]
    fits = (alpha % 2 == _board(*alpha.shape))[(alpha > 0) & (alpha < CLEAR)]
    return fits.size >= TELLING and bool(fits.all() or not fits.any())


def on_board(values: Floats) -> Floats:
    """Return a premultiplied picture whose faint levels of alpha are even and odd by turns: the nearest that are.

    Args:
        values: ``[H, W, 4]`` premultiplied, in [0, 1].

    Returns:
        ``[H, W, 4]``; of fewer than ``TELLING`` faint pixels nothing is left.
    """
    levels, board = values[..., 3] * np.float32(LEVELS), _board(*values.shape[:2])
    nearest = 2 * np.rint((levels - board) / 2) + board
    faint = (levels >= LEAST_LEVEL) & (levels < CLEAR)
    left = faint & (nearest > 0) & (nearest < CLEAR)
    kept = np.where(left & (left.sum() < TELLING), 0, np.maximum(nearest, 0))
    share = np.where(faint, kept / np.maximum(levels, LEAST_LEVEL), np.float32(1.0))
    return (values * share[..., None]).astype(np.float32)


def _board(height: int, width: int) -> NDArray[np.int64]:
    """Return zeros and ones by turns: ``[H, W]``."""
    return (np.arange(height)[:, None] + np.arange(width)) % 2
