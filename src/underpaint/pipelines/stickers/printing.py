"""Stickers on paper: as large as they fit beside each other, with a line to cut along if it is wanted.

Source: ISO 216 (A4); ANSI/ASME Y14.1 (letter). Print shops ask for 300 dots an inch and cut lines of pure magenta.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from underpaint.pipelines.stickers.composing import composed, prepared
from underpaint.pipelines.stickers.contour import contour
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.stickers.tidying import HALF
from underpaint.runtime import xmp

Paper = Literal["a4", "letter"]

PAPERS_MM: dict[Paper, tuple[float, float]] = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
DPI = 300
MM_PER_INCH = 25.4
MARGIN_MM, GAP_MM, LARGEST_MM = 10.0, 5.0, 80.0
CUT_MM = 0.3
CUT_COLOR = (255, 0, 255)
RIM_MM = 0.1
RIM_COLOR = (190, 190, 190)
"""Of the hairline that shows where a sticker ends that is as light as the paper."""
LIGHT = 224
"""Levels, of the darkest of a color's three, from which it does not stand out from the paper."""
BAND = (1, 4)
"""Pixels inside the rim between which a sticker is looked at; its very edge passes into the paper anyhow."""
LEAST_LIGHT = 0.1
"""Share of the rim from which it counts as light: nobody could see where that stretch ends."""
PER_PAGE = 24
"""Most stickers on one page."""


def pixels_of(mm: float) -> int:
    """Return a length on paper in pixels."""
    return round(mm * DPI / MM_PER_INCH)


ROOM = pixels_of(CUT_MM) + 1
"""Pixels around a sticker that its line needs, and those that are kept free around a drawing without a background."""


def places_on(paper: Paper, number: int) -> list[tuple[int, int, int]]:
    """Return where stickers lie on a page: left, top and side of each square in pixels, in rows, in the middle.

    Args:
        paper: The page.
        number: Stickers, 1 to ``PER_PAGE``.
    """
    width, height = (pixels_of(mm) for mm in PAPERS_MM[paper])
    margin, gap = pixels_of(MARGIN_MM), pixels_of(GAP_MM)

    def side_with(columns: int) -> int:
        rows = math.ceil(number / columns)
        across = (width - 2 * margin - (columns - 1) * gap) // columns
        return min(across, (height - 2 * margin - (rows - 1) * gap) // rows, pixels_of(LARGEST_MM))

    columns = max(range(1, number + 1), key=side_with)
    side, rows = side_with(columns), math.ceil(number / columns)
    left = (width - columns * side - (columns - 1) * gap) // 2
    top = (height - rows * side - (rows - 1) * gap) // 2
    steps = [divmod(k, columns) for k in range(number)]
    return [(left + column * (side + gap), top + row * (side + gap), side) for row, column in steps]


def always() -> None:
    """Go on whatever happens."""


def pages(
    pictures: Sequence[np.ndarray],
    look: Look,
    paper: Paper,
    *,
    cut_line: bool = False,
    per_page: int = PER_PAGE,
    go_on: Callable[[], None] = always,
) -> Iterator[Image.Image]:
    """Yield pages, each RGB.

    Args:
        pictures: Drawings ``[H, W, 4]`` uint8, straight alpha.
        look: What the stickers look like.
        paper: The page.
        cut_line: Whether a magenta line to cut along surrounds each; without it a gray hairline does where some of the
            rim is as light as the paper.
        per_page: Most stickers on one page.
        go_on: Called before each sticker; what it raises ends the work.

    Raises:
        InputError: A picture shows nothing.
    """
    size = [pixels_of(mm) for mm in PAPERS_MM[paper]]
    for start in range(0, len(pictures), per_page):
        portion = pictures[start : start + per_page]
        page = Image.new("RGB", (size[0], size[1]), "white")
        for drawing, (left, top, side) in zip(portion, places_on(paper, len(portion)), strict=True):
            go_on()
            item = Item(width=side, height=side, margin=ROOM, dpi=DPI)
            sticker = composed(prepared(drawing, look), item, look)
            if cut_line or is_light(sticker):
                color, width = (CUT_COLOR, CUT_MM) if cut_line else (RIM_COLOR, RIM_MM)
                line = np.rint(255 * cut(np.pad(sticker[..., 3], ROOM), width)).astype(np.uint8)
                page.paste(color, (left - ROOM, top - ROOM), Image.fromarray(line))
            page.paste(Image.fromarray(sticker), (left, top), Image.fromarray(sticker))
        yield page


def is_light(sticker: np.ndarray) -> bool:
    """Tell whether a stretch of a sticker's rim is as light as paper, so that nobody could see where it ends.

    Args:
        sticker: ``[H, W, 4]`` uint8, straight alpha, in its size on paper.
    """
    near, far = (_inside(sticker[..., 3] >= HALF, steps) for steps in BAND)
    rim = sticker[near & ~far]  # [N, 4]
    share = rim[:, 3:] / 255.0
    on_paper = share * rim[:, :3] + (1.0 - share) * 255.0
    return bool(len(rim)) and float((on_paper.min(axis=1) >= LIGHT).mean()) >= LEAST_LIGHT


def _inside(there: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Return the pixels that are more than so many steps, up, down, left and right, away from where nothing is."""
    for _ in range(steps):
        around = np.pad(there, 1)
        there = there & around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return there


def cut(alpha: np.ndarray, width_mm: float = CUT_MM) -> np.ndarray:
    """Return the line along the rim of a sticker, just outside it: ``[H, W]`` in [0, 1].

    Args:
        alpha: ``[H, W]`` uint8, of the sticker.
        width_mm: Of the line.
    """
    return contour(alpha, pixels_of(width_mm), roundness=0.0)


def as_png(page: Image.Image, makers: str) -> bytes:
    """Return a page as a PNG that says its size on paper, and who drew what is on it.

    Args:
        page: The page.
        makers: What drew the stickers.
    """
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(xmp.KEYWORD, xmp.write_packet(makers, xmp.EDITED_TYPE))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", pnginfo=texts, dpi=(DPI, DPI))
    return buffer.getvalue()


def as_pdf(printed: Sequence[Image.Image], title: str) -> bytes:
    """Return pages as a PDF at their size on paper, without a date, so that equal pages are equal bytes.

    Args:
        printed: The pages.
        title: Of the document.
    """
    buffer = io.BytesIO()
    printed[0].save(
        buffer,
        "PDF",
        save_all=True,
        append_images=list(printed[1:]),
        resolution=DPI,
        quality=92,
        title=title,
        creationDate=None,
        modDate=None,
    )
    return buffer.getvalue()
