"""The bytes of files: each under its id in one folder, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from underpaint.core.errors import FieldError, StoreMoved
from underpaint.stages.serve.disk import disk_errors

PIECE_BYTES = 2**20


class Contents:
    """A folder of bytes.

    Args:
        folder: The folder; it is made if needed, but never again if it is taken away.

    Raises:
        StorageError: It cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, file: str) -> Path:
        """Return where a file's bytes lie.

        Raises:
            FieldError: They are gone.
            StoreMoved: The folder is.
        """
        path = self.folder / file
        if not path.is_file():
            if not self.folder.is_dir():
                raise StoreMoved(f"{self.folder} is gone; put it back, or start the server again")
            raise FieldError(f"the content of {file!r:.80} is gone", param="file_id", code="file_not_found")
        return path

    def keep(self, file: str, content: BinaryIO) -> int:
        """Put the bytes of a file on the disk and return how many they are.

        Args:
            file: The file's id; what has it already is replaced.
            content: The bytes.

        Raises:
            StorageError: They cannot be written.
        """
        partial = self.folder / f".{file}.{secrets.token_hex(4)}.partial"
        with disk_errors(partial):
            try:
                with partial.open("xb") as target:
                    shutil.copyfileobj(content, target, PIECE_BYTES)
                    target.flush()
                    os.fsync(target.fileno())
                    size = target.tell()
                partial.rename(self.folder / file)
            finally:
                with contextlib.suppress(OSError):
                    partial.unlink(missing_ok=True)
        return size

    def remove(self, file: str) -> None:
        """Remove a file's bytes.

        Raises:
            StorageError: They cannot be removed.
        """
        with disk_errors(self.folder):
            (self.folder / file).unlink(missing_ok=True)

    def forget_unknown(self, known: Collection[str], before: float) -> None:
        """Remove what a server that was killed wrote and did not note; not what is newer, for notes can be restored.

        Args:
            known: Ids of files that are noted.
            before: Seconds since 1970.
        """
        with disk_errors(self.folder):
            for path in self.folder.iterdir():
                if path.name not in known and path.stat().st_mtime < before:
                    path.unlink()
