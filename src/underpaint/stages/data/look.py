"""How a drawing looks at 32 px on white: the small picture by which duplicates and near-duplicates are found.

It is rendered at 32 px whatever the size of the data set, so groups and splits are the same at every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.adapters.imagehash import phash
from underpaint.stages.data import near_duplicates

LOOK_SIZE = 32


@dataclass(frozen=True, kw_only=True)
class Look:
    """The small pictures of some drawings.

    Args:
        pixels: ``[N, 32, 32, 3]`` uint8 on white.
        hashes: ``[N]`` perceptual hashes of 16 hexadecimal characters.
        alpha: ``[N]`` mean alpha in 0 to 1.
    """

    pixels: np.ndarray
    hashes: list[str]
    alpha: np.ndarray

    def at(self, index: Sequence[int]) -> Look:
        """Return the small pictures at some positions."""
        return Look(
            pixels=self.pixels[list(index)], hashes=[self.hashes[i] for i in index], alpha=self.alpha[list(index)]
        )


def on_white(rgba: np.ndarray) -> np.ndarray:
    """Compose ``[..., 4]`` uint8 straight-alpha pixels on white and return ``[..., 3]`` uint8."""
    color, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32) / 255
    return np.rint(color * alpha + 255 * (1 - alpha)).astype(np.uint8)


def look_at(pictures: Sequence[np.ndarray]) -> Look:
    """Make the small pictures of ``[32, 32, 4]`` renders."""
    stack = np.stack(pictures)  # [N, 32, 32, 4]
    pixels = on_white(stack)
    return Look(
        pixels=pixels,
        hashes=[phash(picture) for picture in pixels],
        alpha=stack[..., 3].mean((1, 2)) / 255,
    )


def near_pairs(look: Look, index: Sequence[int]) -> list[tuple[int, int]]:
    """Return all near-duplicates among some drawings, in order.

    Args:
        look: The small pictures.
        index: Positions in ``look`` to compare with one another.

    Returns:
        Pairs of positions in ``look``; the one that stands first in ``index`` comes first.
    """
    positions = np.asarray(index, dtype=np.int64)  # [M]
    hashes = np.array([int(look.hashes[i], 16) for i in index], dtype=np.uint64)  # [M]
    lots = near_duplicates.near_pairs(hashes, look.pixels[positions])
    pairs = sorted(pair for one, other, _ in lots for pair in zip(one.tolist(), other.tolist(), strict=True))
    return [(int(positions[one]), int(positions[other])) for one, other in pairs]
