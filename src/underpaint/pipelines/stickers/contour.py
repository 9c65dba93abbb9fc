"""The die-cut contour of a sticker: all that lies within a width of the drawing, its notches rounded out.

The shape is dilated by ``w + r`` and eroded by ``r``: convex corners become arcs of radius ``w``, and no notch or hole
is left that a disc of radius ``r`` does not fit into, as a knife cannot follow it either. Both steps are exact
Euclidean distances to the outline ``alpha = 1/2``, so that the width is the same in every direction. The second one is
smoothed by a share of the width, since the pixels of a small drawing would show as waves. Small stickers are followed
at twice their resolution, large ones at half of it, where half a pixel is less than a printer's dot.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from underpaint.pipelines.stickers.distances import Bools, Floats, distances

HALF = 127.5
"""Where the outline of a shape runs, in levels of alpha."""
FINE, COARSE = 700, 1400
"""Sides in pixels: up to the first an outline is followed finely, beyond the second coarsely."""
SMOOTHING, LEAST_SMOOTHING = 0.4, 0.7
"""Deviation by which a contour is smoothed: a share of its width, and pixels at least."""
REACH = 3.0
"""Deviations that a Gaussian is followed for."""


def contour(alpha: np.ndarray, width: float, *, roundness: float | None = None) -> Floats:
    """Return how far each pixel belongs to the sticker: the drawing and its contour.

    Args:
        alpha: ``[H, W]`` uint8, with as much room around the drawing as the contour needs.
        width: Of the contour, in pixels; 0 gives the drawing's own outline.
        roundness: Radius, in pixels, below which notches are filled; None for the width.

    Returns:
        ``[H, W]`` in [0, 1], with a soft edge a pixel wide.
    """
    radius = width if roundness is None else roundness
    scale = _scale(max(alpha.shape))
    rim = 2 * (math.ceil(radius) // 2 + 2)
    alpha = np.pad(alpha, rim)
    shape = _resized(alpha.astype(np.float32), (round(alpha.shape[0] * scale), round(alpha.shape[1] * scale))) > HALF
    deviation = max(LEAST_SMOOTHING, SMOOTHING * width * scale)
    depth = _closed(shape, scale * (width + radius), scale * radius, deviation) / np.float32(scale)
    inner = (slice(rim, -rim), slice(rim, -rim))
    if scale < 1:
        return np.clip(_resized(depth, alpha.shape) + np.float32(0.5), 0.0, 1.0)[inner]
    return _averaged(np.clip(depth * np.float32(scale) + np.float32(0.5), 0.0, 1.0), int(scale))[inner]


def _scale(side: int) -> float:
    """Return the resolution at which the outline of a picture is followed."""
    return 2.0 if side <= FINE else 1.0 if side <= COARSE else 0.5


def _closed(shape: Bools, grown: float, shrunk: float, deviation: float) -> Floats:
    """Return how deep each pixel lies inside a shape that is dilated, then eroded; negative outside, in pixels."""
    outside = distances(shape, int(grown) + 2) - 0.5 > grown
    depth = distances(outside, int(shrunk + REACH * deviation) + 4) - np.float32(0.5)
    return smoothed(depth, deviation) - np.float32(shrunk)


def smoothed(values: Floats, deviation: float) -> Floats:
    """Return values averaged with their neighbors, weighted by a Gaussian; beyond the rim the outermost ones go on.

    Args:
        values: ``[H, W]``.
        deviation: In pixels.
    """
    reach = math.ceil(REACH * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if axis == other else (0, 0) for other in (0, 1)], mode="edge")
        values, part, length = np.zeros_like(values), np.empty_like(values), values.shape[axis]
        for start, weight in enumerate(weights / weights.sum()):
            shifted = padded[start : start + length] if axis == 0 else padded[:, start : start + length]
            values += np.multiply(weight, shifted, out=part)
    return values


def _resized(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Return values at another resolution, without overshoot."""
    if values.shape == shape:
        return values
    return np.asarray(Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def _averaged(values: Floats, factor: int) -> Floats:
    """Return the mean of each square of ``factor`` pixels a side."""
    height, width = values.shape[0] // factor, values.shape[1] // factor
    return values.reshape(height, factor, width, factor).mean(axis=(1, 3), dtype=np.float32)


def blurred(coverage: Floats, deviation: float) -> Floats:
    """Return a coverage with the soft edge of a shadow.

    Args:
        coverage: ``[H, W]`` in [0, 1].
        deviation: Of the blur, in pixels.
    """
    levels = Image.fromarray(np.rint(coverage * 255).astype(np.uint8))
    return np.asarray(levels.filter(ImageFilter.GaussianBlur(deviation)), dtype=np.float32) / np.float32(255)
