"""Exact Euclidean distances to a set of pixels, up to a limit, by rows and then by columns.

``d(y, x)^2 = min_v (v^2 + h(y + v, x)^2)`` with the distance ``h`` within a row, so that a shape costs as many passes
as the limit has pixels.

Source: Saito and Toriwaki, "New algorithms for Euclidean distance transformation of an n-dimensional digitized
picture", 1994.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


def distances(inside: Bools, limit: int) -> Floats:
    """Return how far each pixel's center is from the nearest center of a set.

    Args:
        inside: ``[H, W]``, the set.
        limit: Longest distance that matters, in pixels.

    Returns:
        ``[H, W]`` in pixels, 0 within the set, exact up to the limit and ``limit + 1`` beyond it.
    """
    far = limit + 1
    squares = np.minimum(_within_rows(inside, far), far).astype(_fitting(2 * far * far)) ** 2
    nearest, farther = squares.copy(), np.empty_like(squares)
    for step in range(1, min(limit, len(inside) - 1) + 1):
        np.add(squares, step * step, out=farther)
        np.minimum(nearest[step:], farther[:-step], out=nearest[step:])
        np.minimum(nearest[:-step], farther[step:], out=nearest[:-step])
    found = np.sqrt(nearest, dtype=np.float32)
    return np.where(found > limit, np.float32(far), found)


def _fitting(most: int) -> type[np.signedinteger[Any]]:
    """Return the shortest integers that hold a number, since a pass takes as long as they do."""
    return np.int16 if most <= np.iinfo(np.int16).max else np.int32


def _within_rows(inside: Bools, far: int) -> NDArray[np.signedinteger[Any]]:
    """Return how far each pixel is from the nearest one of the set in its row."""
    columns = np.arange(inside.shape[1], dtype=_fitting(2 * (inside.shape[1] + far + 1)))
    before = np.maximum.accumulate(np.where(inside, columns, -far - 1), axis=1)
    after = np.minimum.accumulate(np.where(inside, columns, inside.shape[1] + far)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(columns - before, after - columns)
