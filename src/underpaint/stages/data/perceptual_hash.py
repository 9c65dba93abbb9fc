"""The perceptual hash of small pictures: 64 signs of their lowest frequencies, by NumPy, many pictures at once.

A picture becomes gray, its discrete cosine transform keeps the 8x8 lowest frequencies, and a bit says whether each of
them lies above their median. It is ImageHash's ``phash`` of the same small picture, with one difference: frequencies
that equal the median but for rounding (those of symmetric pictures) are 0 here, whatever the processor rounds to.

Source: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, section 3.2.1.
"""

from __future__ import annotations

import math

import numpy as np

SIDE, KEPT = 32, 8
BATCH = 256
"""Pictures that are hashed at once; each takes some 30 kB meanwhile."""
TIE = 1e-6
"""Frequencies nearer to the median than this equal it; rounding errors are below 1e-9, real steps above."""
LUMA = np.array([19595, 38470, 7471], np.uint32)
"""Weights of red, green and blue in 65536ths (ITU-R BT.601), as Pillow rounds them."""


def cosines() -> np.ndarray:
    """Return the lowest rows of the discrete cosine transform of type II, ``[8, 32]``."""
    frequency, place = np.arange(KEPT)[:, None], np.arange(SIDE)[None]
    return 2 * np.cos(math.pi * frequency * (2 * place + 1) / (2 * SIDE))


def gray_of(pixels: np.ndarray) -> np.ndarray:
    """Return the luma of ``[..., 3]`` uint8 pixels, 0 to 255, rounded as Pillow rounds it."""
    return (pixels.astype(np.uint32) @ LUMA + 0x8000) >> 16


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """Hash small pictures.

    Args:
        pixels: ``[N, 32, 32, 3]`` uint8 on an opaque ground; may be memory-mapped.

    Returns:
        ``[N]`` uint64; two pictures look alike if few bits differ.
    """
    basis = cosines()
    hashes = np.empty(len(pixels), np.uint64)
    for start in range(0, len(pixels), BATCH):
        gray = gray_of(np.asarray(pixels[start : start + BATCH])).astype(np.float64)
        low = (basis @ gray @ basis.T).reshape(len(gray), KEPT * KEPT)  # [N, 64]
        bits = low - np.median(low, axis=1, keepdims=True) > TIE
        hashes[start : start + BATCH] = np.packbits(bits, axis=1).view(">u8")[:, 0]
    return hashes


def hash_text(value: int) -> str:
    """Write a hash as it stands in ``samples.jsonl``: 16 hexadecimal characters."""
    return f"{int(value):016x}"
