"""Pictures that people bring: whatever Pillow says of a bad one is one error, and 16 bits a channel become 8."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from underpaint.core.errors import DataError, InputTooLarge, UnreadableImage

MAX_PIXELS = 40_000_000
"""Most pixels of a picture that is decoded."""
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Modes of 16 bits a channel, or of more that Pillow reads them into."""


@contextmanager
def readable(name: str, formats: tuple[str, ...]) -> Iterator[None]:
    """Turn whatever Pillow says of a bad file into one error, and its warnings into silence.

    Args:
        name: What messages call the picture.
        formats: Kinds of files that are read.

    Raises:
        InputTooLarge: It would unpack to far too much.
        UnreadableImage: It is damaged, or of another kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise InputTooLarge(too_large(name)) from None
    except MemoryError:
        raise InputTooLarge(f"{name} needs too much memory; shrink it") from None
    except UnidentifiedImageError:
        raise UnreadableImage(f"{name} is {_none_of(formats)} file; if it is a picture, save it as PNG") from None
    except Exception as error:
        raise UnreadableImage(f"{name} cannot be decoded ({words_of(error):.200}); save it again") from None


def check_pixels(width: int, height: int, name: str) -> None:
    """Refuse a picture, of whatever format, that unpacks to more than is read.

    Args:
        width: In pixels, as its head says.
        height: In pixels.
        name: What messages call it.

    Raises:
        InputTooLarge: It has more than ``MAX_PIXELS`` pixels.
    """
    if width * height > MAX_PIXELS:
        raise InputTooLarge(too_large(name, (width, height)))


def too_large(
    name: str, size: tuple[int, int] | None = None, *, most: int = MAX_PIXELS, most_side: int | None = None
) -> str:
    """Return what messages say of a picture that unpacks to more than is read.

    Args:
        name: What messages call it.
        size: Width and height in pixels, as its head says; None where Pillow refused them.
        most: Most pixels in all.
        most_side: Most pixels of a side; None for any number.
    """
    if size is None:
        return f"{name} has far more than {most:,} pixels; shrink it"
    limits = f"{most:,}" if most_side is None else f"{most_side:,} a side and {most:,} in all"
    return f"{name} has {size[0]}x{size[1]} pixels; at most {limits} are read: shrink it"


def words_of(error: Exception) -> str:
    """Return what Pillow says of a file, without memory addresses: these differ at every run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(error))


def refuse_animation(image: Image.Image, name: str) -> None:
    """Refuse a picture of several frames; of those in a camera's MPO the first one counts.

    Raises:
        UnreadableImage: It is one.
    """
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise UnreadableImage(f"{name} is an animation of {frames} frames; save one frame of it")


def shallow(image: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel; 16-bit gray keeps its upper half."""
    if image.mode not in DEEP:
        return image
    values = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
    return Image.fromarray(values.astype(np.uint8))


def _none_of(formats: tuple[str, ...]) -> str:
    """Return that a file is of no such kind: ``no PNG``, or ``neither a PNG nor a JPEG nor a WebP``."""
    names = [one.replace("WEBP", "WebP") for one in formats]
    return f"no {names[0]}" if len(names) == 1 else f"neither a {' nor a '.join(names)}"
