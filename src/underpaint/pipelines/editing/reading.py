"""The picture that shall be edited: a file of any size and mode becomes an upright square of the model's size.

Whatever is wrong with it is said before a pixel is unpacked, as far as its head tells.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from underpaint.core.absent import nearest_name
from underpaint.core.errors import InputError, InputTooLarge, UnreadableImage
from underpaint.pipelines.editing.square import squared
from underpaint.pipelines.picture_file import INFO, PARAMETERS, pixel_digest
from underpaint.pipelines.settings import Settings
from underpaint.runtime.picture_reading import check_pixels, readable, refuse_animation, shallow

Source = str | Path | bytes | Image.Image
"""A picture: a file's path, its bytes, or an image of Pillow."""

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 50_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Original:
    """A picture to be edited.

    Args:
        name: What messages call it.
        size: Width and height in pixels, upright.
        pixels: The square ``[S, S, 4]`` uint8, straight alpha.
        sha256: SHA-256 of its own pixels, upright, 8-bit RGBA or RGB.
        settings: What made it, if underpaint did and nobody has dropped it.
    """

    name: str
    size: tuple[int, int]
    pixels: np.ndarray
    sha256: str
    settings: Settings | None


def read_original(source: Source, side: int) -> Original:
    """Read a picture that shall be edited.

    Args:
        source: A PNG, JPEG or WebP file, or an image.
        side: Side of the model's pictures in pixels.

    Raises:
        InputError: There is no such file.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or of another kind.
    """
    found = read_upright(source, formats=FORMATS, most_bytes=MAX_BYTES)
    return Original(
        name=found.name,
        size=found.image.size,
        pixels=np.array(squared(found.image.convert("RGBA"), side)),
        sha256=pixel_digest(found.image),
        settings=found.settings,
    )


@dataclass(frozen=True, kw_only=True)
class Upright:
    """A picture as it stands upright.

    Args:
        name: What messages call it.
        image: RGBA where it has any transparency, RGB otherwise.
        settings: What made it, if underpaint did and nobody has dropped it.
    """

    name: str
    image: Image.Image
    settings: Settings | None


def read_upright(source: Source, *, formats: tuple[str, ...], most_bytes: int, called: str = "the picture") -> Upright:
    """Read a picture, checked by its head before a pixel is unpacked.

    Args:
        source: The picture.
        formats: Kinds of files that are read.
        most_bytes: Longest file that is read.
        called: What messages call it if it is no file with a name.

    Raises:
        InputError: There is no such file.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or of another kind.
    """
    name = called if isinstance(source, bytes | Image.Image) else str(source)
    if isinstance(source, Image.Image):
        with readable(name, formats):
            return upright(source, name)
    data = source if isinstance(source, bytes) else read_bytes(Path(source), most_bytes)
    if len(data) > most_bytes:
        raise InputTooLarge(f"{name} has more than the {most_bytes:,} bytes that are read; shrink it")
    if not data:
        raise UnreadableImage(f"{name} has 0 bytes; save it again")
    with readable(name, formats), Image.open(io.BytesIO(data), formats=formats) as image:
        return upright(image, name)


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file, or one byte more than may be read of it.

    Args:
        path: The file.
        most: Bytes that may be read.

    Raises:
        InputError: It is not there or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        close = nearest_name(path)
        hint = f"did you mean {close}?" if close else "check the path"
        raise InputError(f"{path} does not exist; {hint}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a picture's file") from None


def upright(image: Image.Image, name: str) -> Upright:
    """Check a picture's head, then decode it and turn it as EXIF says.

    Args:
        image: The picture, not decoded yet.
        name: What messages call it.

    Raises:
        InputTooLarge: It has too many pixels.
        UnreadableImage: It is an animation, or empty.
    """
    width, height = image.size
    check_pixels(width, height, name)
    if not width * height:
        raise UnreadableImage(f"{name} has {width}x{height} pixels, so there is nothing to edit")
    refuse_animation(image, name)
    settings = settings_of(image, name)
    return Upright(name=name, image=eight_bit(ImageOps.exif_transpose(image)), settings=settings)


def settings_of(image: Image.Image, name: str) -> Settings | None:
    """Return what made a picture, as far as it says so itself.

    Args:
        image: The picture.
        name: What messages call it.
    """
    known, text = image.info.get(INFO), image.info.get(PARAMETERS)
    if isinstance(known, Settings):
        return known
    with contextlib.suppress(InputError):
        return Settings.from_json(text, source=name) if isinstance(text, str) else None
    return None


def eight_bit(image: Image.Image) -> Image.Image:
    """Return a picture as RGB or RGBA with 8 bits a channel."""
    image = shallow(image)
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
