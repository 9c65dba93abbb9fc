"""Pictures of the gallery on one contact sheet, each with its words below it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from PIL import Image

from underpaint import __version__
from underpaint.pipelines.contact_sheet import MAX_CELLS, PICTURE, Cell, contact_sheet
from underpaint.pipelines.picture_file import encode_png
from underpaint.stages.serve.engine.orders import FORMATS
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.store import PictureStore

MOST = MAX_CELLS


def sheet_of(pictures: Sequence[GalleryPicture], store: PictureStore) -> bytes:
    """Return the PNG of a contact sheet; a picture whose file is gone leaves its place out.

    Args:
        pictures: At most ``MOST``, at least one of which has its file.
        store: Where the files are.
    """
    sheet = contact_sheet(list(_cells(pictures, store)))
    releases = dict.fromkeys(one.release for one in pictures if one.release)
    return encode_png(sheet, version=__version__, release=" ".join(releases) or "unknown")


def _cells(pictures: Sequence[GalleryPicture], store: PictureStore) -> Iterator[Cell]:
    for picture in pictures:
        if data := store.read(picture.pixel_sha256, picture.output_format):
            made = picture.settings or {}
            notes = [made.get("style"), str(made["seed"]) if made else None]
            yield Cell(
                image=_small(data),
                title=picture.prompt or picture.note or "",
                note=" · ".join(filter(None, notes)),
            )


def _small(data: bytes) -> Image.Image:
    """Return a picture no larger than a cell of the sheet, so that many large ones fit into memory."""
    with Image.open(io.BytesIO(data), formats=[one.upper() for one in FORMATS]) as image:
        small = image.convert("RGBA")
    if max(small.size) > PICTURE:
        small = small.convert("RGBa")
        small.thumbnail((PICTURE, PICTURE), Image.Resampling.LANCZOS)
        small = small.convert("RGBA")
    return small
