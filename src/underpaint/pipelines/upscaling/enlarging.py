"""A small drawing made as large as is asked for, with transparency and clean edges."""

from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.upscaling.network import UpscalingNetwork, is_shipped, shipped
from underpaint.pipelines.upscaling.resampling import Floats, premultiplied, resampled, straight
from underpaint.pipelines.upscaling.sharpening import unlearned

LARGEST = 2048
"""Longest side of what is made, in pixels."""
LARGEST_SMALL = 256
"""Longest side of a picture that the network enlarges, in pixels."""


def upscaled(pixels: np.ndarray, size: int, network: UpscalingNetwork | None = None) -> np.ndarray:
    """Return a picture whose longer side is ``size``; the shorter one keeps its share.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        size: In pixels, 1 to 2048.
        network: What enlarges; None for what comes with underpaint.

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
    return straight(values)


def beyond(values: Floats, side: int, network: UpscalingNetwork | None) -> Floats:
    """Return a premultiplied picture whose longer side is as long as asked for or longer.

    The network comes first, and what it gives, clean as it is, is doubled without learning. A picture of which less
    than twice the size is asked for and that is beyond what the network is for, is doubled alone.

    Args:
        values: ``[H, W, 4]``.
        side: In pixels.
        network: As ``upscaled`` says.
    """
    longer = max(values.shape[:2])
    if longer < side and longer <= LARGEST_SMALL and (network or is_shipped()):
        values = (network or shipped()).enlarged(values)
    while max(values.shape[:2]) < side:
        values = unlearned(np.clip(values, 0, 1), 2)
    return values


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
