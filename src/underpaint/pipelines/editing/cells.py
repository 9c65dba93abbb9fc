"""Which tokens of a picture are drawn anew: those of the finer scales, in the cells that belong to the mask.

A cell belongs to the mask as soon as one of its pixels does. Cells are the windows that averaging a latent to a scale
sums over, which overlap by a pixel where the side of the picture is no multiple of the scale's.

Shapes: ``S`` side of the picture, ``k`` side of a scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def masked_cells(inside: np.ndarray, side: int) -> np.ndarray:
    """Return the cells of a scale that belong to a mask: ``[k * k]`` bool, row by row.

    Args:
        inside: ``[S, S]`` bool.
        side: Side ``k`` of the scale, at most ``S``.
    """
    starts = [index * len(inside) // side for index in range(side)]
    stops = [-(-(index + 1) * len(inside) // side) for index in range(side)]
    windows = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
    return np.array([inside[rows, columns].any() for rows in windows for columns in windows])


def free_cells(schedule: Sequence[int], num_kept: int, inside: np.ndarray | None = None) -> list[np.ndarray]:
    """Return what is drawn anew at each scale, each ``[k * k]`` bool.

    Args:
        schedule: Sides of the scales, coarse to fine.
        num_kept: The coarsest scales that are kept whole.
        inside: Where the rest is drawn anew, ``[S, S]`` bool; None for everywhere.
    """
    free = [np.ones(k * k, dtype=bool) if inside is None else masked_cells(inside, k) for k in schedule]
    return [cells & (scale >= num_kept) for scale, cells in enumerate(free)]
