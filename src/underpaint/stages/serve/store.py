"""Finished pictures on the disk, each under the SHA-256 of its pixels, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
import time
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.keys_folder import write_private
from underpaint.pipelines.picture_file import write_new
from underpaint.stages.serve.engine.orders import FORMATS, Format

DIGEST = re.compile(r"[0-9a-f]{64}")
SUFFIXES: dict[Format, str] = {"png": ".png", "jpeg": ".jpeg", "webp": ".webp"}


class PictureStore:
    """A folder of pictures.

    Args:
        folder: The folder; it is made if needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._secret = write_private(folder / "address.key", secrets.token_bytes(32))

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
        try:
            write_new(data, path)
        except FileExistsError:
            with storage_errors(path):
                path.touch()
        return path

    def find(self, pixel_sha256: str, output_format: Format | None = None) -> tuple[Path, Format] | None:
        """Return a picture's file and format, or None if there is none."""
        if not DIGEST.fullmatch(pixel_sha256):
            return None
        formats: tuple[Format, ...] = FORMATS if output_format is None else (output_format,)
        for one in formats:
            if (path := self._path(pixel_sha256, one)).is_file():
                return path, one
        return None

    def is_writable(self) -> bool:
        """Tell whether something can be put on the disk now."""
        trial = self._folder / f".trial-{secrets.token_hex(4)}"
        try:
            trial.write_bytes(b"x")
        except OSError:
            return False
        finally:
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

    def forget(self, older_than_s: float) -> int:
        """Remove pictures that nobody kept again for so long; return how many."""
        before, removed = time.time() - older_than_s, 0
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, pixel_sha256: str, output_format: Format) -> Path:
        return self._folder / pixel_sha256[:2] / f"{pixel_sha256}{SUFFIXES[output_format]}"
