"""Pictures of the gallery on paper: a page as a PNG, or pages as a PDF, at 300 dots an inch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from underpaint.core.errors import FieldError, InputError
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.picture import Picture
from underpaint.pipelines.stickers.printing import PER_PAGE, Paper, always, as_pdf, as_png, pages

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


def printed(
    pictures: Sequence[Picture],
    look: Look,
    paper: Paper,
    *,
    cut_line: bool,
    title: str,
    form: Form,
    go_on: Callable[[], None] = always,
) -> bytes:
    """Return the file of a printed sheet.

    Args:
        pictures: What to print, in order; as many as ``check_pages`` lets pass.
        look: What the stickers look like.
        paper: The page.
        cut_line: Whether a line to cut along surrounds each.
        title: Of a PDF.
        form: Of the file.
        go_on: Called before each sticker; what it raises ends the work.

    Raises:
        FieldError: A picture shows nothing.
    """
    try:
        made = list(pages([picture.pixels for picture in pictures], look, paper, cut_line=cut_line, go_on=go_on))
    except InputError as error:
        raise FieldError(str(error), param="pictures") from None
    if form == "pdf":
        return as_pdf(made, title)
    return as_png(made[0], _makers(pictures))


def _makers(pictures: Sequence[Picture]) -> str:
    """Return who drew the pictures, in a word that a file keeps."""
    made = [picture.settings for picture in pictures if picture.settings is not None]
    names = dict.fromkeys(f"{settings.model} {settings.model_sha256[:16]}" for settings in made)
    return ", ".join(names) or "underpaint"
