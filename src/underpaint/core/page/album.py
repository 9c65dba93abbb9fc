"""Pictures inside a page: small PNG files as data URIs, within a cap."""

from __future__ import annotations

import base64
import io
from pathlib import Path, PurePosixPath

from PIL import Image

from underpaint.core.page.markup import Markup, element

CAP_BYTES = 15_000_000
"""Most bytes of all pictures of a page, as they stand in it."""
LARGEST_SIDE = 256


class Album:
    """Hands out pictures of an artifact until the cap is reached.

    Args:
        folder: The artifact.
        cap_bytes: Most bytes of all pictures together.
    """

    def __init__(self, folder: Path, *, cap_bytes: int = CAP_BYTES) -> None:
        self.folder = folder
        self.room = cap_bytes
        self.left_out = 0

    def uri(self, name: str) -> str | None:
        """Return a file as a data URI; None if it is not there, lies outside, cannot be read, or there is no room."""
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or "\0" in name:
            return None
        try:
            encoded = encode(self.folder / path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        if len(encoded) > self.room:
            self.left_out += 1
            return None
        self.room -= len(encoded)
        return encoded


def encode(path: Path) -> str:
    """Return a picture as the data URI of a PNG without metadata, no side above ``LARGEST_SIDE``."""
    with Image.open(path) as image:
        picture = image.convert("RGBA")
    if max(picture.size) > LARGEST_SIDE:
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def tile(uri: str | None, alternative: str) -> Markup:
    """Show a picture, or a plain tile that says that it is not here."""
    if uri is None:
        return element("span", "picture not kept", class_="tile empty")
    return element("img", src=uri, alt=alternative, class_="tile", width=128, height=128, decoding="async")
