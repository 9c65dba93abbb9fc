"""How pictures look without words and without a network: color, contrast, sharpness and the roughness of outlines.

None of these is quality, and more is not better: what counts is the distance of their distribution to that of real
pictures. Transparent pictures are seen on white.

Source: colorfulness: Hasler and Suesstrunk 2003, Measuring colourfulness in natural images, equation 6; fractal
dimension by counting boxes: Mandelbrot 1982, The Fractal Geometry of Nature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import MetricError
from underpaint.metrics.pixels import Pixels, luma, on_white

Floats = NDArray[np.float64]

SHARPEST = 0.05
"""Part of the pixels over which sharpness is averaged."""
EDGE = 0.1
"""Brightness difference of neighbors, in 0 to 1, from which on a pixel is an edge."""


def colorfulness(pixels: Pixels) -> Floats:
    """Return the colorfulness of each picture in the scale of 0 to 255 values: ``[N]``; 0 is gray, 100 vivid.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1.
    """
    values = on_white(pixels) * 255.0
    red, green, blue = values[..., 0], values[..., values.shape[3] // 2], values[..., -1]
    red_green, yellow_blue = red - green, (red + green) / 2 - blue  # [N, H, W]
    axes = (1, 2)
    spread = np.hypot(red_green.std(axis=axes), yellow_blue.std(axis=axes))
    return spread + 0.3 * np.hypot(red_green.mean(axis=axes), yellow_blue.mean(axis=axes))


def contrast(pixels: Pixels) -> Floats:
    """Return the standard deviation of each picture's brightness: ``[N]``, 0 to 0.5.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1.
    """
    return luma(pixels).std(axis=(1, 2))


def _slopes(pixels: Pixels) -> Floats:
    values = luma(pixels)
    if min(values.shape[1:]) < 3:
        raise MetricError(f"pictures of {values.shape[1:]} pixels are too small for edges; take 3 a side at least")
    down, right = np.gradient(values, axis=(1, 2))
    return np.hypot(down, right)


def sharpness(pixels: Pixels) -> Floats:
    """Return the mean slope of brightness over the steepest 5 % of each picture's pixels: ``[N]``.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1.
    """
    slopes = _slopes(pixels)
    flat = np.sort(slopes.reshape(len(slopes), -1), axis=1)
    return flat[:, -max(1, round(SHARPEST * flat.shape[1])) :].mean(axis=1)


def fractal_dimension(pixels: Pixels) -> Floats:
    """Return the box-counting dimension of each picture's edges: ``[N]``, 1 for smooth outlines; 0 without edges.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1; 16 pixels a side at least.
    """
    return box_dimension(_slopes(pixels) > EDGE)


def box_dimension(masks: NDArray[np.bool_]) -> Floats:
    """Return the slope of the logarithm of the number of boxes that masks touch by that of their inverse side.

    Args:
        masks: ``[N, H, W]``, 16 pixels a side at least; boxes have 1, 2, 4 ... pixels, up to a quarter of the side.

    Returns:
        ``[N]``; 0 for empty masks.
    """
    side = min(masks.shape[1:])
    if side < 16:
        raise MetricError(f"masks of {masks.shape[1:]} pixels are too small to count boxes; take 16 a side at least")
    sizes = [2**i for i in range(int(np.log2(side // 4)) + 1)]
    counts = np.array([_boxes(masks, size) for size in sizes], dtype=np.float64)  # [sizes, N]
    logs = np.log(np.maximum(counts, 1.0))
    scale = -np.log(sizes)
    scale -= scale.mean()
    return scale @ logs / float(scale @ scale)


def _boxes(masks: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    n, h, w = masks.shape
    padded = np.pad(masks, ((0, 0), (0, -h % size), (0, -w % size)))
    grid = padded.reshape(n, padded.shape[1] // size, size, padded.shape[2] // size, size)
    return grid.any(axis=(2, 4)).sum(axis=(1, 2))
