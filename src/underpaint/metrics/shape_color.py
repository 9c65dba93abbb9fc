"""Features of a picture without learned weights: where its edges point, and where its colors lie.

They need nothing but numpy, depend on no data set and so can judge models of any origin; they see composition, outline
and color, not meaning.

Source: histograms of oriented gradients, Dalal and Triggs, CVPR 2005.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 8
BINS = 8


def _cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average ``[N, H, H, F]`` over an 8 x 8 grid of cells: ``[N, 8 * 8 * F]``."""
    n, h, _, f = values.shape
    step = h // CELLS
    grid = values[:, : step * CELLS, : step * CELLS].reshape(n, CELLS, step, CELLS, step, f)
    return grid.mean(axis=(2, 4)).reshape(n, -1)


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-8)


def shape_color_features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe pictures.

    Args:
        pixels: ``[N, H, H, 4]``, straight alpha; ``H`` is 8 at least.

    Returns:
        ``[N, 768]``: 512 numbers on edges (8 x 8 cells, 8 directions) and 256 on premultiplied color and alpha
        (8 x 8 cells), each part of length ``sqrt(1 / 2)``.
    """
    values = pixels.astype(np.float32) / 255.0
    alpha = values[..., 3:]
    color = values[..., :3] * alpha
    gray = (color + 1.0 - alpha).mean(axis=3)  # on white
    dy, dx = np.gradient(gray, axis=(1, 2))
    direction = (np.arctan2(dy, dx) % np.pi) / np.pi * BINS
    bins = np.minimum(direction.astype(np.int64), BINS - 1)
    edges = np.eye(BINS, dtype=np.float32)[bins] * np.hypot(dx, dy)[..., None]
    parts = [_unit(_cells(edges.astype(np.float32))), _unit(_cells(np.concatenate([color, alpha], axis=3)))]
    return np.concatenate(parts, axis=1) * np.float32(0.5**0.5)
