"""Laws of archives: made while they are read, whole whatever is missing, with names that every system takes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import FieldError
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.gallery.archive import zipped
from underpaint.stages.serve.gallery.making import read_kept
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.store import PictureStore

DATA = bytes(range(256)) * 64


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path)


def picture(number: int, prompt: str = "a cat", note: str | None = None) -> GalleryPicture:
    settings = {"prompt": prompt, "seed": number} if prompt else None
    return GalleryPicture(
        seq=number,
        owner="ann",
        pixel_sha256=f"{number:064x}",
        output_format="png",
        bytes=len(DATA),
        width=8,
        height=8,
        model="m",
        release="r-1",
        job=None,
        settings=settings,
        cost=None,
        created_at=1_700_000_000.0,
        favorite=False,
        rating=None,
        note=note,
        deleted_at=None,
    )


def opened(parts: Iterator[bytes]) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    assert archive.testzip() is None
    return archive


def test_a_file_is_read_when_its_turn_comes_and_no_part_holds_more_than_one(store):
    for number in range(20):
        store.put(DATA, f"{number:064x}")
    gone: list[int] = []

    def pictures() -> Iterator[GalleryPicture]:
        for number in range(20):
            gone.append(number)
            yield picture(number)

    parts = zipped(pictures, [], store)
    first = next(parts)
    assert gone == [0] and len(DATA) <= len(first) < 2 * len(DATA)
    rest = list(parts)
    assert max(map(len, rest)) < 2 * len(DATA)
    assert len(opened(iter([first, *rest])).namelist()) == 22


class Racing(PictureStore):
    """A folder from which somebody else takes each picture as soon as it is found."""

    def find(self, pixel_sha256: str, output_format: Format | None = None) -> Any:
        found = super().find(pixel_sha256, output_format)
        if found is not None:
            found[0].unlink()
        return found


def test_what_loses_its_file_while_it_is_read_is_left_out(tmp_path):
    store = Racing(tmp_path)
    store.put(DATA, f"{1:064x}")
    with opened(zipped(lambda: iter([picture(1)]), [], store)) as archive:
        assert archive.namelist() == ["pictures.json", "pictures.csv"]
    store.put(DATA, f"{1:064x}")
    with pytest.raises(FieldError, match="kept no longer"):
        read_kept(picture(1), store)


def test_what_has_lost_its_file_is_still_told_of(store):
    store.put(DATA, f"{1:064x}")
    with opened(zipped(lambda: iter([picture(1), picture(2)]), ["x"], store)) as archive:
        known = json.loads(archive.read("pictures.json"))
        assert archive.namelist() == ["0001-a-cat-1.png", "pictures.json", "pictures.csv"]
    assert [one["file"] for one in known["pictures"]] == ["0001-a-cat-1.png", None] and known["missing"] == ["x"]


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        (picture(1, "../../etc/passwd"), "0001-etc-passwd-1.png"),
        (picture(1, "кот 猫"), "0001-picture-1.png"),
        (picture(1, "", note="My Cat"), "0001-my-cat.png"),
        (picture(1, ""), "0001-picture.png"),
        (replace(picture(1), output_format="webp"), "0001-a-cat-1.webp"),
    ],
)
def test_names_are_plain_whatever_the_prompt_says(store, shown, name):
    store.put(DATA, shown.pixel_sha256, shown.output_format)
    with opened(zipped(lambda: iter([shown]), [], store)) as archive:
        assert archive.namelist()[0] == name


def test_the_same_pictures_make_the_same_files_within(store):
    store.put(DATA, f"{1:064x}")
    first, second = (opened(zipped(lambda: iter([picture(1)]), [], store)) for _ in range(2))
    assert [one.date_time for one in first.infolist()[:1]] == [(2023, 11, 14, 22, 13, 20)]
    assert [first.read(name) for name in first.namelist()] == [second.read(name) for name in second.namelist()]
