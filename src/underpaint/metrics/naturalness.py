"""Naturalness: how far a picture's local brightness statistics lie from those of pictures that are known to be good.

The form of NIQE, fitted to our own references, so its numbers compare with those of the same fit only. Brightness is
normalized by its surroundings; the shapes of the distributions of the result and of products of neighbors, at two
scales, are 36 features; the score is the distance of a picture's features to the reference's Gaussian. Small pictures
give too few patches for a Gaussian of their own, so the reference's alone measures.

Source: Mittal, Soundararajan and Bovik 2013, Making a "completely blind" image quality analyzer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.filters import gaussian_kernel, smooth
from underpaint.metrics.neighbors import blocks
from underpaint.metrics.pixels import Pixels, luma

Floats = NDArray[np.float64]

KERNEL = gaussian_kernel(7, 7 / 6)
FEATURES = 36
MIN_PICTURES = 4 * FEATURES
MIN_SIDE = 16
BATCH = 128
RIDGE = 1e-3
"""Part of the mean variance that is added to the Gaussian's variances."""
NOTHING = 1e-9
"""Deviation of a feature that is rounding."""
SHAPES = np.arange(0.2, 10.0, 0.001)
_GAMMA = np.array([[math.lgamma(k / shape) for shape in SHAPES] for k in (1, 2, 3)])
RATIOS = np.exp(2 * _GAMMA[1] - _GAMMA[0] - _GAMMA[2])
"""Squared mean magnitude over variance of a generalized normal distribution of each shape; rises with the shape."""
NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))


def normalized_brightness(brightness: Floats) -> Floats:
    """Return brightness less its local mean over its local deviation: ``[N, H, W]`` in 0 to 1, likewise."""
    values = brightness * 255.0
    mean = smooth(values, KERNEL)
    deviation = np.sqrt(np.maximum(smooth(values**2, KERNEL) - mean**2, 0.0))
    return (values - mean) / (deviation + 1.0)


def asymmetric_fit(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit asymmetric generalized normal distributions by their moments.

    Args:
        values: ``[N, ...]``, one sample a row.

    Returns:
        Shape (2 is normal, 1 is Laplace), left and right deviation: ``[N]`` each; constant rows have the largest shape
        and no deviation.

    Source: Lasmar, Stitou and Berthoumieu 2009, Multiscale skewed heavy tailed model for texture analysis.
    """
    flat = values.reshape(len(values), -1)
    left, right = _half_deviation(flat, flat < 0), _half_deviation(flat, flat > 0)
    square = (flat**2).mean(axis=1)
    known = square > 0
    ratio = np.where(known, np.abs(flat).mean(axis=1) ** 2 / np.where(known, square, 1.0), RATIOS[-1])
    g = np.where(right > 0, left / np.where(right > 0, right, 1.0), 1.0)
    ratio *= (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    return SHAPES[np.minimum(np.searchsorted(RATIOS, ratio), len(SHAPES) - 1)], left, right


def _half_deviation(flat: Floats, mask: NDArray[np.bool_]) -> Floats:
    return np.sqrt((flat**2 * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1))


def _features_at_scale(brightness: Floats) -> list[Floats]:
    values = normalized_brightness(brightness)
    shape, left, right = asymmetric_fit(values)
    features = [shape, (left + right) / 2]
    for down, right_by in NEIGHBORS:
        shifted = np.roll(values, (-down, -right_by), axis=(1, 2))
        products = (values * shifted)[:, : values.shape[1] - down]
        products = products[:, :, :-1] if right_by == 1 else products[:, :, 1:] if right_by == -1 else products
        shape, left, right = asymmetric_fit(products)
        middle = [math.exp(math.lgamma(2 / s) - (math.lgamma(1 / s) + math.lgamma(3 / s)) / 2) for s in shape]
        features += [shape, (right - left) * np.array(middle), left, right]
    return features


def brightness_features(pixels: Pixels) -> Floats:
    """Return the statistics of each picture: ``[N, 36]``.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1; with alpha, on white; 16 pixels a side at least.

    Raises:
        MetricError: The pictures are smaller.
    """
    if pixels.ndim == 4 and min(pixels.shape[1:3]) < MIN_SIDE:
        raise MetricError(f"pictures of {pixels.shape[1:3]} pixels are too small; take {MIN_SIDE} a side at least")
    found = []
    for rows in blocks(len(pixels), BATCH):
        whole = luma(pixels[rows])
        n, h, w = whole.shape
        half = whole[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
        found.append(np.stack(_features_at_scale(whole) + _features_at_scale(half), axis=1))  # [n, 36]
    return np.concatenate(found) if found else np.zeros((0, FEATURES))


@dataclass(frozen=True, kw_only=True)
class Naturalness:
    """The Gaussian of the references' features.

    Args:
        mean: ``[36]``.
        root: ``[36, 36]``; its product with its transpose is the inverse covariance.
    """

    mean: Floats
    root: Floats

    @classmethod
    def fit(cls, pixels: Pixels) -> Naturalness:
        """Fit to pictures that are known to be good.

        Args:
            pixels: ``[N, H, W, C]``, as in ``brightness_features``.

        Raises:
            TooFewSamples: There are fewer than 144 pictures.
            DegenerateSamples: The pictures do not vary.
        """
        if len(pixels) < MIN_PICTURES:
            raise TooFewSamples(f"naturalness is fitted to {MIN_PICTURES} pictures at least, got {len(pixels)}")
        features = brightness_features(pixels)
        deviation = features.std(axis=0, ddof=1)
        varies = deviation > NOTHING
        if not varies.any():
            raise DegenerateSamples("all pictures have the same statistics, so that nothing can be fitted to them")
        scale = np.where(varies, deviation, 1.0)
        values, vectors = np.linalg.eigh(np.cov((features / scale).T) + RIDGE * np.eye(FEATURES))
        return cls(mean=features.mean(axis=0), root=vectors / np.sqrt(values) / scale[:, None])

    def score(self, pixels: Pixels) -> Floats:
        """Return the distance of each picture to the references: ``[N]``, somewhat below 6 for pictures like them.

        Args:
            pixels: ``[N, H, W, C]``, of the references' size.
        """
        return np.linalg.norm((brightness_features(pixels) - self.mean) @ self.root, axis=1)
