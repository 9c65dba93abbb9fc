"""Enlarging without learning: interpolation, pushed away from the middle of what surrounds it, and corrected.

Between the darkest and the brightest of its neighbors a value is pushed away from the middle, so that an edge becomes
as narrow as it was; then the picture is corrected until its mean over each pixel is that pixel again:

    u ← clip(m + (1 + g w) (u - m), lo, hi);  u ← u + w ↑(x - ↓u),  m = (lo + hi) / 2

where ``w`` is 1 at edges and 0 where neighbors hardly differ, so that the grain of a drawing is not sharpened. What is
flat stays flat, no ringing appears, and every edge keeps its place to a part of a pixel. This is done to alpha and to
color apart, each color being first continued to where nothing is seen: so an outline has the color of what it bounds,
and no dark seam. The network (``models/upscaler.py``) begins with the same.

Source: back-projection, Irani and Peleg 1991, Improving resolution by image registration; normalized convolution,
Knutsson and Westin 1993.
"""

from __future__ import annotations

from functools import lru_cache, reduce

import numpy as np

from underpaint.pipelines.upscaling.resampling import Floats

ROUNDS, PUSH = 4, 0.5
"""How often the picture is sharpened and corrected, and how far it is pushed each time."""
FAINT, CLEAR = 0.1, 0.3
"""Differences of neighbors, of 1, below which there is no edge and above which there is one."""

CERTAINTY, FARTHER = 4, 0.03
"""Power of alpha that a color counts with for its neighbors, and how much those farther away count."""
TINY = 1e-12


@lru_cache(maxsize=16)
def interpolation(length: int, factor: int) -> Floats:
    """Return bilinear interpolation along one axis as a matrix ``[factor * L, L]``; at the ends the last value holds.

    Args:
        length: Values, ``L``.
        factor: How many times more there become.
    """
    places = (np.arange(length * factor) + 0.5) / factor - 0.5
    rows = [np.interp(places, np.arange(length), one) for one in np.eye(length)]
    return np.stack(rows, axis=1).astype(np.float32)


def enlarged(values: Floats, factor: int) -> Floats:
    """Interpolate bilinearly.

    Args:
        values: ``[H, W, C]``.
        factor: How many times larger they become.

    Returns:
        ``[factor * H, factor * W, C]``.
    """
    down, right = (interpolation(length, factor) for length in values.shape[:2])
    planes = [down @ values[..., c] @ right.T for c in range(values.shape[2])]
    return np.stack(planes, axis=-1).astype(np.float32, copy=False)


def reduced(values: Floats, factor: int) -> Floats:
    """Return the mean of each square.

    Args:
        values: ``[factor * H, factor * W, C]``.
        factor: Side of a square.

    Returns:
        ``[H, W, C]``.
    """
    height, width, channels = values.shape
    squares = values.reshape(height // factor, factor, width // factor, factor, channels)
    if channels == 1:
        return squares.mean(axis=(1, 3), dtype=np.float32)
    parts = [squares[:, i, :, j] for i in range(factor) for j in range(factor)]  # [H, W, C] each; a mean adds them so
    return reduce(np.add, parts) / np.float32(factor**2)


def surroundings(values: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest value of each pixel and the eight around it: ``[H, W, C]`` each."""
    height, width = values.shape[:2]
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    down = [padded[i : i + height] for i in range(3)]
    least, greatest = reduce(np.minimum, down), reduce(np.maximum, down)  # [H, W + 2, C]
    low = reduce(np.minimum, [least[:, j : j + width] for j in range(3)])  # [H, W, C]
    high = reduce(np.maximum, [greatest[:, j : j + width] for j in range(3)])
    return low, high


def unlearned(values: Floats, factor: int) -> Floats:
    """Enlarge a premultiplied picture.

    Args:
        values: ``[H, W, 4]`` in [0, 1].
        factor: How many times larger it becomes.

    Returns:
        ``[factor * H, factor * W, 4]`` in [0, 1].
    """
    alpha = np.clip(sharpened(values[..., 3:], factor), 0, 1)
    color = np.clip(sharpened(continued(values), factor), 0, 1)
    return np.concatenate([color * alpha, alpha], axis=-1)


def continued(values: Floats) -> Floats:
    """Return colors that go on where nothing is seen, and are their neighbors' where little is seen.

    Args:
        values: ``[H, W, 4]`` premultiplied, in [0, 1].

    Returns:
        ``[H, W, 3]`` straight, in [0, 1].
    """
    color, alpha = values[..., :3], values[..., 3:]
    certain = alpha**CERTAINTY
    around = spread(color * certain) / (spread(alpha * certain) + np.float32(TINY))
    doubt = np.clip(4 * (1 - alpha), 0, 1)
    return np.clip((1 - doubt) * color / np.maximum(alpha, 0.5) + doubt * around, 0, 1).astype(np.float32, copy=False)


def spread(values: Floats) -> Floats:
    """Return the mean of what lies around each pixel: ``[H, W, C]``; what is next to it counts far more."""
    near, far = (mean_around(values, reach) for reach in (1, 3))
    return (near + FARTHER * far).astype(np.float32, copy=False)


def mean_around(values: Floats, reach: int) -> Floats:
    """Return the mean of the square around each pixel, outside of the picture being nothing.

    Args:
        values: ``[H, W, C]``.
        reach: Pixels from the middle of the square to its rim.

    Returns:
        ``[H, W, C]``.
    """
    height, width = values.shape[:2]
    side = 2 * reach + 1
    padded = np.pad(values, ((reach, reach), (reach, reach), (0, 0)))
    rows = reduce(np.add, [padded[i : i + height] for i in range(side)])  # [H, W + 2 reach, C]
    total = reduce(np.add, [rows[:, j : j + width] for j in range(side)])  # [H, W, C]
    return (total / side**2).astype(np.float32, copy=False)


def sharpened(values: Floats, factor: int) -> Floats:
    """Enlarge values, pushed at edges and corrected.

    Args:
        values: ``[H, W, C]`` in [0, 1].
        factor: How many times larger they become.

    Returns:
        ``[factor * H, factor * W, C]``, nominally in [0, 1].
    """
    low, high = (enlarged(edge, factor) for edge in surroundings(values))
    weight = edge_weight(reduce(np.maximum, np.split(high - low, values.shape[-1], axis=-1)))
    middle, large = (low + high) / 2, enlarged(values, factor)
    for _ in range(ROUNDS):
        pushed = middle + (1 + PUSH * weight) * (large - middle)
        large = np.clip(pushed, low, high).astype(np.float32, copy=False)
        large += weight * enlarged(values - reduced(large, factor), factor)
    return large


def edge_weight(contrast: Floats) -> Floats:
    """Return how much of an edge there is, 0 to 1, where neighbors differ by ``contrast``."""
    share = np.clip((contrast - FAINT) / (CLEAR - FAINT), 0.0, 1.0).astype(np.float32)
    return share * share * (3 - 2 * share)
