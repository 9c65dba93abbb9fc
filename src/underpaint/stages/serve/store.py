"""Finished pictures on the disk, each under the SHA-256 of its pixels, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path

from underpaint.core.artifact import fsync
from underpaint.core.errors import StoreMoved
from underpaint.core.keys_folder import read_private, write_private
from underpaint.pipelines.picture_file import write_new
from underpaint.stages.serve.disk import disk_errors
from underpaint.stages.serve.engine.orders import FORMATS, Format

Kept = Callable[[Sequence[str]], Collection[str]]
"""From digests of pixels to those that must stay."""
TRIAL_BYTES = 2**16
"""What must fit on the disk for a server to be ready."""
TRIAL = ".trial"
"""Its name: always the same, so that a server that is killed leaves no more than one."""
LOT = 500
"""Pictures that are asked about at once."""
DIGEST = re.compile(r"[0-9a-f]{64}")
SUFFIXES: dict[Format, str] = {"png": ".png", "jpeg": ".jpeg", "webp": ".webp"}


def none_kept(_digests: Sequence[str]) -> Collection[str]:
    """Let all pictures go."""
    return ()


class PictureStore:
    """A folder of pictures.

    Args:
        folder: The folder; it is made if needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        key = folder / "address.key"
        self._secret = read_private(key) if key.is_file() else write_private(key, secrets.token_bytes(32))

    def put(self, data: bytes, pixel_sha256: str, output_format: Format = "png") -> Path:
        """Keep a picture; one that is there already is kept as it is.

        Args:
            data: The file.
            pixel_sha256: SHA-256 of its pixels.
            output_format: Of the file.

        Raises:
            StorageError: It cannot be written, or the disk is full.
        """
        path = self._path(pixel_sha256, output_format)
        self._check()
        with disk_errors(path):
            is_new = not path.parent.is_dir()
            try:
                write_new(data, path)
                for folder in (path.parent, self._folder) if is_new else (path.parent,):
                    fsync(folder)
            except FileExistsError:
                path.touch()
        return path

    def find(self, pixel_sha256: str, output_format: Format | None = None) -> tuple[Path, Format] | None:
        """Return a picture's file and format, or None if there is none.

        Raises:
            StoreMoved: The folder is gone.
        """
        if not DIGEST.fullmatch(pixel_sha256):
            return None
        formats: tuple[Format, ...] = FORMATS if output_format is None else (output_format,)
        for one in formats:
            if (path := self._path(pixel_sha256, one)).is_file():
                return path, one
        self._check()
        return None

    def read(self, pixel_sha256: str, output_format: Format | None = None) -> bytes | None:
        """Return a picture's file, or None if there is none, or it goes while it is looked for.

        Raises:
            StorageError: It cannot be read.
        """
        found = self.find(pixel_sha256, output_format)
        if found is None:
            return None
        with disk_errors(found[0]):
            try:
                return found[0].read_bytes()
            except FileNotFoundError:
                self._check()
        return None

    def _check(self) -> None:
        """Make sure that the folder is there: nothing makes it anew, or nobody could put it back."""
        if not self._folder.is_dir():
            raise StoreMoved(f"{self._folder} is gone; put it back, or start the server again")

    def is_writable(self) -> bool:
        """Tell whether something can be put on the disk now."""
        trial = self._folder / TRIAL
        try:
            trial.write_bytes(bytes(TRIAL_BYTES))
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                trial.unlink(missing_ok=True)
        return True

    def sign(self, pixel_sha256: str, output_format: Format, expires: int) -> str:
        """Return the signature of an address that is valid until ``expires``, in seconds since 1970."""
        message = f"{pixel_sha256} {output_format} {expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def is_signed(self, pixel_sha256: str, output_format: Format, expires: int, signature: str) -> bool:
        """Tell whether a signature is ours, and its time not over."""
        ours = self.sign(pixel_sha256, output_format, expires)
        return hmac.compare_digest(ours.encode(), signature.encode()) and expires > time.time()

    def forget(self, older_than_s: float, kept: Kept = none_kept) -> int:
        """Remove pictures that nobody kept again for so long; return how many.

        Args:
            older_than_s: For how long pictures are kept by themselves.
            kept: Tells which of some pictures must stay; they count as kept again.
        """
        before, removed = time.time() - older_than_s, 0
        old = (path for path in self._folder.glob("*/*") if _modified_at(path) < before)
        while lot := list(islice(old, LOT)):
            stay = kept([path.stem for path in lot])
            for path in lot:
                with contextlib.suppress(FileNotFoundError):
                    if path.stem in stay:
                        os.utime(path)
                    elif _modified_at(path) < before:
                        path.unlink()
                        removed += 1
        return removed

    def _path(self, pixel_sha256: str, output_format: Format) -> Path:
        return self._folder / pixel_sha256[:2] / f"{pixel_sha256}{SUFFIXES[output_format]}"


def _modified_at(path: Path) -> float:
    """Return when a file was kept last, in seconds since 1970; one that is gone was kept just now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
