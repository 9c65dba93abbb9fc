"""Many pictures on one sheet, each with its words below it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

MAX_CELLS = 256
"""Most pictures of one sheet."""
PICTURE = 128
MARGIN = 12
LINE = 14
MAX_LINES = 3
FONT_SIZE = 11
PAPER, INK, FAINT = (255, 255, 255), (32, 32, 32), (128, 128, 128)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One picture of a sheet.

    Args:
        image: Any size and mode; shown on white, enlarged in whole steps where it is small.
        title: What was asked for.
        note: Seed and style, in a fainter ink.
    """

    image: Image.Image
    title: str
    note: str


def _fitted(image: Image.Image) -> Image.Image:
    """Scale a picture to the cell: in whole steps without blur if it grows, smoothly if it shrinks."""
    largest = max(image.size)
    factor = PICTURE // largest
    if factor >= 1:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    width, height = (max(1, round(side * PICTURE / largest)) for side in image.size)
    return image.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")


def _lines(title: str) -> list[str]:
    return textwrap.wrap(title, width=23, max_lines=MAX_LINES, placeholder=" …") or [""]


def contact_sheet(cells: Sequence[Cell], *, columns: int | None = None) -> Image.Image:
    """Lay pictures out in rows on white.

    Args:
        cells: The pictures; those beyond ``MAX_CELLS`` are left out.
        columns: Pictures in a row; None makes the sheet about square, at most 8 wide.

    Returns:
        An RGB image.
    """
    cells = cells[:MAX_CELLS]
    columns = columns or max(1, min(8, math.ceil(math.sqrt(len(cells)))))
    width, height = PICTURE + MARGIN, PICTURE + (MAX_LINES + 1) * LINE + MARGIN
    rows = math.ceil(len(cells) / columns)
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + MARGIN), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for index, cell in enumerate(cells):
        left, top = MARGIN + index % columns * width, MARGIN + index // columns * height
        picture = _fitted(cell.image.convert("RGBA"))
        corner = (left + (PICTURE - picture.width) // 2, top + (PICTURE - picture.height) // 2)
        sheet.paste(picture, corner, picture)
        lines = [*((line, INK) for line in _lines(cell.title)), (cell.note, FAINT)]
        for row, (line, ink) in enumerate(lines):
            pen.text((left, top + PICTURE + 2 + row * LINE), line, fill=ink, font=font)
    return sheet
