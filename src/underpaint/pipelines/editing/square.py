"""A picture and its mask in the model's square: scaled as a whole, in the middle, nothing around them.

Pictures are scaled in premultiplied form. Of a mask every pixel counts that a masked one reaches into.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

AMPLE = 512
"""A picture is first halved, or cut to a third and so on, as long as it stays larger than this."""


def fitted(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    """Return where a picture lies in the square: left, top, width and height in pixels.

    Args:
        size: Its own width and height.
        side: Side of the square.
    """
    width, height = (max(1, round(length * side / max(size))) for length in size)
    return (side - width) // 2, (side - height) // 2, width, height


def squared(image: Image.Image, side: int) -> Image.Image:
    """Scale an RGBA picture into a transparent square; one that has this size already keeps every bit.

    Args:
        image: Any size.
        side: Side of the square in pixels.
    """
    if image.size == (side, side):
        return image
    left, top, width, height = fitted(image.size, side)
    premultiplied = image.convert("RGBa")
    factor = max(image.size) // max(AMPLE, side)
    if factor > 1:
        premultiplied = premultiplied.reduce(factor)
    square = Image.new("RGBa", (side, side))
    square.paste(premultiplied.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    return square.convert("RGBA")


def squared_mask(inside: np.ndarray, side: int) -> np.ndarray:
    """Scale a mask as its picture is scaled: ``[S, S]`` bool, true where any masked pixel reaches; false around it.

    Args:
        inside: ``[H, W]`` bool.
        side: Side of the square in pixels.
    """
    left, top, width, height = fitted((inside.shape[1], inside.shape[0]), side)
    covered = Image.fromarray(inside.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    square = np.zeros((side, side), dtype=bool)
    square[top : top + height, left : left + width] = np.asarray(covered) > 0
    return square
