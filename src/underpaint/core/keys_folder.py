"""Where the user's own keys lie: files that nobody else may read, apart from everything that can be made again."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import InputError, StorageError

KEY_CAP = 64 * 2**10
"""Longest file of keys or certificates, in bytes."""


def keys_folder() -> Path:
    """Return the user's folder of keys: ``UNDERPAINT_KEYS``, else ``underpaint/keys`` in the user's configuration."""
    chosen = os.environ.get("UNDERPAINT_KEYS")
    if chosen:
        return Path(chosen).expanduser()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config").expanduser()
    return config / "underpaint" / "keys"


def read_capped(path: Path) -> bytes:
    """Read a small file.

    Raises:
        InputError: It is not there, cannot be read, or is longer than ``KEY_CAP``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(KEY_CAP + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None
    if len(data) > KEY_CAP:
        raise InputError(f"{path} is longer than the {KEY_CAP:,} bytes allowed for keys and certificates")
    return data


def read_private(path: Path) -> bytes:
    """Read a key that only its owner may read.

    Raises:
        StorageError: Others may read or change the file.
        InputError: It is not there, cannot be read, or is longer than ``KEY_CAP``.
    """
    data = read_capped(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise StorageError(f"{path} may be read or changed by others (mode {mode:o}); run: chmod 600 {path}")
    return data


def write_private(path: Path, data: bytes) -> bytes:
    """Write a new file that only its owner may read, unless somebody else has just made it; return what lies there.

    Args:
        path: The file; its folder is made if needed, for its owner alone.
        data: Its bytes.

    Raises:
        StorageError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    return read_private(path)
