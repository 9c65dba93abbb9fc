"""A folder that pictures are drawn into: telling names, nothing overwritten, nothing drawn twice.

A picture is called ``underpaint-<words>-<seed>.png``; if another picture has that name, a number follows: ``…-2.png``.
A finished picture with the same settings is not drawn again, so that a batch that was interrupted goes on where it
stopped when the same command runs again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from PIL import Image

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import DataError, InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.contact_sheet import MAX_CELLS, Cell, contact_sheet
from underpaint.pipelines.generator import BATCH_SIZE
from underpaint.pipelines.picture_file import (
    PREFIX,
    encode,
    encode_png,
    make_folder,
    read_picture,
    read_settings,
    write_new,
)
from underpaint.pipelines.settings import Settings

MAX_SLUG = 48


class Draws(Protocol):
    """Whatever draws pictures from complete settings: a generator, or an editor of one picture."""

    def draw(self, settings: Sequence[Settings], *, batch_size: int = ...) -> Iterator[Image.Image]:
        """Draw pictures, one after the other as they are finished."""
        ...


Seal = Callable[[bytes, Settings], bytes]
"""Returns the bytes of a picture's file as they are to be written, for example signed; gets them and the settings."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A picture that lies in the folder.

    Args:
        path: The file.
        settings: What made it.
        drawn: Whether it was drawn just now; it was there already if not.
    """

    path: Path
    settings: Settings
    drawn: bool


def slug(text: str) -> str:
    """Return text as a part of a file name: lower-case ASCII letters and digits, hyphens between words."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(words) <= MAX_SLUG:
        return words
    return words[: MAX_SLUG + 1].rpartition("-")[0] or words[:MAX_SLUG]


def stem_of(settings: Settings) -> str:
    """Return the beginning of a picture's file name."""
    edit = "" if settings.edit is None else "edit"
    parts = (PREFIX, edit, slug(settings.caption), slug(settings.style or ""), str(settings.seed))
    return "-".join(part for part in parts if part)


def _names(stem: str, ending: str = ".png") -> Iterator[str]:
    """Yield ``stem.png``, ``stem-2.png``, ``stem-3.png``, ..."""
    yield f"{stem}{ending}"
    yield from (f"{stem}-{number}{ending}" for number in count(2))


def find_finished(folder: Path, settings: Settings, stem: str | None = None) -> Placed | None:
    """Return the picture in a folder that these settings have drawn, or None.

    Args:
        folder: Where to look; need not exist.
        settings: What would be drawn.
        stem: Beginning of its name; that of a drawn picture if None.
    """
    for name in _names(stem or stem_of(settings)):
        path = folder / name
        if not path.exists():
            return None
        try:
            found = read_settings(path)
        except (InputError, DataError):
            continue
        if found.pixel_sha256 and found.identity == settings.identity:
            return Placed(path=path, settings=found, drawn=False)
    return None


def add_file(folder: Path, stem: str, data: bytes, ending: str = ".png") -> Path:
    """Write a file under the first free name and return its path.

    Args:
        folder: Where to; made if needed.
        stem: Beginning of the name.
        data: The file's bytes.
        ending: End of the name.

    Raises:
        StorageError: The folder cannot be written, or the disk is full.
    """
    names = _names(stem, ending)
    while True:
        path = folder / next(names)
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                write_new(data, path)
                return path


def prepare(folder: Path) -> None:
    """Make a folder and try to write into it, so that a mistake is found before anything is drawn.

    Raises:
        StorageError: It cannot be made or written.
    """
    make_folder(folder)
    probe = folder / f".{PREFIX}-probe"
    with storage_errors(probe):
        probe.write_bytes(b"")
        probe.unlink()


def draw_into(
    folder: Path,
    planned: Sequence[Settings],
    load: Callable[[], Draws],
    *,
    stems: Sequence[str] = (),
    reuse: bool = True,
    batch_size: int = BATCH_SIZE,
    report: Report = silent,
    seal: Seal | None = None,
) -> list[Placed]:
    """Draw pictures into a folder, each written as soon as it is finished.

    Args:
        folder: Where to; made if needed.
        planned: What to draw.
        load: Loads the model; only called if something is missing.
        stems: Beginnings of the names of the files, one for each of ``planned``; empty for ``stem_of`` them.
        reuse: Whether pictures that lie there already count as drawn.
        batch_size: Pictures drawn at once.
        report: Called after each picture.
        seal: Makes the last change to each file before it is written; None if there is none to make.

    Returns:
        One entry for each of ``planned``, in order; equal settings share a file.

    Raises:
        StorageError: The folder cannot be written, or the disk is full; what is finished stays.
    """
    prepare(folder)
    placed: dict[str, Placed] = {}
    missing: dict[str, Settings] = {}
    called = {one.identity: stem for one, stem in zip(planned, stems or map(stem_of, planned), strict=True)}
    for settings in planned:
        stem = called[settings.identity]
        finished = find_finished(folder, settings, stem) if reuse and settings.identity not in missing else None
        if finished:
            placed[settings.identity] = finished
        else:
            missing.setdefault(settings.identity, settings)
    total = len(placed) + len(missing)
    if missing:
        report(Progress(task="draw", done=len(placed), total=total, unit="pictures"))
        generator = load()
        for image in generator.draw(list(missing.values()), batch_size=batch_size):
            settings = image.info["underpaint"]
            data = encode(image) if seal is None else seal(encode(image), settings)
            path = add_file(folder, called[settings.identity], data)
            placed[settings.identity] = Placed(path=path, settings=settings, drawn=True)
            report(Progress(task="draw", done=len(placed), total=total, unit="pictures"))
    return [placed[settings.identity] for settings in planned]


def add_sheet(folder: Path, pictures: Sequence[Placed]) -> Path:
    """Write a contact sheet of pictures and return its path.

    Args:
        folder: Where to.
        pictures: What to show; those beyond ``MAX_CELLS`` are left out.
    """
    cells = [_cell(placed) for placed in pictures[:MAX_CELLS]]
    settings = pictures[0].settings
    release = f"{settings.model} {settings.model_sha256[:16]}"
    data = encode_png(contact_sheet(cells), version=settings.version, release=release)
    return add_file(folder, f"{PREFIX}-sheet", data)


def _cell(placed: Placed) -> Cell:
    image: Image.Image = read_picture(placed.path)
    settings = placed.settings
    return Cell(
        image=image, title=settings.caption, note=" · ".join(filter(None, [settings.style, str(settings.seed)]))
    )
