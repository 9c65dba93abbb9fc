"""How much one picture differs from another: the same picture drawn in two ways, or a drawing and its original.

Source: SSIM: Wang et al. 2004, Image quality assessment, equation 13. MS-SSIM: Wang et al. 2003, equation 7. Distance
of feature maps: arXiv 1801.03924, equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError
from underpaint.metrics.filters import gaussian_kernel, smooth
from underpaint.metrics.neighbors import blocks
from underpaint.metrics.pixels import Pixels, on_white

Floats = NDArray[np.float64]

KERNEL = gaussian_kernel(11, 1.5)
BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
K1, K2 = 0.01, 0.03
BATCH = 64
NORM_EPSILON = 1e-10


def _check_shapes(pixels: Pixels, others: Pixels) -> None:
    if pixels.shape != others.shape:
        raise MetricError(f"pictures of shape {pixels.shape} cannot be paired with {others.shape}; make them alike")
    if pixels.ndim != 4 or len(pixels) == 0:
        raise MetricError(f"pictures have shape {pixels.shape}; give at least one, as [N, H, W, C]")


def _pair(pixels: Pixels, others: Pixels) -> tuple[Floats, Floats]:
    return on_white(pixels), on_white(others)


def psnr(pixels: Pixels, others: Pixels) -> Floats:
    """Return the peak signal-to-noise ratio of each pair in decibels: ``[N]``; infinite where nothing differs.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1; with alpha, on white.
        others: Likewise.
    """
    _check_shapes(pixels, others)
    a, b = _pair(pixels, others)
    error = ((a - b) ** 2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(error)


def ssim(pixels: Pixels, others: Pixels) -> Floats:
    """Return the structural similarity of each pair, at most 1: ``[N]``.

    A Gaussian window of 11 pixels and sigma 1.5, borders reflected, the mean over pixels and channels.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1; with alpha, on white; 6 pixels a side at least.
        others: Likewise.

    Raises:
        MetricError: The pictures are smaller than the window reaches, or differ in shape.
    """
    _check_shapes(pixels, others)
    if min(pixels.shape[1:3]) <= len(KERNEL) // 2:
        raise MetricError(f"pictures of {pixels.shape[1:3]} pixels are smaller than the window; take 6 at least")
    batches = (_pair(pixels[rows], others[rows]) for rows in blocks(len(pixels), BATCH))
    return np.concatenate([_similarity(a, b)[0].mean(axis=(1, 2, 3)) for a, b in batches])


def _similarity(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the similarity of each pixel and its contrast and structure part alone: ``[N, H, W, C]`` each."""
    c1, c2 = K1**2, K2**2
    mean_a, mean_b, square_a, square_b, product = (smooth(values, KERNEL) for values in (a, b, a * a, b * b, a * b))
    variances = np.maximum(square_a - mean_a**2, 0.0) + np.maximum(square_b - mean_b**2, 0.0)
    contrast = (2.0 * (product - mean_a * mean_b) + c2) / (variances + c2)
    return (2.0 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * contrast, contrast


def ms_ssim(pixels: Pixels, others: Pixels, betas: Sequence[float] = BETAS) -> Floats:
    """Return the structural similarity of each pair over several scales: ``[N]``.

    Negative parts count as 0, since a root of them has no meaning.

    Args:
        pixels: ``[N, H, W, C]`` uint8, or floats in 0 to 1; with alpha, on white.
        others: Likewise.
        betas: One exponent a scale, finest first; the usual five need 176 pixels a side, three 44.

    Raises:
        MetricError: The pictures are too small for so many scales, or differ in shape.
    """
    _check_shapes(pixels, others)
    least = max(len(KERNEL) * max(1, len(betas) - 1) ** 2, 2 ** len(betas))
    side = min(pixels.shape[1:3])
    if side < least:
        raise MetricError(
            f"pictures of {pixels.shape[1:3]} pixels are too small for {len(betas)} scales, which need "
            f"{least}; pass fewer betas"
        )
    batches = blocks(len(pixels), BATCH)
    return np.concatenate([_over_scales(*_pair(pixels[rows], others[rows]), betas) for rows in batches])


def _over_scales(a: Floats, b: Floats, betas: Sequence[float]) -> Floats:
    reach, product = len(KERNEL) // 2, np.ones(len(a))
    for scale, beta in enumerate(betas):
        whole, contrast = _similarity(a, b)
        is_last = scale == len(betas) - 1
        part = whole if is_last else contrast[:, reach:-reach, reach:-reach]
        product *= np.maximum(part.mean(axis=(1, 2, 3)), 0.0) ** beta
        a, b = _halve(a), _halve(b)
    return product


def _halve(values: Floats) -> Floats:
    n, h, w, c = values.shape
    return values[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))


def feature_distance(
    maps: Sequence[NDArray[np.floating]],
    others: Sequence[NDArray[np.floating]],
    weights: Sequence[NDArray[np.floating]] | None = None,
) -> Floats:
    """Return the distance of pairs of pictures by a network's feature maps: ``[N]``.

    Each position's channels are scaled to length 1; squared differences are summed over channels, averaged over
    positions and summed over layers. It may be called LPIPS only with that network and its weights.

    Args:
        maps: One ``[N, C, H, W]`` a layer.
        others: Likewise.
        weights: One ``[C]`` a layer, not negative; None for ones.

    Raises:
        MetricError: Layers, shapes or weights do not match.
        DegenerateSamples: A map holds NaN.
    """
    weights = [np.ones(layer.shape[1]) for layer in maps] if weights is None else weights
    if not maps or not len(maps) == len(others) == len(weights):
        raise MetricError(f"got {len(maps)} and {len(others)} layers and {len(weights)} weights; give one of each")
    total = np.zeros(len(maps[0]))
    for number, (a, b, weight) in enumerate(zip(maps, others, weights, strict=True)):
        if a.ndim != 4 or a.shape != b.shape or weight.shape != (a.shape[1],) or len(a) != len(total):
            raise MetricError(f"layer {number} has maps {a.shape} and {b.shape} and weights {weight.shape}")
        total += _layer_distance(a, b, weight.astype(np.float64))
    if np.isnan(total).any():
        raise DegenerateSamples(f"the feature maps of picture {int(np.isnan(total).argmax())} hold NaN")
    return total


def _layer_distance(a: NDArray[np.floating], b: NDArray[np.floating], weight: Floats) -> Floats:
    found = []
    for rows in blocks(len(a), BATCH):
        x, y = (_unit_channels(values[rows].astype(np.float64)) for values in (a, b))
        found.append(np.einsum("nchw,c->n", (x - y) ** 2, weight) / (a.shape[2] * a.shape[3]))
    return np.concatenate(found)


def _unit_channels(values: Floats) -> Floats:
    return values / (np.linalg.norm(values, axis=1, keepdims=True) + NORM_EPSILON)
