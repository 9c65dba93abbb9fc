"""Bringing a picture into the gallery that no job here drew: its pixels, and what made it, if that is sure.

Of a file nothing is kept but its pixels. If it holds settings of ours, and their digest is that of these pixels, they
are written anew into the file that is kept; settings of pixels that were changed since would tell a lie.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath

from PIL import Image

from underpaint.core.errors import UnderpaintError
from underpaint.pipelines.picture_file import attach, encode, pixel_digest, read_settings
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.engine.catalog import RELEASE_DIGITS
from underpaint.stages.serve.gallery.gallery import Gallery
from underpaint.stages.serve.gallery.picture import Entry, GalleryPicture
from underpaint.stages.serve.security.uploads import Caps, read_upload, reencoded
from underpaint.stages.serve.service import Service

CAPS = Caps(image_bytes=20 * 10**6, pixels=2048 * 2048, side=4096)
"""The gallery holds stickers; a photo belongs to the edit that begins with it."""
LONGEST_NOTE = 200
NUL = "\\u0000"
"""A character, as JSON writes it, that no prompt has and no database holds."""


def brought(data: bytes, filename: str, gallery: Gallery, service: Service, owner: str) -> GalleryPicture:
    """Put an uploaded picture into an owner's gallery and return it.

    Args:
        data: The file.
        filename: What the owner called it; becomes a note where nothing else says what it shows.
        gallery: Where it goes.
        service: Where the files are, and what knows the models.
        owner: Whose it is.

    Raises:
        FieldError: It is no picture, or too large.
        GalleryFull: There is no room, or no gallery.
        StorageError: It cannot be kept.
    """
    gallery.check_on()
    image, settings = read_brought(data)
    file = reencoded(image) if settings is None else encode(attach(image, settings))
    gallery.check_room(owner, len(file))
    digest = pixel_digest(image)
    service.store.put(file, digest)
    return gallery.bring(owner, _entry(image, digest, file, settings, service, filename))


def read_brought(data: bytes) -> tuple[Image.Image, Settings | None]:
    """Return the pixels of an uploaded picture, and what made it, if that is sure.

    Args:
        data: The file.

    Raises:
        FieldError: It is no picture, or too large.
    """
    return _matched(read_upload(data, caps=CAPS, param="file"), _settings_of(data))


def _entry(
    image: Image.Image, digest: str, file: bytes, settings: Settings | None, service: Service, filename: str
) -> Entry:
    release = "" if settings is None else f"r-{settings.model_sha256[:RELEASE_DIGITS]}"
    names = [one.name for one in service.catalog.by_name.values() if one.release == release]
    return Entry(
        pixel_sha256=digest,
        output_format="png",
        num_bytes=len(file),
        width=image.width,
        height=image.height,
        model=names[0] if names else "" if settings is None else settings.model,
        release=release,
        settings=settings,
        note=_name_of(filename) if settings is None else None,
    )


def _settings_of(data: bytes) -> Settings | None:
    with tempfile.TemporaryDirectory(prefix="underpaint-") as folder:
        path = Path(folder) / "picture.png"
        path.write_bytes(data)
        try:
            settings = read_settings(path)
        except UnderpaintError:
            return None
    return None if NUL in settings.to_json() else settings


def _matched(image: Image.Image, settings: Settings | None) -> tuple[Image.Image, Settings | None]:
    """Return a picture and its settings as they were drawn, or without settings that are not its own."""
    if settings is None:
        return image, None
    drawn = image if settings.background == "transparent" else image.convert("RGB")
    return (drawn, settings) if pixel_digest(drawn) == settings.pixel_sha256 else (image, None)


def _name_of(filename: str) -> str | None:
    """Return what a file is called, without its folder, its ending and what cannot be shown."""
    name = PurePath(filename.replace("\\", "/")).stem
    return "".join(sign for sign in name if sign.isprintable())[:LONGEST_NOTE] or None
