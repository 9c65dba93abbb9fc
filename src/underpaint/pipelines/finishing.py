"""From the pixels that an engine drew to the image that is handed over: its background, its mark, its settings."""

from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.picture_file import attach, pixel_digest
from underpaint.pipelines.planning import TRANSPARENT
from underpaint.pipelines.settings import Settings


def flatten(pixels: np.ndarray, color: str) -> np.ndarray:
    """Lay a picture on one flat color.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        color: As ``#rrggbb``.

    Returns:
        ``[H, W, 3]`` uint8, rounded to the nearest level.
    """
    background = np.frombuffer(bytes.fromhex(color[1:]), dtype=np.uint8).astype(np.uint32)
    values, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    return ((values * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8)


def finish(pixels: np.ndarray, settings: Settings, engine: str, inside: np.ndarray | None = None) -> Image.Image:
    """Turn pixels that an engine drew into an image on the background asked for, marked if asked for.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        settings: What made them.
        engine: What computed them.
        inside: ``[H, W]`` bool, where the mark may change them; None for everywhere.

    Returns:
        The image, with its settings in ``info``; their digest is of these pixels, the mark included.
    """
    delivered = pixels if settings.background == TRANSPARENT else flatten(pixels, settings.background)
    if settings.watermark is not None:
        from underpaint.pipelines.marks import mark

        marked = mark(delivered, settings.watermark)
        delivered = marked if inside is None else np.where(inside[..., None], marked, delivered)
    image = Image.fromarray(delivered)
    return attach(image, settings.model_copy(update={"engine": engine, "pixel_sha256": pixel_digest(image)}))


def other_model(settings: Settings, model: Model) -> str:
    """Return the message that a picture was drawn by another model than the one at hand."""
    return (
        f"the picture was drawn by {settings.model} ({settings.model_sha256[:12]}), but this model is {model.name} "
        f"({model.digest[:12]}) and draws other pixels from the same settings"
    )
