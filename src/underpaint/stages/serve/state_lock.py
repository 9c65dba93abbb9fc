"""One server at a time has a state folder: a lock that ends with the process, and notices if the folder goes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import StoreBusy, StoreMoved
from underpaint.stages.serve.announcement import running_at

LOCK = "lock"


def _locked(state: Path, flags: int) -> int:
    with storage_errors(state):
        lock = os.open(state / LOCK, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreBusy(_busy(state)) from None
    return lock


def _busy(state: Path) -> str:
    """Return what is said of a folder that another server has, and where it can be called if it answers by now."""
    address = running_at(state)
    server = f"another server, at {address}, whose studio is {address}/studio/" if address else "another server"
    return f"{state} is used by {server}; stop it, or give this one another folder with --state"


class StateLock:
    """A lock on a state folder.

    Args:
        state: The folder; made if it is not there.

    Raises:
        StoreBusy: Another server has it.
        StorageError: The folder cannot be written.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        with storage_errors(state):
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(state, os.O_CREAT)

    def is_held(self) -> bool:
        """Tell whether the folder is the one that was locked."""
        try:
            return os.path.samestat(os.fstat(self._lock), (self._state / LOCK).stat())
        except OSError:
            return False

    def hold(self) -> None:
        """Make sure that the folder is locked; one that was put in its place is, if it is free.

        Raises:
            StoreMoved: There is no state folder.
            StoreBusy: Another server has the one that there is.
        """
        if self.is_held():
            return
        try:
            again = _locked(self._state, 0)
        except FileNotFoundError:
            raise StoreMoved(f"{self._state} is gone; put it back, or start the server again") from None
        os.close(self._lock)
        self._lock = again

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)


def check_state(state: Path) -> None:
    """Refuse a state folder that another server has, before anything is loaded.

    Args:
        state: As in ``StateLock``.

    Raises:
        StoreBusy: Another server has it.
        StorageError: The folder cannot be written.
    """
    StateLock(state).close()
