"""Turning a drawn picture into the bytes of a file: the last thing that happens before it leaves.

Every format says that a model drew the picture; PNG carries all its settings too. Whoever wants to sign pictures does
it here.
"""

from __future__ import annotations

import io

from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.picture_file import encode, encode_png
from underpaint.pipelines.settings import Settings
from underpaint.runtime import xmp
from underpaint.stages.serve.engine.orders import Format

LOSSLESS = 100
MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def finish(picture: Image.Image, settings: Settings, output_format: Format = "png", compression: int = 100) -> bytes:
    """Return the file of a picture.

    Args:
        picture: What was drawn, on the background that was asked for, with its settings in ``info``.
        settings: What made it.
        output_format: ``png``, ``jpeg`` or ``webp``.
        compression: Quality of a JPEG or WebP, 0 to 100; a WebP of 100 is without loss.

    Raises:
        InputError: A JPEG is asked for of a picture that is transparent.
    """
    if output_format == "png":
        return encode(picture)
    if output_format == "jpeg" and picture.mode != "RGB":
        raise InputError("a JPEG cannot be transparent (got background transparent); use opaque, or png or webp")
    packet = xmp.write_packet(f"{settings.model} {settings.model_sha256[:16]}").encode()
    buffer = io.BytesIO()
    if output_format == "jpeg":
        picture.save(buffer, "JPEG", quality=max(1, compression), subsampling=0, xmp=packet)
    else:
        lossless = compression == LOSSLESS
        picture.save(buffer, "WEBP", lossless=lossless, quality=compression, exact=lossless, xmp=packet)
    return buffer.getvalue()


def sketch(picture: Image.Image, settings: Settings, output_format: Format = "png") -> bytes:
    """Return the file of an unfinished picture: it says that a model drew it, and nothing of its settings."""
    release = f"{settings.model} {settings.model_sha256[:16]}"
    if output_format == "png":
        return encode_png(picture, version=settings.version, release=release)
    image = picture.convert("RGB") if output_format == "jpeg" else picture
    buffer = io.BytesIO()
    image.save(buffer, output_format.upper(), xmp=xmp.write_packet(release).encode())
    return buffer.getvalue()
