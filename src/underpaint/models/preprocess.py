"""Pictures as a network's card wants them: on its background, at its size, in its range.

How a picture is resized moves a Fréchet distance by more than most models differ, so nothing here is a default: the
card names library, filter and whether it filters against aliasing.

Source: Parmar, Zhang and Zhu, "On aliased resizing", arXiv 2104.11222 (Pillow filters rightly, TensorFlow 1 does not);
the grid of TensorFlow 1's ``resize_bilinear``, ``align_corners=False``: output ``i`` reads input ``i * in / out``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.core.extractor_card import InputSpec, Resize

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(pixels: Pixels | Sequence[Pixels], spec: InputSpec) -> Floats:
    """Return what a network takes.

    Args:
        pixels: Pictures ``[H, W, 4]`` uint8 with straight alpha, of any sizes; or an array ``[B, H, W, 4]``.
        spec: The card's input.

    Returns:
        ``[B, C, S, S]``.

    Raises:
        InputError: A picture is no such array.
    """
    out = np.empty((len(pixels), spec.channels, spec.size, spec.size), dtype=np.float32)
    for row, picture in zip(out, pixels, strict=True):
        row[:] = scaled(sized(flattened(picture, spec), spec.resize, spec.size), spec).transpose(2, 0, 1)  # [C, S, S]
    return out


def flattened(picture: Pixels, spec: InputSpec) -> Floats:
    """Put a picture on the card's background, or premultiply it: ``[H, W, C]`` in [0, 255].

    Where the network was made for 8-bit pictures, the mixture with the background is rounded to 8 bits.

    Raises:
        InputError: It is no uint8 array ``[H, W, 4]`` with at least one pixel.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 4 or not picture.size:
        raise InputError(
            f"a picture must be a uint8 array [H, W, 4] with straight alpha, got {picture.dtype} {list(picture.shape)}"
        )
    color, alpha = picture[..., :3].astype(np.float64), picture[..., 3:].astype(np.float64) / 255.0
    if spec.alpha_background is None:
        return np.concatenate([color * alpha, picture[..., 3:]], axis=2).astype(np.float32)
    mixed = color * alpha + np.array(spec.alpha_background) * (1.0 - alpha)  # [H, W, 3]
    mixed = mixed if spec.resize.library == "pillow_float" else np.rint(mixed)
    return (mixed if spec.color_order == "rgb" else mixed[..., ::-1]).astype(np.float32)


def sized(values: Floats, resize: Resize, size: int) -> Floats:
    """Bring ``[H, W, C]`` in [0, 255] to ``[S, S, C]`` in [0, 255], as the card says."""
    if resize.fit == "stretch":
        return resized(values, resize, size, size)
    height, width = values.shape[:2]
    edge, short = resize.edge or size, min(height, width)
    values = resized(values, resize, int(edge * height / short), int(edge * width / short))
    top, left = (values.shape[0] - size) // 2, (values.shape[1] - size) // 2
    return values[top : top + size, left : left + size]


def resized(values: Floats, resize: Resize, height: int, width: int) -> Floats:
    """Resize ``[H, W, C]`` in [0, 255] to ``[height, width, C]``."""
    if values.shape[:2] == (height, width):
        return values
    if resize.library == "tensorflow1":
        return tensorflow1_bilinear(values, height, width)
    kernel = FILTERS[resize.filter]
    if resize.library == "pillow":
        picture = Image.fromarray(values.astype(np.uint8))
        return np.asarray(picture.resize((width, height), kernel)).astype(np.float32)
    out = np.empty((height, width, values.shape[2]), dtype=np.float32)
    for c in range(values.shape[2]):
        channel = Image.fromarray(np.ascontiguousarray(values[..., c]))
        out[..., c] = np.clip(np.asarray(channel.resize((width, height), kernel)), 0.0, 255.0)
    return out


def tensorflow1_bilinear(values: Floats, height: int, width: int) -> Floats:
    """Resize ``[H, W, C]`` as TensorFlow 1 does: no half-pixel centers, no antialiasing, float32 throughout."""
    top, bottom, down = _grid(values.shape[0], height)
    left, right, across = _grid(values.shape[1], width)
    across, down = across[None, :, None], down[:, None, None]
    upper, lower = values[top], values[bottom]  # [height, W, C]
    above = upper[:, left] + (upper[:, right] - upper[:, left]) * across  # [height, width, C]
    below = lower[:, left] + (lower[:, right] - lower[:, left]) * across
    return np.asarray(above + (below - above) * down, dtype=np.float32)


def _grid(length: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return for each output the inputs on both sides and how far it lies between them, ``[target]`` each."""
    place = np.arange(target, dtype=np.float32) * np.float32(length / target)
    low = place.astype(np.int64)
    return low, np.minimum(low + 1, length - 1), place - low.astype(np.float32)


def scaled(values: Floats, spec: InputSpec) -> Floats:
    """Map ``[S, S, C]`` from [0, 255] to the card's range, mean and deviation."""
    low, high = spec.range
    values = values * np.float32((high - low) / 255.0) + np.float32(low)
    if spec.mean is not None:
        values = values - np.array(spec.mean, dtype=np.float32)
    return values if spec.std is None else values / np.array(spec.std, dtype=np.float32)
