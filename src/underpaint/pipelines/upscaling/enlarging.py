"""A small drawing made as large as is asked for, with transparency and clean edges."""

from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.upscaling.haze import is_cleared, on_board, without_haze
from underpaint.pipelines.upscaling.network import FACTOR, UpscalingNetwork, shipped
from underpaint.pipelines.upscaling.resampling import Floats, premultiplied, resampled, straight
from underpaint.pipelines.upscaling.sharpening import enlarged, unlearned

LARGEST = 2048
"""Longest side of what is made, in pixels."""
LARGEST_SMALL = 256
"""Longest side of a picture that the network enlarges, in pixels."""
OPAQUE = 255


def upscaled(
    pixels: np.ndarray, size: int, network: UpscalingNetwork | None = None, *, haze: bool = False
) -> np.ndarray:
    """Return a picture whose longer side is ``size``; the shorter one keeps its share.

    Haze is taken away unless it was already, in which case what is faint in the picture is a part of the drawing.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        size: In pixels, 1 to 2048.
        network: What enlarges; None for what comes with underpaint.
        haze: Whether haze stays, for whoever takes it away later.

    Returns:
        ``[h, w, 4]`` uint8, straight alpha; a copy where the size is right already.

    Raises:
        InputError: The array is no such picture, or the size is out of range.
    """
    check_pixels(pixels)
    width, height = target_size(pixels.shape[1], pixels.shape[0], size)
    if (height, width) == pixels.shape[:2]:
        return pixels.copy()
    values = beyond(premultiplied(pixels), max(width, height), network)
    if values.shape[:2] != (height, width):
        values = resampled(values, width, height, Image.Resampling.HAMMING)
    if pixels[..., 3].min() == OPAQUE:
        values[..., 3] = 1
    if is_cleared(pixels):
        return straight(on_board(values))
    return straight(values if haze else on_board(without_haze(values)))


def beyond(values: Floats, side: int, network: UpscalingNetwork | None) -> Floats:
    """Return a premultiplied picture whose longer side is as long as asked for or longer.

    The factor is the least that reaches it; a picture beyond what the network is for is enlarged without it.

    Args:
        values: ``[H, W, 4]``.
        side: In pixels.
        network: As ``upscaled`` says.
    """
    longer = max(values.shape[:2])
    if longer >= side:
        return values
    if longer > LARGEST_SMALL:
        return unlearned(values, -(-side // longer))
    times = -(-side // (FACTOR * longer))
    return learned(values, FACTOR * times, network or shipped())


def learned(values: Floats, factor: int, network: UpscalingNetwork) -> Floats:
    """Enlarge a premultiplied picture; beyond the network's own factor, what it adds is interpolated.

    Args:
        values: ``[H, W, 4]`` in [0, 1].
        factor: Four or a multiple of it.
        network: What enlarges.
    """
    large = network.enlarged(values)
    if factor == FACTOR:
        return large
    return unlearned(values, factor) + enlarged(large - unlearned(values, FACTOR), factor // FACTOR)


def check_pixels(pixels: np.ndarray) -> None:
    """Check that an array is a picture.

    Raises:
        InputError: It is none.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 4 or not pixels.size:
        raise InputError(
            f"a picture is an array [H, W, 4] of uint8, got {list(pixels.shape)} of {pixels.dtype}; convert it to RGBA"
        )


def target_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Return the width and height that a picture gets.

    Args:
        width: Its own, in pixels.
        height: Its own, in pixels.
        size: Of the longer side.

    Raises:
        InputError: The size is out of range.
    """
    if not 1 <= size <= LARGEST:
        raise InputError(f"a size of {size} pixels cannot be made; choose 1 to {LARGEST}, for example 256 or 512")
    longer = max(width, height)
    return max(1, round(width * size / longer)), max(1, round(height * size / longer))
