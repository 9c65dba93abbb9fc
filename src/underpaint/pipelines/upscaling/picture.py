"""A picture with its record made larger: what drew it is still said, and what enlarged it as well.

A picture that underpaint drew keeps its words, its background and its mark, which is put into the large pixels anew.
Of any other picture, or of one that was changed since, only the enlargement is said, and a mark is put in if asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from underpaint import __version__
from underpaint.core.errors import InputError
from underpaint.pipelines.editing.reading import FORMATS, MAX_BYTES, Source, Upright, read_upright
from underpaint.pipelines.finishing import finish
from underpaint.pipelines.marks import Owner, mark_for
from underpaint.pipelines.picture_file import pixel_digest
from underpaint.pipelines.settings import Settings, as_size
from underpaint.pipelines.upscaling.enlarging import target_size, upscaled
from underpaint.pipelines.upscaling.network import UpscalingNetwork, shipped
from underpaint.pipelines.upscaling_record import UpscaleRecord

ENGINE = "onnx"


@dataclass(frozen=True, kw_only=True)
class Enlargement:
    """A picture that shall become larger, and what will be said of it.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        settings: What made it and will have enlarged it, but for the digest of the pixels.
        known: Whether underpaint drew it and nobody has changed it since.
    """

    pixels: np.ndarray
    settings: Settings
    known: bool


def upscale(
    picture: Source, size: int = 256, *, watermark: Owner | None = None, network: UpscalingNetwork | None = None
) -> Image.Image:
    """Return a small drawing with a longer side of ``size`` pixels.

    Args:
        picture: A PNG, JPEG or WebP file, its bytes, or an image; smaller than what is asked for.
        size: In pixels, up to 2048.
        watermark: Whose key marks the pixels; None for the mark that the picture says it has.
        network: What enlarges; None for what comes with underpaint.

    Returns:
        The image, with its settings in ``info``, so that ``underpaint.save`` keeps them.

    Raises:
        InputError: There is no such file, the picture is as large already, or the size is out of range.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or of another kind.

    Example:
        >>> underpaint.save(underpaint.upscale("cat.png", 512), "cat-512.png")
    """
    network = network or shipped()
    return enlarge(plan(read(picture), size, watermark, network), network)


def read(picture: Source) -> Upright:
    """Read a picture that shall become larger.

    Raises:
        InputError: There is no such file.
        InputTooLarge: It has too many bytes or pixels.
        UnreadableImage: It is damaged, an animation, or of another kind.
    """
    return read_upright(picture, formats=FORMATS, most_bytes=MAX_BYTES)


def plan(found: Upright, size: int, watermark: Owner | None, network: UpscalingNetwork) -> Enlargement:
    """Decide what will be said of an enlarged picture.

    Args:
        found: The picture.
        size: Of the longer side, in pixels.
        watermark: Whose key marks the pixels; None for the mark that the picture says it has.
        network: What enlarges.

    Raises:
        InputError: The picture is as large already, or the size is out of range.
    """
    width, height = found.image.size
    if max(width, height) >= size:
        raise InputError(
            f"{found.name} has {as_size(width, height)} pixels, so it is as large as {size} already; choose a larger "
            "size, or leave it as it is"
        )
    digest = pixel_digest(found.image)
    record = UpscaleRecord(
        picture_sha256=digest,
        size=as_size(width, height),
        upscaler=network.name,
        upscaler_sha256=network.digest,
    )
    drawn = found.settings if found.settings is not None and found.settings.pixel_sha256 == digest else None
    settings = (drawn or _unknown(record)).model_copy(
        update={
            "size": as_size(*target_size(width, height, size)),
            "version": __version__,
            "pixel_sha256": None,
            "upscale": record,
            **({} if watermark is None else {"watermark": mark_for(watermark)}),
        }
    )
    return Enlargement(pixels=np.asarray(found.image.convert("RGBA")), settings=settings, known=drawn is not None)


def _unknown(record: UpscaleRecord) -> Settings:
    """Return what can be said of a picture that underpaint did not draw."""
    return Settings(
        prompt="",
        caption="",
        seed=0,
        size=record.size,
        model=record.upscaler,
        model_sha256=record.upscaler_sha256,
        version=__version__,
        engine=ENGINE,
        upscale=record,
    )


def enlarge(planned: Enlargement, network: UpscalingNetwork) -> Image.Image:
    """Return the large picture, marked as its settings say, with these in ``info``.

    Args:
        planned: The picture.
        network: What enlarges.

    Raises:
        InputError: Its mark needs a key that is not here.
    """
    size = max(map(int, planned.settings.size.split("x")))
    pixels = upscaled(planned.pixels, size, network)
    return finish(pixels, planned.settings, planned.settings.engine or ENGINE)
