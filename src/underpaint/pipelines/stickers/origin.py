"""Where a sticker comes from: the settings of the picture that it was made of, and a record of what became of it.

A mark of the picture is put into the sticker's pixels anew, since composing it has washed it out.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from underpaint import __version__
from underpaint.core.errors import InputError
from underpaint.pipelines.marks import mark, search
from underpaint.pipelines.picture_file import PARAMETERS, pixel_digest
from underpaint.pipelines.settings import Settings, as_size
from underpaint.pipelines.sticker_record import StickerRecord
from underpaint.pipelines.stickers.encoding import Texts
from underpaint.pipelines.stickers.look import Look, background_words, contour_words
from underpaint.pipelines.stickers.picture import Picture, packet_of
from underpaint.pipelines.stickers.place import Item
from underpaint.runtime import watermark


@dataclass(frozen=True, kw_only=True, eq=False)
class Marked:
    """The pixels of a sticker, and what is said of them.

    Args:
        image: RGBA, or RGB where nothing may be seen through.
        settings: What made it, but for the digest of its pixels; None if nobody knows.
        printed: Whether its file names a resolution, beside which settings would count as changed.
    """

    image: Image.Image
    settings: Settings | None
    printed: bool = False

    def delivered(self, image: Image.Image) -> Settings | None:
        """Return the settings of the pixels that a file shows; a mark that its fewer colors took away is none."""
        if self.settings is None:
            return None
        kept = image is self.image or _shows(image, self.settings.watermark)
        changed = {} if kept else {"watermark": None}
        return self.settings.model_copy(update={"pixel_sha256": pixel_digest(image), **changed})

    def texts(self, image: Image.Image) -> Texts:
        """Return what a file of these pixels says about itself."""
        plain = (("Software", f"underpaint {__version__}"),)
        settings = self.delivered(image)
        if settings is None:
            return Texts(plain=plain)
        parameters = () if self.printed else ((PARAMETERS, settings.to_json()),)
        return Texts(xmp=packet_of(settings), plain=(*parameters, *plain))


def marked(pixels: np.ndarray, picture: Picture, place: str, item: Item, look: Look) -> Marked:
    """Put the mark of a picture into a sticker, and say what it was made of.

    Args:
        pixels: The sticker ``[H, W, 4]`` uint8, straight alpha.
        picture: What it was made of.
        place: What it was made for.
        item: The kind of file.
        look: What it looks like.
    """
    shown = pixels if item.transparent else np.ascontiguousarray(pixels[..., :3])
    settings = None if picture.settings is None else _settings(picture, picture.settings, place, item, look, shown)
    if settings is not None and settings.watermark is not None:
        with_mark = _with_mark(shown, settings.watermark)
        if with_mark is None:
            settings = settings.model_copy(update={"watermark": None})
        else:
            shown = with_mark
    return Marked(image=Image.fromarray(shown), settings=settings, printed=item.dpi is not None)


def _with_mark(pixels: np.ndarray, name: str) -> np.ndarray | None:
    """Return pixels with a mark; None where it does not fit, or its key is somebody else's."""
    if not watermark.fits(*pixels.shape[:2]):
        return None
    with contextlib.suppress(InputError):
        return mark(pixels, name)
    return None


def _shows(image: Image.Image, name: str | None) -> bool:
    """Tell whether a mark is found in a picture; none is everywhere."""
    found = None if name is None else search(image)
    return name is None or (found is not None and found.found and found.name == name)


def _settings(picture: Picture, drawn: Settings, place: str, item: Item, look: Look, shown: np.ndarray) -> Settings:
    record = StickerRecord(
        picture_sha256=picture.sha256,
        size=picture.size,
        place=place,
        item=item.name,
        contour=contour_words(look),
        shadow=look.shadow,
        background=background_words(look.background),
    )
    changed = {"size": as_size(*shown.shape[1::-1]), "version": __version__, "sticker": record}
    return drawn.model_copy(update={**changed, "pixel_sha256": None})
