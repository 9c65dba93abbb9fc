"""What a place asks of a picture: pixels, format, bytes, room around it, how many of them, and who says so."""

from __future__ import annotations

from typing import Literal

from underpaint.core.config import Config
from underpaint.pipelines.settings import as_size

Format = Literal["png", "webp", "jpeg"]
Proof = Literal["vendor", "others", "unverified"]
"""Who says it: the vendor's own page or code, pages of others, or nobody that could be read."""
Kind = Literal["messenger", "shop", "social", "icon"]
Box = Literal["canvas", "longest"]


class Item(Config):
    """A kind of file that a place wants.

    Args:
        name: What it is called; the first item of a place is the sticker itself.
        width: In pixels.
        height: In pixels.
        format: Of the file.
        max_bytes: Longest file; None where none is named.
        box: ``canvas`` is just as large; ``longest`` is cut to the drawing, its longer side just as long.
        transparent: Whether what lies around the drawing may be seen through.
        margin: Pixels that stay free on every side.
        once: Whether a pack has one of it, made of its first picture.
        file: What the file is called where the place says so, without its ending; ``{number:02}`` tells which picture
            it is.
        dpi: Resolution that is written into the file, for printing.
    """

    name: str = "sticker"
    width: int
    height: int
    format: Format = "png"
    max_bytes: int | None = None
    box: Box = "canvas"
    transparent: bool = True
    margin: int = 0
    once: bool = False
    file: str | None = None
    dpi: int | None = None

    @property
    def size(self) -> str:
        """Its width and height, as ``512x512``."""
        return as_size(self.width, self.height)


class Place(Config):
    """Where stickers go.

    Args:
        title: What people call it.
        kind: What it is.
        items: What it wants.
        source: The page that says so.
        year: When that page was read.
        proof: How far it can be relied on.
        counts: Stickers of a pack, fewest to most or the numbers that are taken; empty where none are named.
        archive: File that holds a whole pack; None for none.
        how: How the files get there, in a sentence.
    """

    title: str
    kind: Kind
    items: tuple[Item, ...]
    source: str
    year: int = 2026
    proof: Proof
    counts: tuple[int, ...] = ()
    archive: Literal["wastickers", "zip"] | None = None
    how: str = ""
