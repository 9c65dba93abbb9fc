"""Pictures as a score sees them: opaque, in 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples

Pixels = NDArray[np.uint8] | NDArray[np.floating]
Floats = NDArray[np.float64]

LUMA = np.array([0.299, 0.587, 0.114])


def on_white(pixels: Pixels) -> Floats:
    """Return pictures in 0 to 1, transparent ones composed on white.

    Args:
        pixels: ``[N, H, W, C]`` with 1, 3 or 4 channels (the fourth is straight alpha); uint8, or floats in 0 to 1.

    Returns:
        ``[N, H, W, 1 or 3]``.

    Raises:
        MetricError: The shape, the type or the range is another one.
        TooFewSamples: There is no picture.
        DegenerateSamples: A value is NaN.
    """
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3, 4):
        raise MetricError(f"pictures have shape {pixels.shape}; give [N, H, W, C] with 1, 3 or 4 channels")
    if len(pixels) == 0:
        raise TooFewSamples("there is no picture; give at least one")
    values = pixels.astype(np.float64)
    if pixels.dtype == np.uint8:
        values /= 255.0
    elif not np.issubdtype(pixels.dtype, np.floating):
        raise MetricError(f"pictures are {pixels.dtype}; give uint8, or floats in 0 to 1")
    elif np.isnan(values).any():
        raise DegenerateSamples("pictures hold NaN; repair what drew them")
    elif values.min() < 0 or values.max() > 1:
        raise MetricError(f"pictures span {values.min():g} to {values.max():g}; scale them to 0 to 1")
    if values.shape[3] < 4:
        return values
    alpha = values[..., 3:]
    return values[..., :3] * alpha + (1.0 - alpha)  # [N, H, W, 3]


def luma(pixels: Pixels) -> Floats:
    """Return the brightness of pictures on white, in 0 to 1: ``[N, H, W]``.

    Source: ITU-R BT.601.
    """
    values = on_white(pixels)
    return values[..., 0] if values.shape[3] == 1 else values @ LUMA
