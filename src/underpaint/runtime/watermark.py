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
LEVELS = 255
"""The brightest level of gray."""
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
def _band(height: int, width: int) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Return how many rows and columns of cosines the band reaches, its places in them, laid flat, and ω/∇² there."""
    frequency = frequencies(height, width)
    band = (frequency > BAND[0]) & (frequency < BAND[1])
    rows, columns = (int(np.flatnonzero(band.any(axis)).max(initial=0)) + 1 for axis in (1, 0))
    weights = -frequency / _laplacian(height, width)
    places = np.flatnonzero(band[:rows, :columns])
    return rows, columns, places, weights[:rows, :columns].ravel()[places]


@lru_cache(maxsize=4)
def _band_signs(key: bytes, height: int, width: int) -> np.ndarray:
    """Return the key's signs at the places of the band."""
    flat = signs(key, height, width).ravel()
    return flat[np.flatnonzero(flat)]


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


def _damped(step: np.ndarray) -> np.ndarray:
    """Return steps of brightness with those at edges damped."""
    return step * np.exp(-np.square(step / EDGE))


@lru_cache(maxsize=1)
def _damped_levels() -> np.ndarray:
    """Return the damped steps between whole levels, those from -255 to 255, ``[511]``."""
    return _damped(np.arange(-LEVELS, LEVELS + 1.0))


def _divergence(luma: np.ndarray, opaque: np.ndarray | None, *, is_whole: bool = False) -> np.ndarray:
    """Return where brightness rises or falls in small steps: the divergence of the damped gradient, ``[H, W]``.

    Args:
        luma: ``[H, W]``.
        opaque: Which pixels count, ``[H, W]`` bool; None for all.
        is_whole: Whether brightness is in whole levels from 0 to 255, whose steps need not be computed anew.
    """
    found = np.zeros_like(luma)
    for lines, visible, sums in ((luma, opaque, found), (luma.T, None if opaque is None else opaque.T, found.T)):
        step = lines[1:] - lines[:-1]
        step = _damped_levels()[(step + LEVELS).astype(np.intp)] if is_whole else _damped(step)
        if visible is not None:
            step *= visible[1:] & visible[:-1]
        sums[:-1] += step
        sums[1:] -= step
    return found


def _without_edges(divergence: np.ndarray) -> np.ndarray:
    """Return the band's cosine coefficients, times their frequency, of the picture whose steps are all small ones.

    Args:
        divergence: That of the small steps, ``[H, W]``.

    Returns:
        One number for each place of the band.
    """
    height, width = divergence.shape
    rows, columns, places, weights = _band(height, width)
    steps = cosines(height)[:rows] @ divergence @ cosines(width)[:columns].T
    return weights * steps.ravel()[places]


def _median(values: np.ndarray) -> float:
    """Return the median of a flat array, which is put into another order."""
    middle = len(values) // 2
    values.partition((middle - 1, middle) if len(values) % 2 == 0 else middle)
    return float(values[middle - 1] + values[middle]) / 2 if len(values) % 2 == 0 else float(values[middle])


def _score(divergence: np.ndarray, key: bytes) -> float:
    found, pattern = _without_edges(divergence), _band_signs(key, *divergence.shape)
    limit = 3.0 * _median(np.abs(found))
    if limit > 0:
        np.clip(found, -limit, limit, out=found)
    length = math.sqrt(float(found @ found))
    return float(found @ pattern) / length if length > 1e-9 else 0.0


def score(pixels: np.ndarray, key: bytes) -> float:
    """Return how much a picture speaks for the key's mark: standard normal without one, above ``THRESHOLD`` with it.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, of a size that ``fits``; straight alpha.
        key: Any bytes.
    """
    return _score(_divergence(_luma(pixels), _opaque(pixels)), key)


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


class Marking:
    """A picture that is marked, as many times as one likes.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, of a size that ``fits``; straight alpha.
        key: Any bytes.
    """

    def __init__(self, pixels: np.ndarray, key: bytes) -> None:
        self._pixels, self._key = pixels, key
        self._planes = np.moveaxis(pixels[..., :3], 2, 0).astype(float, order="C")  # [3, H, W]
        light, self._deviation = _light(key, *pixels.shape[:2])
        self._is_opaque = pixels.shape[2] == 3
        if self._is_opaque:
            self._light = light
        else:
            self._light = np.where(pixels[..., 3] > 0, light, 0.0)
            self._alpha = pixels[..., 3] / 255.0
            self._white = 255.0 * (1.0 - self._alpha)

    def _marked(self, amplitude: float) -> np.ndarray:
        """Return colors with a mark of this many gray levels, ``[3, H, W]`` in whole levels."""
        planes = self._planes + self._light * (amplitude / self._deviation)
        return np.clip(np.rint(planes, out=planes), 0.0, 255.0, out=planes)

    def lasts(self, amplitude: float) -> bool:
        """Tell whether a mark of this many gray levels outlasts coarse compression on white."""
        planes = self._marked(amplitude)
        luma = (LUMA @ planes.reshape(3, -1)).reshape(planes.shape[1:])  # [H, W]
        if not self._is_opaque:
            luma = luma * self._alpha + self._white
        return _score(_divergence(_compressed(luma), None, is_whole=True), self._key) >= LASTING

    def marked(self, amplitude: float) -> np.ndarray:
        """Return the picture with a mark of this many gray levels; alpha and invisible pixels stay as they are."""
        marked = self._pixels.copy()
        marked[..., :3] = np.moveaxis(self._marked(amplitude), 0, 2)
        return marked


def add(pixels: np.ndarray, key: bytes, amplitude: float) -> np.ndarray:
    """Return a picture with a mark of this many gray levels; alpha and invisible pixels stay as they are."""
    return Marking(pixels, key).marked(amplitude)


def embed(pixels: np.ndarray, key: bytes) -> np.ndarray:
    """Return a picture with the faintest mark that outlasts coarse compression on white, or else the strongest.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, of a size that ``fits``; straight alpha.
        key: Any bytes.
    """
    marking = Marking(pixels, key)
    return marking.marked(next(filter(marking.lasts, AMPLITUDES[:-1]), AMPLITUDES[-1]))
