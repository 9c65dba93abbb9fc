"""Gaussian filters over the two axes of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gaussian_kernel(size: int, sigma: float) -> Floats:
    """Return ``size`` weights that sum to 1."""
    off = np.arange(size) - (size - 1) / 2
    weights = np.exp(-0.5 * (off / sigma) ** 2)
    return weights / weights.sum()


def smooth(values: Floats, kernel: Floats) -> Floats:
    """Filter ``[N, H, W, ...]`` along H and W, reflecting at the border; both must exceed half the kernel."""
    reach = len(kernel) // 2
    for axis in (1, 2):
        pad = [(0, 0)] * values.ndim
        pad[axis] = (reach, reach)
        padded, size = np.pad(values, pad, mode="reflect"), values.shape[axis]
        filtered = np.zeros_like(values)
        for i, weight in enumerate(kernel):
            filtered += weight * np.take(padded, range(i, i + size), axis=axis)
        values = filtered
    return values
