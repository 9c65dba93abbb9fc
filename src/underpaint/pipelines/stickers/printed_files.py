"""The printed sheet of a series as files: a PNG a page, and all of them as one PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from underpaint.pipelines.picture_folder import PREFIX, Placed, add_file
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.picture import read_picture
from underpaint.pipelines.stickers.printing import Paper, as_pdf, as_png, pages


def is_printed(folder: Path, paper: Paper) -> bool:
    """Tell whether a printed sheet for a paper lies in a folder.

    Args:
        folder: Where to look; need not exist.
        paper: The page.
    """
    return (folder / f"{_stem(paper)}.pdf").exists()


def _stem(paper: Paper) -> str:
    return f"{PREFIX}-{paper}"


def add_printed(
    folder: Path, pictures: Sequence[Placed], look: Look, paper: Paper, *, cut_line: bool, title: str
) -> list[Path]:
    """Write the printed sheet of pictures and return its files; nothing is overwritten.

    Args:
        folder: Where to.
        pictures: What to print; those that are one file are printed once.
        look: What the stickers look like.
        paper: The page.
        cut_line: Whether a line to cut along surrounds each.
        title: Of the PDF.

    Raises:
        StorageError: The folder cannot be written, or the disk is full.
    """
    read = [read_picture(path) for path in dict.fromkeys(placed.path for placed in pictures)]
    printed = list(pages([picture.pixels for picture in read], look, paper, cut_line=cut_line))
    settings = pictures[0].settings
    maker, stem = f"{settings.model} {settings.model_sha256[:16]}", _stem(paper)
    files = [add_file(folder, stem, as_png(page, maker)) for page in printed]
    return [*files, add_file(folder, stem, as_pdf(printed, title), ".pdf")]
