"""The thumbnail of a picture: 32 px on white, as the near-duplicate search looks at pictures of any size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.stages.data.look import LOOK_SIZE, on_white


def thumbnail_of(rgba: np.ndarray) -> np.ndarray:
    """Shrink a picture and put it on white.

    Args:
        rgba: ``[H, W, 4]`` uint8 with straight alpha.

    Returns:
        ``[32, 32, 3]`` uint8.
    """
    return on_white(shrunk(Image.fromarray(rgba)))


def shrunk(picture: Image.Image) -> np.ndarray:
    """Shrink a picture by the mean of what lies under each pixel.

    Args:
        picture: In mode ``RGBA``.

    Returns:
        ``[32, 32, 4]`` uint8 with straight alpha.
    """
    if picture.size != (LOOK_SIZE, LOOK_SIZE):
        premultiplied = picture.convert("RGBa")
        picture = premultiplied.resize((LOOK_SIZE, LOOK_SIZE), Image.Resampling.BOX).convert("RGBA")
    return np.asarray(picture)
