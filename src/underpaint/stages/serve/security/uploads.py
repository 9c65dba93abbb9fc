"""Uploaded pictures: decoded only when their header says that they may be, and nothing but pixels comes out.

The format is told by the content, never by a name. A file goes through three steps: what is no picture data is cut
away (``bare_*``), the size is checked, and what is left is decoded. So text, profiles, Exif and whatever else may be
hidden in a file never reach a decoder, let alone somebody else.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

from PIL import Image
from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.stages.serve.security.apart import apart
from underpaint.stages.serve.security.bare import Bare, Broken
from underpaint.stages.serve.security.bare_jpeg import SIGNATURE as JPEG
from underpaint.stages.serve.security.bare_jpeg import bare_jpeg
from underpaint.stages.serve.security.bare_png import SIGNATURE as PNG
from underpaint.stages.serve.security.bare_png import bare_png
from underpaint.stages.serve.security.bare_webp import bare_webp

READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Bare]], ...] = (
    (lambda data: data.startswith(PNG), bare_png),
    (lambda data: data.startswith(JPEG), bare_jpeg),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", bare_webp),
)
Decode = Callable[[Bare], bytes]
LYING = 5
"""Orientations from here on turn a picture by a quarter."""
ONE_AT_A_TIME = threading.Lock()
"""The largest picture takes some hundred megabytes while it is decoded."""


class Caps(Config):
    """The most that is read of a picture.

    Args:
        image_bytes: Of its file.
        mask_bytes: Of the file of a mask.
        pixels: As its header says.
        side: Of a side, in pixels.
    """

    image_bytes: int = Field(default=50 * 10**6, ge=1024)
    mask_bytes: int = Field(default=4 * 10**6, ge=1024)
    pixels: int = Field(default=40_000_000, ge=1)
    side: int = Field(default=20_000, ge=1)


def read_upload(data: bytes, *, caps: Caps, param: str, is_mask: bool = False, decode: Decode = apart) -> Image.Image:
    """Return an uploaded picture as RGBA, upright, with nothing in it but its pixels.

    Args:
        data: The file.
        caps: How large it may be.
        param: The field that it came in, for messages.
        is_mask: Whether it is a mask, which must be a PNG and smaller.
        decode: Makes pixels of a bared picture; by itself in a process of its own.

    Raises:
        FieldError: It is no such picture, damaged, animated or too large; ``image_too_large`` for the last.
    """
    most = caps.mask_bytes if is_mask else caps.image_bytes
    if len(data) > most:
        raise FieldError(
            f"the {_called(param)} has {len(data):,} bytes; at most {most:,} are allowed: send a smaller one",
            param=param,
            code="image_too_large",
        )
    bare = bare_of(data, param=param)
    if is_mask and bare.kind != "PNG":
        raise FieldError(f"a mask must be a PNG with transparency, got {bare.kind}", param=param)
    check_size(bare, caps=caps, param=param)
    with ONE_AT_A_TIME:
        return _decoded(bare, decode, param)


def bare_of(data: bytes, *, param: str) -> Bare:
    """Return a picture's file without its metadata.

    Args:
        data: The file.
        param: The field that it came in, for messages.

    Raises:
        FieldError: It is no PNG, JPEG or WebP, damaged, or animated.
    """
    for fits, read in READERS:
        if fits(data):
            try:
                return read(data)
            except Broken as error:
                raise FieldError(f"the {_called(param)} cannot be used: {error}", param=param) from None
    raise FieldError(
        f"the {_called(param)} is no PNG, JPEG or WebP, whatever it is called; send one of these", param=param
    )


def check_size(bare: Bare, *, caps: Caps, param: str) -> None:
    """Refuse a picture that would be too large, before it is decoded.

    Raises:
        FieldError: It has too many pixels, or none.
    """
    pixels = bare.width * bare.height
    if pixels == 0:
        raise FieldError(f"the {_called(param)} has no pixels", param=param)
    if pixels > caps.pixels or max(bare.width, bare.height) > caps.side:
        raise FieldError(
            f"the {_called(param)} would have {bare.width:,} x {bare.height:,} pixels; at most {caps.pixels:,} are "
            f"allowed, and {caps.side:,} on a side: send a smaller one",
            param=param,
            code="image_too_large",
        )


def reencoded(image: Image.Image) -> bytes:
    """Return a PNG of a picture's pixels alone."""
    buffer = io.BytesIO()
    Image.frombytes(image.mode, image.size, image.tobytes()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _decoded(bare: Bare, decode: Decode, param: str) -> Image.Image:
    size = (bare.height, bare.width) if bare.orientation >= LYING else (bare.width, bare.height)
    try:
        return Image.frombytes("RGBA", size, decode(bare))
    except Broken as error:
        raise FieldError(f"the {_called(param)} cannot be used: {error}", param=param) from None


def _called(param: str) -> str:
    """Return what messages call what came in a field."""
    return "mask" if param == "mask" else "picture"
