"""The watermark of a picture, and whose key it is: the public one, which everybody can find and remove, or one's own.

A mark has a name, ``<scheme>/<key>``, which travels in the picture's settings and tells no secret. The same pixels with
the same mark are the same pixels again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.core.keys_folder import keys_folder, read_private, write_private
from underpaint.runtime import watermark

Owner = Literal["public", "own", "none"]
"""Whose key marks a picture."""

SCHEME = "cosines-1"
PUBLIC = f"{SCHEME}/public"
PUBLIC_KEY = b"underpaint: this key is public"
FILE = "watermark.key"
RELEASE_SIDES = (64, 128)
"""Sides, in pixels, of the pictures that recipes draw; others are looked at in these sizes too."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was found by looking for a mark.

    Args:
        name: The mark that fits best.
        z: Its score; standard normal without a mark.
        p: Probability that the best of all scores is as high by chance.
        tries: How many keys and sizes were tried.
        size: Width and height that the picture was looked at in, as ``64x64``.
        found: Whether it counts as found: ``p`` below the tail of the threshold.
    """

    name: str
    z: float
    p: float
    tries: int
    size: str
    found: bool


def name_of(key: bytes) -> str:
    """Return the name of the mark of one's own key: eight digits of its SHA-256."""
    return f"{SCHEME}/{hashlib.sha256(b'name of ' + key).hexdigest()[:8]}"


def _own_key() -> bytes | None:
    path = keys_folder() / FILE
    return read_private(path) if path.exists() else None


def mark_for(owner: Owner) -> str | None:
    """Return the name of the mark to put into pictures; one's own key is made if there is none yet.

    Raises:
        StorageError: The key cannot be made, or others may read it.
    """
    if owner == "none":
        return None
    if owner == "public":
        return PUBLIC
    return name_of(_own_key() or write_private(keys_folder() / FILE, secrets.token_bytes(32)))


def _keys() -> dict[str, bytes]:
    """Return the keys at hand by the names of their marks."""
    own = _own_key()
    return {PUBLIC: PUBLIC_KEY} | ({name_of(own): own} if own else {})


def is_at_hand(name: str | None) -> bool:
    """Tell whether pictures can get a mark of this name here; None is none, which they always can."""
    return name is None or name == PUBLIC or name in _keys()


def mark(pixels: np.ndarray, name: str) -> np.ndarray:
    """Return a picture with a mark; one that is too small or too large for it comes back as it is.

    Args:
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, straight alpha.
        name: As ``mark_for`` returned it.

    Raises:
        InputError: The mark's key is not at hand.
    """
    keys = {PUBLIC: PUBLIC_KEY} if name == PUBLIC else _keys()
    if name not in keys:
        raise InputError(
            f"the watermark {name!r:.60} needs a key that is not here ({', '.join(keys)} are); put it into "
            f"{keys_folder() / FILE}, or draw with --watermark public or none"
        )
    return watermark.embed(pixels, keys[name]) if watermark.fits(*pixels.shape[:2]) else pixels


def _sizes(image: Image.Image) -> Iterator[Image.Image]:
    """Yield a picture in its own size and in the sizes that recipes draw, if they have its shape."""
    if watermark.fits(image.height, image.width):
        yield image
    for side in RELEASE_SIDES:
        if image.width == image.height != side:
            yield image.resize((side, side), Image.Resampling.BOX if image.width > side else Image.Resampling.BICUBIC)


def search(image: Image.Image) -> Search | None:
    """Look for the mark of every key at hand; None if the picture is too small, too large, or not of a known shape.

    Args:
        image: RGB or RGBA.
    """
    keys = _keys()
    scored = [
        (watermark.score(np.asarray(view), key), name, f"{view.width}x{view.height}")
        for view in _sizes(image)
        for name, key in keys.items()
    ]
    if not scored:
        return None
    z, name, size = max(scored)
    p = watermark.chance(z, len(scored))
    found = p < watermark.chance(watermark.THRESHOLD)
    return Search(name=name, z=z, p=p, tries=len(scored), size=size, found=found)
