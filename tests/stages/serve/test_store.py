"""Laws of the folder of pictures: when its disk is in trouble, and when several use it at once."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import DiskFull, StoreMoved
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.store import PictureStore

DIGEST = "ab" * 32
OTHER = "cd" * 32


class Racing(PictureStore):
    """A folder from which somebody else takes each picture as soon as it is found."""

    def find(self, pixel_sha256: str, output_format: Format | None = None) -> Any:
        found = super().find(pixel_sha256, output_format)
        if found is not None:
            found[0].unlink()
        return found


@pytest.fixture
def store(tmp_path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow; not a fixture, since what pytest itself writes may go into a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_picture_that_does_not_fit_is_not_there_and_leaves_nothing(store, tmp_path):
    with full_disk():
        with pytest.raises(DiskFull):
            store.put(b"picture", DIGEST)
        is_writable = store.is_writable()
    assert not is_writable
    assert store.find(DIGEST) is None
    assert [path for path in (tmp_path / "pictures").rglob("*") if path.is_file()] == [
        tmp_path / "pictures" / "address.key"
    ]


def test_what_is_there_already_is_kept_again_as_it_is_and_found_on_a_full_disk(store):
    path = store.put(b"picture", DIGEST)
    assert store.put(b"picture", DIGEST) == path
    assert store.is_writable()
    with full_disk():
        found = store.find(DIGEST)
    assert found == (path, "png")


def test_a_folder_that_is_taken_away_is_not_made_anew(store, tmp_path):
    store.put(b"picture", DIGEST)
    (tmp_path / "pictures").rename(tmp_path / "away")
    with pytest.raises(StoreMoved):
        store.put(b"picture", DIGEST)
    with pytest.raises(StoreMoved):
        store.find(DIGEST)
    assert not store.is_writable() and not (tmp_path / "pictures").exists()
    (tmp_path / "away").rename(tmp_path / "pictures")
    assert store.find(DIGEST) is not None


def test_what_is_kept_again_while_old_pictures_are_looked_through_stays(store):
    for digest in (DIGEST, OTHER):
        os.utime(store.put(b"picture", digest), (0, 0))

    def kept(digests: Sequence[str]) -> set[str]:
        assert sorted(digests) == [DIGEST, OTHER]
        store.put(b"picture", DIGEST)
        return set()

    assert store.forget(1000.0, kept) == 1
    assert store.find(DIGEST) and store.find(OTHER) is None


def test_what_a_trial_of_the_disk_left_when_its_server_was_killed_goes_with_the_next(store, tmp_path, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        for _ in range(2):
            assert store.is_writable()
    left = [path for path in (tmp_path / "pictures").iterdir() if path.name != "address.key"]
    assert len(left) == 1
    assert store.is_writable() and not left[0].exists()


def test_a_picture_that_goes_while_it_is_read_is_not_there_and_the_folder_is(store, tmp_path):
    store.put(b"picture", DIGEST)
    assert (store.read(DIGEST), store.read(DIGEST, "jpeg"), store.read(OTHER)) == (b"picture", None, None)
    assert Racing(tmp_path / "pictures").read(DIGEST) is None
    (tmp_path / "pictures").rename(tmp_path / "away")
    with pytest.raises(StoreMoved):
        store.read(DIGEST)
