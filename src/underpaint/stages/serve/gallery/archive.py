"""Pictures in one ZIP file with all that is known of them, made while it is sent: it never lies anywhere as a whole.

0001-a-red-heart-7.png ...    the files as they are kept
pictures.json                 everything that is known of each
pictures.csv                  the same for a spreadsheet, which also reads as a list of what to draw
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from underpaint.pipelines.picture_folder import slug
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.store import SUFFIXES, PictureStore

Pictures = Callable[[], Iterator[GalleryPicture]]
"""Goes through the pictures, as often as it is called."""
MADE = ("prompt", "style", "seed", "steps", "guidance", "temperature", "background")
"""What of the settings stands in the table."""
COLUMNS = (
    "file", *MADE, "model", "release", "width", "height", "created_at", "favorite", "rating", "note", "ms", "joules",
    "money", "pixel_sha256",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class _Pipe(io.RawIOBase):
    """What is written goes out at the other end."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zipped(pictures: Pictures, missing: list[str], store: PictureStore) -> Iterator[bytes]:
    """Yield the parts of a ZIP file.

    Args:
        pictures: What goes into it.
        missing: Digests of what was asked for and is not there; told in ``pictures.json``.
        store: Where the files are.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # pyright: ignore[reportArgumentType]
        for number, picture in enumerate(pictures(), 1):
            data = store.read(picture.pixel_sha256, picture.output_format)
            if data is not None:
                archive.writestr(_member(file_name(number, picture), picture.created_at), data)
                yield pipe.taken()
        for name, parts in (
            ("pictures.json", _json(pictures, missing, store)),
            ("pictures.csv", _csv(pictures, store)),
        ):
            with archive.open(_member(name, time.time()), "w") as member:
                for part in parts:
                    member.write(part.encode())
                    yield pipe.taken()
    yield pipe.taken()


def file_name(number: int, picture: GalleryPicture) -> str:
    """Return the name of a picture's file: its number, its words and its seed."""
    seed = "" if picture.settings is None else f"-{picture.settings['seed']}"
    words = slug(picture.prompt or picture.note or "") or "picture"
    return f"{number:04d}-{words}{seed}{SUFFIXES[picture.output_format]}"


def _member(name: str, at: float) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, time.gmtime(at)[:6])


def _known(number: int, picture: GalleryPicture, store: PictureStore) -> dict[str, Any]:
    """Return all that is known of a picture."""
    is_there = store.find(picture.pixel_sha256, picture.output_format) is not None
    values = {name: getattr(picture, name) for name in GalleryPicture.__dataclass_fields__ if name != "seq"}
    return {"file": file_name(number, picture) if is_there else None, **values}


def _json(pictures: Pictures, missing: list[str], store: PictureStore) -> Iterator[str]:
    comma = ""
    yield '{"pictures": ['
    for number, picture in enumerate(pictures(), 1):
        yield f"{comma}\n{json.dumps(_known(number, picture, store), ensure_ascii=False)}"
        comma = ","
    yield f'\n], "missing": {json.dumps(missing)}}}\n'


def _csv(pictures: Pictures, store: PictureStore) -> Iterator[str]:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for number, picture in enumerate(pictures(), 1):
        known = _known(number, picture, store)
        made = {name: value for name, value in (picture.settings or {}).items() if name in MADE}
        row = {**known, **made, **(picture.cost or {})}
        table.writerow({name: _as_cell(row.get(name)) for name in COLUMNS})
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _as_cell(value: Any) -> Any:
    """Return what stands in a cell; text that a spreadsheet would run gets an apostrophe before it."""
    if isinstance(value, bool):
        return int(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
