"""Precision and recall of a generated set: how much of each set lies on the other's manifold.

Source: improved precision and recall, arXiv 1904.06991, equations 1 to 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    square = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * a.astype(np.float64) @ b.T.astype(np.float64)
    return np.sqrt(np.maximum(square, 0.0))


def coverage(manifold: NDArray[np.float32], points: NDArray[np.float32], neighbors: int = 3) -> float:
    """Return the share of ``points`` that lie within reach of some point of ``manifold``.

    The reach of a manifold point is the distance to its ``neighbors``-th nearest other point. With the real set as
    manifold this is precision, with the generated set it is recall.

    Args:
        manifold: Features ``[N, F]``.
        points: Features ``[M, F]``.
        neighbors: At least 1.
    """
    among = np.sort(_distances(manifold, manifold), axis=1)
    reach = among[:, neighbors]
    return float((_distances(points, manifold) <= reach[None]).any(axis=1).mean())
