"""Finished pictures: what was decoded stays in a folder beside the target, until the data set is whole.

A record of fixed length is appended for every picture after its file is there, so a killed build loses at most the
pictures that were being decoded. The records are read through the memory map: they take no memory of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import __version__ as pillow_version

from underpaint.core.artifact import storage_errors
from underpaint.core.config import digest_of
from underpaint.core.errors import StorageError
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.decoding import RULES
from underpaint.stages.data.folder.ledger import Ledger

NOTES = ("cmyk", "16-bit", "rotated", "enlarged")
RECORD = np.dtype(
    [
        ("key", "V32"),
        ("pixels", "V32"),
        ("bytes", "<u4"),
        ("alpha", "<f4"),
        ("notes", "<u4"),
        ("thumbnail", "u1", (32, 32, 3)),
    ]
)
"""SHA-256 of the source's bytes and of the pixels, bytes of the PNG, mean alpha, bits of ``NOTES``, 32 px on white."""
RECORDS, PICTURES, LOCK, LEDGER = "records.bin", "pictures", "lock", "ledger.sqlite"


class Finished:
    """The pictures that are decoded.

    Args:
        folder: Where they lie; is created.
        ledger: Knows the record of every key.
    """

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger
        self.path = folder / RECORDS
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        self.file: BinaryIO = self.path.open("ab", buffering=0)
        self.file.truncate(self.path.stat().st_size // RECORD.itemsize * RECORD.itemsize)
        self.count = 0
        for record in self.records():
            self._enter(record["key"].tobytes(), int(record["bytes"]))

    def _enter(self, key: bytes, num_bytes: int) -> None:
        """Know a record as the next one; one without its file is as good as none."""
        with contextlib.suppress(OSError):
            if self.picture(key).stat().st_size == num_bytes:
                self.ledger.set_record(key, self.count)
        self.count += 1

    def picture(self, key: bytes) -> Path:
        """Return where the picture of a key lies or shall lie."""
        name = key.hex()
        return self.folder / PICTURES / name[:2] / f"{name}.png"

    def prepare(self, key: bytes) -> Path:
        """Return the path of a picture that shall be written; its folder exists."""
        path = self.picture(key)
        path.parent.mkdir(exist_ok=True)
        return path

    def add(self, key: bytes, answer: dict[str, Any]) -> None:
        """Take down what the decoding process answered about a picture."""
        record = np.zeros((), RECORD)
        record["key"], record["pixels"] = np.void(key), np.void(bytes.fromhex(answer["pixels"]))
        record["bytes"], record["alpha"] = answer["bytes"], answer["alpha"]
        record["notes"] = sum(1 << NOTES.index(note) for note in answer["notes"])
        record["thumbnail"] = np.frombuffer(bytes.fromhex(answer["thumbnail"]), np.uint8).reshape(32, 32, 3)
        self.file.write(record.tobytes())
        self._enter(key, answer["bytes"])

    def records(self) -> np.ndarray:
        """Return all records, mapped from the file."""
        if self.path.stat().st_size == 0:
            return np.empty(0, RECORD)
        return np.memmap(self.path, RECORD, mode="r")


def notes_in(bits: int) -> list[str]:
    """Return the names of the notes that a number holds."""
    return [name for place, name in enumerate(NOTES) if bits >> place & 1]


def folder_for(out: Path, config: FolderConfig) -> Path:
    """Return where the finished pictures of a build lie; other settings of the pictures have another folder."""
    digest = digest_of([config.size, config.background, RULES, pillow_version])
    return out.parent / f".{out.name}.{digest[:8]}.pictures"


@contextlib.contextmanager
def finished_pictures(out: Path, config: FolderConfig) -> Iterator[Finished]:
    """Open the finished pictures of a build; they are removed when it succeeds and kept when it does not.

    Args:
        out: The folder of the new artifact.
        config: The settings.

    Raises:
        StorageError: The folder cannot be written, or another build is writing it.
    """
    folder = folder_for(out, config)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageError(f"another build is writing {out}; wait for it, or choose another --out") from None
            with closing(Ledger(folder / LEDGER)) as ledger:
                finished = Finished(folder, ledger)
                with finished.file:
                    yield finished
        shutil.rmtree(folder)
