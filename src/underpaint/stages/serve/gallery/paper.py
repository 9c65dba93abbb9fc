"""Pictures of the gallery on paper: a page as a PNG, or pages as a PDF, at 300 dots an inch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

from PIL import PngImagePlugin

from underpaint.core.errors import FieldError, InputError
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.picture import Picture
from underpaint.pipelines.stickers.printing import DPI, PER_PAGE, Paper, as_pdf, pages
from underpaint.runtime import xmp

Form = Literal["png", "pdf"]
MOST_PAGES = 4


def check_pages(number: int, form: Form) -> None:
    """Refuse more pictures than fit on the pages.

    Raises:
        FieldError: They do not fit.
    """
    most = PER_PAGE if form == "png" else MOST_PAGES * PER_PAGE
    if number > most:
        other = ", or a PDF, which has several pages" if form == "png" else ""
        raise FieldError(f"at most {most} pictures are printed at once, got {number}; take fewer{other}", param="as")


def printed(pictures: Sequence[Picture], look: Look, paper: Paper, *, cut_line: bool, title: str, form: Form) -> bytes:
    """Return the file of a printed sheet.

    Args:
        pictures: What to print, in order; as many as ``check_pages`` lets pass.
        look: What the stickers look like.
        paper: The page.
        cut_line: Whether a line to cut along surrounds each.
        title: Of a PDF.
        form: Of the file.

    Raises:
        FieldError: A picture shows nothing.
    """
    try:
        made = list(pages([picture.pixels for picture in pictures], look, paper, cut_line=cut_line))
    except InputError as error:
        raise FieldError(str(error), param="pictures") from None
    if form == "pdf":
        return as_pdf(made, title)
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(xmp.KEYWORD, xmp.write_packet(_makers(pictures), xmp.EDITED_TYPE))
    buffer = io.BytesIO()
    made[0].save(buffer, "PNG", pnginfo=texts, dpi=(DPI, DPI))
    return buffer.getvalue()


def _makers(pictures: Sequence[Picture]) -> str:
    """Return who drew the pictures, in a word that a file keeps."""
    made = [picture.settings for picture in pictures if picture.settings is not None]
    names = dict.fromkeys(f"{settings.model} {settings.model_sha256[:16]}" for settings in made)
    return ", ".join(names) or "underpaint"
