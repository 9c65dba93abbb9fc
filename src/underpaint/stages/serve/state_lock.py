"""One server at a time has a state folder: a lock that ends with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import StoreBusy


def lock_state(state: Path) -> int:
    """Return a lock on a state folder, to be closed.

    Args:
        state: The folder; made if it is not there.

    Raises:
        StoreBusy: Another server has it.
        StorageError: The folder cannot be written.
    """
    path = state / "lock"
    with storage_errors(state):
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreBusy(
            f"{state} is used by another server; stop it, or give this one another folder with --state"
        ) from None
    return lock


def check_state(state: Path) -> None:
    """Refuse a state folder that another server has, before anything is loaded.

    Args:
        state: As in ``lock_state``.

    Raises:
        StoreBusy: Another server has it.
        StorageError: The folder cannot be written.
    """
    os.close(lock_state(state))
