"""How a drawing looks at 32 px on white: the small picture by which duplicates and near-duplicates are found.

It is rendered at 32 px whatever the size of the data set, so groups and splits are the same at every size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.adapters.imagehash import phash

LOOK_SIZE = 32
MAX_HASH_DISTANCE = 4
MAX_RMSE = 0.10


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


def rmse(pixels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the root mean square difference of one small picture to ``[M, ...]`` others, in 0 to 1."""
    difference = (others.astype(np.float32) - pixels.astype(np.float32)) / 255
    return np.sqrt((difference**2).reshape(len(others), -1).mean(1))


def near_pairs(look: Look, index: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield all near-duplicates among some drawings: hash distance at most 4 and RMSE below 0.10.

    Args:
        look: The small pictures.
        index: Positions in ``look`` to compare with one another.
    """
    positions = np.asarray(index)
    codes = np.array([int(look.hashes[i], 16) for i in index], dtype=np.uint64)
    for first in range(len(positions)):
        distance = np.bitwise_count(codes[first] ^ codes[first + 1 :])
        close = positions[first + 1 + np.nonzero(distance <= MAX_HASH_DISTANCE)[0]]
        if len(close):
            alike = rmse(look.pixels[positions[first]], look.pixels[close]) < MAX_RMSE
            yield from ((int(positions[first]), int(other)) for other in close[alike])
