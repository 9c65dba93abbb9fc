"""A keyed watermark for small drawings: faint light and dark that only the key tells from chance.

The pattern is a sum of cosines over the whole picture, each with a sign that the key decides:

    w = DCT⁻¹(b),  b(u, v) = ±1 where 0.1 < √((u/H)² + (v/W)²) < 0.7, and 0 elsewhere;  y = x + a·w

A drawing has few levels and hard edges, and its edges fill every frequency. So the detector takes the edges out first:
it damps the steps between neighboring pixels, g·exp(-(g/12)²), drops those at the transparent border, and asks which
picture has the steps that are left (∇²r = ∇·g, which the same cosines solve). What remains of a flat area is the mark.

    c = ω·DCT(r), clipped at three medians;  z = ⟨c, b⟩ / ‖c‖

Whatever the picture, z over all keys has mean 0 and variance 1 without a mark, since the signs are independent of it.

Source: spread spectrum, Cox et al., "Secure Spread Spectrum Watermarking for Multimedia", IEEE TIP 6(12), 1997.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import numpy as np

MIN_SIDE, MAX_SIDE = 16, 2048
"""Shortest and longest side of a picture that is marked or searched, in pixels."""
THRESHOLD = 4.0
"""Score from which a mark counts as found; chance reaches it in 3 of 100,000 pictures."""
BAND = (0.1, 0.7)
EDGE = 12.0
"""Step between two pixels, in gray levels, beyond which it is an edge of the drawing."""
AMPLITUDES = tuple(2.0 + 0.5 * step for step in range(7))
"""Standard deviations of the mark in gray levels; the faintest that lasts is taken."""
LASTING = 6.0
"""Score that the mark must have after coarse compression, while the amplitudes last."""
BLOCK, COARSE = 8, 16.0
"""Side of a block and rounding of its cosines, for the compression that a mark is tried with."""
LUMA = np.array([0.299, 0.587, 0.114])
_NAME = b"underpaint watermark 1"


def fits(height: int, width: int) -> bool:
    """Tell whether a picture of this size is marked and searched."""
    return min(height, width) >= MIN_SIDE and max(height, width) <= MAX_SIDE


@lru_cache(maxsize=4)
def cosines(length: int) -> np.ndarray:
    """Return the orthonormal DCT-II as a matrix ``[L, L]``; its transpose is the inverse."""
    frequency, place = np.arange(length)[:, None], np.arange(length)[None]
    matrix = np.sqrt(2 / length) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * length))
    matrix[0] /= np.sqrt(2)
    return matrix


@lru_cache(maxsize=4)
def frequencies(height: int, width: int) -> np.ndarray:
    """Return √((u/H)² + (v/W)²) as ``[H, W]``; 1 along an axis is the finest pattern of it."""
    return np.hypot(np.arange(height)[:, None] / height, np.arange(width)[None] / width)


@lru_cache(maxsize=8)
def signs(key: bytes, height: int, width: int) -> np.ndarray:
    """Return the key's signs as ``[H, W]``: -1 or 1 in the band, 0 elsewhere."""
    frequency = frequencies(height, width)
    band = (frequency > BAND[0]) & (frequency < BAND[1])
    number = int(band.sum())
    seed = b"\0".join([_NAME, len(key).to_bytes(4, "big"), key, height.to_bytes(4, "big"), width.to_bytes(4, "big")])
    drawn = np.frombuffer(hashlib.shake_256(seed).digest((number + 7) // 8), dtype=np.uint8)
    pattern = np.zeros((height, width))
    pattern[band] = np.unpackbits(drawn)[:number] * 2.0 - 1.0
    return pattern


@lru_cache(maxsize=4)
def _band_signs(key: bytes, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the band in a flat picture, and the key's signs there."""
    flat = signs(key, height, width).ravel()
    places = np.flatnonzero(flat)
    return places, flat[places]


@lru_cache(maxsize=4)
def _light(key: bytes, height: int, width: int) -> tuple[np.ndarray, float]:
    """Return the key's pattern of light and dark as ``[H, W]``, and its standard deviation."""
    pattern = cosines(height).T @ signs(key, height, width) @ cosines(width)
    return pattern, float(pattern.std())


@lru_cache(maxsize=4)
def _laplacian(height: int, width: int) -> np.ndarray:
    """Return what the cosines of a picture are multiplied with by the sum of its second differences, ``[H, W]``."""
    slopes = [2.0 - 2.0 * np.cos(np.pi * np.arange(length) / length) for length in (height, width)]
    laplacian = slopes[0][:, None] + slopes[1][None]
    laplacian[0, 0] = 1.0
    return laplacian


def _luma(pixels: np.ndarray) -> np.ndarray:
    """Return the brightness of a picture on white, 0 to 255."""
    values = pixels[..., :3] @ LUMA  # [H, W]
    if pixels.shape[2] == 3:
        return values
    alpha = pixels[..., 3] / 255.0
    return values * alpha + 255.0 * (1.0 - alpha)


def _opaque(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 3] >= 128 if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], dtype=bool)


def _divergence(luma: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """Return where brightness rises or falls in small steps: the divergence of the damped gradient, ``[H, W]``."""
    found = np.zeros_like(luma)
    is_whole = bool(opaque.all())
    for lines, visible, sums in ((luma, opaque, found), (luma.T, opaque.T, found.T)):
        step = lines[1:] - lines[:-1]
        step *= np.exp(-np.square(step / EDGE))
        if not is_whole:
            step *= visible[1:] & visible[:-1]
        bordered = np.zeros((len(lines) + 1, lines.shape[1]))
        bordered[1:-1] = step
        sums += bordered[1:] - bordered[:-1]
    return found


def _without_edges(luma: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """Return the cosine coefficients, times their frequency, of the picture whose steps are all small ones."""
    height, width = luma.shape
    steps = cosines(height) @ _divergence(luma, opaque) @ cosines(width).T
    return -frequencies(height, width) * steps / _laplacian(height, width)


def _score(luma: np.ndarray, opaque: np.ndarray, key: bytes) -> float:
    places, pattern = _band_signs(key, *luma.shape)
    found = _without_edges(luma, opaque).ravel()[places]
    limit = 3.0 * float(np.median(np.abs(found)))
    if limit > 0:
        found = np.clip(found, -limit, limit)
    length = float(np.linalg.norm(found))
    return float(found @ pattern) / length if length > 1e-9 else 0.0


def score(pixels: np.ndarray, key: bytes) -> float:
    """Return how much a picture speaks for the key's mark: standard normal without one, above ``THRESHOLD`` with it.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, of a size that ``fits``; straight alpha.
        key: Any bytes.
    """
    return _score(_luma(pixels), _opaque(pixels), key)


def chance(z: float, tries: int = 1) -> float:
    """Return the probability that the best of some scores is at least ``z`` in a picture without a mark.

    Args:
        z: The best score.
        tries: How many keys and sizes were tried.
    """
    return min(1.0, tries * 0.5 * math.erfc(z / math.sqrt(2.0)))


def _compressed(luma: np.ndarray) -> np.ndarray:
    """Round the cosines of every block coarsely, as a JPEG does; what is beyond the last whole block is kept."""
    height, width = (length // BLOCK for length in luma.shape)
    area = luma[: height * BLOCK, : width * BLOCK]
    blocks = area.reshape(height, BLOCK, width, BLOCK).swapaxes(1, 2)  # [H/8, W/8, 8, 8]
    matrix = cosines(BLOCK)
    rounded = matrix.T @ (COARSE * np.rint(matrix @ blocks @ matrix.T / COARSE)) @ matrix
    result = luma.copy()
    result[: height * BLOCK, : width * BLOCK] = rounded.swapaxes(1, 2).reshape(area.shape)  # [H, W]
    return np.clip(np.rint(result), 0, 255)


def add(pixels: np.ndarray, key: bytes, amplitude: float) -> np.ndarray:
    """Return a picture with a mark of this many gray levels; alpha and invisible pixels stay as they are."""
    height, width = pixels.shape[:2]
    light, deviation = _light(key, height, width)
    pattern = light * (amplitude / deviation)
    visible = pixels[..., 3] > 0 if pixels.shape[2] == 4 else True
    marked = pixels.copy()
    marked[..., :3] = np.clip(np.rint(pixels[..., :3] + np.where(visible, pattern, 0.0)[..., None]), 0, 255)
    return marked


def embed(pixels: np.ndarray, key: bytes) -> np.ndarray:
    """Return a picture with the faintest mark that outlasts coarse compression on white, or else the strongest.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, of a size that ``fits``; straight alpha.
        key: Any bytes.
    """
    low, high, faintest = 0, len(AMPLITUDES) - 1, None
    whole = np.ones(pixels.shape[:2], dtype=bool)
    while low < high:
        middle = (low + high) // 2
        marked = add(pixels, key, AMPLITUDES[middle])
        if _score(_compressed(_luma(marked)), whole, key) >= LASTING:
            high, faintest = middle, marked
        else:
            low = middle + 1
    return add(pixels, key, AMPLITUDES[high]) if faintest is None else faintest
