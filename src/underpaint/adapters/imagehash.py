"""Perceptual hashes by ImageHash."""

from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.adapters.require import require


def phash(rgb: np.ndarray) -> str:
    """Return the 64-bit perceptual hash of a picture as 16 hexadecimal characters.

    Args:
        rgb: ``[H, W, 3]`` uint8.
    """
    return str(require("imagehash", extra="data").phash(Image.fromarray(rgb)))
