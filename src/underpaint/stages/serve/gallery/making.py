"""From pictures of the gallery to other files: larger ones, and packs for messengers, shops and social networks."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import FieldError, InputError, QueueFull
from underpaint.pipelines.editing.reading import Upright
from underpaint.pipelines.picture_file import INFO, encode, pixel_digest
from underpaint.pipelines.picture_folder import Seal
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.archive import EPOCH
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.making import Labels, check_places, make_stickers
from underpaint.pipelines.stickers.picture import Picture
from underpaint.pipelines.upscaling.network import UpscalingNetwork, shipped
from underpaint.pipelines.upscaling.picture import enlarge, plan
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.engine.orders import FORMATS
from underpaint.stages.serve.engine.seal import open_seal
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.store import PictureStore

AT_ONCE = 2
"""Requests that may make files at once; each keeps a processor busy and holds large pictures."""
RETRY_S = 2.0
MOST_PIXELS = 300_000_000
"""Most pixels of all files of a request together: those of 1,100 stickers for WhatsApp."""
PART_BYTES = 2**18

_free = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def busy() -> Iterator[None]:
    """Take one of the few turns to make files.

    Raises:
        QueueFull: All are taken.
    """
    if not _free.acquire(blocking=False):
        raise QueueFull("other files are being made; come back in a moment", retry_after_s=RETRY_S)
    try:
        yield
    finally:
        _free.release()


def seal_of(config: ServeConfig) -> Seal | None:
    """Return what signs files, where the server is set to sign."""
    return open_seal() if config.sign else None


def read_kept(picture: GalleryPicture, store: PictureStore) -> Upright:
    """Return a picture of the gallery with what made it.

    Raises:
        FieldError: Its file is kept no longer.
    """
    data = store.read(picture.pixel_sha256, picture.output_format)
    if data is None:
        raise FieldError(
            f"the file of {picture.pixel_sha256} is kept no longer; draw it again",
            param="pictures",
            code="image_not_found",
        )
    with Image.open(io.BytesIO(data), formats=[one.upper() for one in FORMATS]) as opened:
        image = opened.copy()
    settings = None if picture.settings is None else Settings.model_validate(picture.settings)
    words = picture.note or "" if settings is None else settings.caption or settings.prompt
    return Upright(name=f"the picture {words!r:.60}", image=image, settings=settings)


def as_sticker(found: Upright, note: str | None = None) -> Picture:
    """Return a picture as what stickers are made of.

    Args:
        found: The picture.
        note: What names its files where nothing else does.
    """
    settings = found.settings
    return Picture(
        name=found.name,
        words=note or "" if settings is None else settings.caption or settings.prompt,
        pixels=np.array(found.image.convert("RGBA")),  # [H, W, 4]
        sha256=pixel_digest(found.image),
        settings=settings,
    )


def enlarged(found: Upright, size: int, network: UpscalingNetwork | None = None, seal: Seal | None = None) -> bytes:
    """Return the PNG of a picture made larger; it says what drew it and what enlarged it.

    Args:
        found: The picture.
        size: Of the longer side, in pixels; more than that of the picture.
        network: What enlarges; None for what comes with underpaint.
        seal: Signs the file; None signs nothing.

    Raises:
        FieldError: The size is out of range, or the picture is as large already.
    """
    try:
        network = network or shipped()
        image = enlarge(plan(found, size, None, network), network)
        return encode(image) if seal is None else seal(encode(image), image.info[INFO])
    except InputError as error:
        raise FieldError(str(error), param="size") from None


def check_amount(places: Sequence[str], num_pictures: int) -> None:
    """Refuse what would take too long.

    Raises:
        FieldError: There is no such place, or all files together would have too many pixels.
    """
    try:
        known = check_places(places)
    except InputError as error:
        raise FieldError(str(error), param="places") from None
    pixels = sum(
        item.width * item.height * (1 if item.once else num_pictures)
        for place in known.values()
        for item in place.items
    )
    if pixels > MOST_PIXELS:
        raise FieldError(
            f"these files would have {pixels // 10**6:,} megapixels together; at most {MOST_PIXELS // 10**6:,} are "
            "allowed: take fewer pictures or places at once",
            param="places",
        )


def packed(
    pictures: Sequence[Picture], places: Sequence[str], look: Look, labels: Labels, seal: Seal | None = None
) -> IO[bytes]:
    """Return a ZIP file of all files for some places, open at its beginning; it is gone when it is closed.

    Args:
        pictures: In the order of the pack.
        places: Names of places.
        look: What stickers shall look like.
        labels: What is written beside and into the files.
        seal: Signs the files that keep a signature; None signs nothing.

    Raises:
        FieldError: A picture shows nothing, or a file cannot be made as short as it must be.
        StorageError: The disk is full.
    """
    with ExitStack() as unless_finished:
        file = unless_finished.enter_context(tempfile.TemporaryFile())
        with storage_errors(Path(tempfile.gettempdir())), zipfile.ZipFile(file, "w") as archive:
            try:
                for made in make_stickers(pictures, list(dict.fromkeys(places)), look, labels=labels, seal=seal):
                    archive.writestr(zipfile.ZipInfo(made.name, EPOCH), made.data)
            except InputError as error:
                raise FieldError(str(error), param="pictures") from None
        file.seek(0)
        unless_finished.pop_all()
    return file


def parts_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file and close it."""
    with file:
        while part := file.read(PART_BYTES):
            yield part
