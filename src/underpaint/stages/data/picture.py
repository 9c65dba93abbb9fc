"""Decoding of pictures with a limit on what they may unpack to."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from underpaint.core.errors import UnreadableImage
from underpaint.runtime.picture_reading import MAX_PIXELS, too_large, words_of


def read_picture(source: bytes | Path, *, size: int | None = None) -> np.ndarray:
    """Decode a PNG to pixels; otherwise as ``open_picture``.

    Returns:
        ``[H, W, 4]`` uint8 with straight alpha.
    """
    return np.array(open_picture(source, size=size))


def open_picture(source: bytes | Path, *, size: int | None = None) -> Image.Image:
    """Decode a PNG; its dimensions are checked before a pixel is unpacked.

    Args:
        source: The file's path or content.
        size: The side it must have in pixels; any up to 40 megapixels if None.

    Returns:
        The picture in mode ``RGBA``, in memory.

    Raises:
        UnreadableImage: It is no PNG, truncated, animated, too large, or of another size.
    """
    name = source if isinstance(source, Path) else "the picture"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=("PNG",))
        with opened as image:
            check_header(image, name, size)
            return image.convert("RGBA")
    except UnreadableImage:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(too_large(str(name))) from None
    except UnidentifiedImageError:
        raise UnreadableImage(f"{name} is no whole PNG: it does not begin like one") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(f"{name} is no whole PNG: {words_of(error)}") from None


def check_header(image: Image.Image, name: Path | str, size: int | None) -> None:
    """Refuse a picture by its header.

    Raises:
        UnreadableImage: Too many pixels, an animation, or another size than asked for.
    """
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImage(too_large(str(name), image.size))
    if getattr(image, "n_frames", 1) > 1:
        raise UnreadableImage(f"{name} is an animation; only still pictures are allowed")
    if size is not None and image.size != (size, size):
        raise UnreadableImage(f"{name} has {width}x{height} pixels; {size}x{size} are expected")
