"""Decoding: the bytes of a person's picture become a square of the data set, whatever kind of picture it is.

Upright by its EXIF orientation, RGBA, scaled as a whole in premultiplied form, in the middle of the square.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from underpaint.core.errors import InputTooLarge, UnreadableImage
from underpaint.runtime.picture_reading import DEEP, MAX_PIXELS, readable, refuse_animation, shallow, too_large
from underpaint.stages.data.clean import MIN_ALPHA
from underpaint.stages.data.folder.config import TRANSPARENT

RULES = "1"
"""Version of what this module does to a picture; finished pictures of another version are made anew."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_SIDE = 16_384
AMPLE = 512
"""A picture is first halved, or cut to a third and so on, as long as it stays larger than this."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A picture of the data set.

    Args:
        pixels: ``[S, S, 4]`` uint8, straight alpha, zero where nothing is seen.
        alpha: Mean alpha in 0 to 1.
        notes: What was done to it: ``cmyk``, ``rotated``, ``16-bit``, ``enlarged``.
    """

    pixels: np.ndarray
    alpha: float
    notes: tuple[str, ...]


def decode(content: bytes, *, size: int, background: str = TRANSPARENT) -> Decoded:
    """Decode a picture and fit it into a square.

    Args:
        content: The bytes of a PNG, JPEG, WebP, GIF or BMP file.
        size: Side of the square in pixels.
        background: ``transparent``, or a color such as ``#ffffff`` to lie under it.

    Raises:
        UnreadableImage: It is empty, truncated, animated, blank, of one color, or no such file.
        InputTooLarge: It has too many pixels.
    """
    if not content:
        raise UnreadableImage("the file has 0 bytes; save the picture again")
    with readable("it", FORMATS), Image.open(io.BytesIO(content), formats=FORMATS) as image:
        check_head(image)
        notes = [name for name, is_so in (("cmyk", image.mode == "CMYK"), ("16-bit", image.mode in DEEP)) if is_so]
        image.draft(None, (AMPLE, AMPLE))
        upright = ImageOps.exif_transpose(image)
        notes += ["rotated"] if is_turned(image) else []
        notes += ["enlarged"] if max(image.size) < size else []
        picture = eight_bit(upright)
        refuse_flat(picture)
        square = letterbox(picture, size)
    alpha = float(np.asarray(square)[..., 3].mean()) / 255
    refuse_unseen(alpha)
    return Decoded(pixels=on_background(square, background), alpha=alpha, notes=tuple(notes))


def check_head(image: Image.Image) -> None:
    """Refuse a picture by its head, before a pixel is unpacked.

    Raises:
        InputTooLarge: It has too many pixels.
        UnreadableImage: It is an animation.
    """
    if max(image.size) > MAX_SIDE or math.prod(image.size) > MAX_PIXELS:
        raise InputTooLarge(too_large("it", image.size, most_side=MAX_SIDE))
    refuse_animation(image, "it")


def is_turned(image: Image.Image) -> bool:
    """Tell whether EXIF says that the picture stands otherwise than its pixels do."""
    return image.getexif().get(0x0112, 1) in range(2, 9)


def eight_bit(image: Image.Image) -> Image.Image:
    """Return a picture as RGBA with 8 bits a channel."""
    image = shallow(image)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return image.convert("RGBA")


def letterbox(image: Image.Image, size: int) -> Image.Image:
    """Scale an RGBA picture as a whole and put it into the middle of a transparent square."""
    premultiplied = image.convert("RGBa")
    factor = max(image.size) // AMPLE
    if factor > 1:
        premultiplied = premultiplied.reduce(factor)
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    scaled = premultiplied.resize((width, height), Image.Resampling.LANCZOS)
    square = Image.new("RGBa", (size, size))
    square.paste(scaled, ((size - width) // 2, (size - height) // 2))
    return square.convert("RGBA")


def on_background(square: Image.Image, background: str) -> np.ndarray:
    """Lay a picture on a background; without one, pixels that are not seen become zero."""
    if background != TRANSPARENT:
        return np.asarray(Image.alpha_composite(Image.new("RGBA", square.size, background), square))
    pixels = np.array(square)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def refuse_flat(image: Image.Image) -> None:
    """Refuse an RGBA picture that is one color all over.

    Raises:
        UnreadableImage: It is.
    """
    if image.getcolors(1) is not None:
        raise UnreadableImage("it has one color alone; drop it")


def refuse_unseen(alpha: float) -> None:
    """Refuse a picture on which there is nothing to see.

    Raises:
        UnreadableImage: Its mean alpha is too small.
    """
    if alpha < MIN_ALPHA:
        raise UnreadableImage(f"nothing is to be seen: its mean alpha is {alpha:.4f}; drop it")
