"""Errors of the disk as errors of ours, whichever the system calls them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from underpaint.core.artifact import SPACE_HINTS, storage_errors
from underpaint.core.errors import DiskFull, StorageError, StoreMoved

OF_DISK = {*SPACE_HINTS, errno.EROFS, errno.EIO}
"""What the system says where a disk, and not a mistake of ours, is the reason."""


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a path into an error of ours.

    Args:
        path: What is written or read.

    Raises:
        DiskFull: The disk is full.
        StoreMoved: It, or the folder that it is in, is gone.
        StorageError: Anything else.
    """
    try:
        with storage_errors(path):
            yield
    except FileNotFoundError:
        raise StoreMoved(f"{path} is gone; put its folder back, or start the server again") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be written or read ({error.strerror}); check its disk") from None


def as_storage_error(error: BaseException | None) -> StorageError | None:
    """Return an error of the system as one of ours if a disk is the reason, or None."""
    if not isinstance(error, OSError) or error.errno not in OF_DISK:
        return None
    kind = DiskFull if error.errno in SPACE_HINTS else StorageError
    return kind(f"{error.filename or 'a temporary file'} cannot be written ({error.strerror}); check its disk")
