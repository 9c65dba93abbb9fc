"""The file of a SQLite database, which others may lock, damage, fill the disk of, or take away.

SQLite goes on writing into a file that was moved or removed, and takes an empty one for a new database; so a file is
only created at the start, never emptied in silence, and looked for after every commit.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from underpaint.core.errors import DiskFull, StorageError, StoreBusy, StoreDamaged, StoreMoved

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
BROKEN = {*DAMAGED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
"""Errors after which a connection is not used again."""
PAGES_KIB = 256
"""Kept by each connection: SQLite's own 2 MB, times the threads, look like a leak, and the system keeps pages too."""


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's own number for an error."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def as_ours(error: sqlite3.Error, path: Path) -> StorageError:
    """Say what is wrong with a file and what to do."""
    code = code_of(error)
    if code in DAMAGED or "malformed" in str(error):
        return StoreDamaged(f"{path} is no SQLite database, or damaged ({error}); move it away and restore a copy")
    if code in BUSY:
        return StoreBusy(f"{path} is locked by another process ({error}); stop that process, or try again")
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path} cannot grow: the disk is full ({error}); free some, nothing accepted is lost")
    return StorageError(f"{path} cannot be read or written ({error}); check the folder, its disk and its rights")


class SqliteFile:
    """A file at one path.

    Args:
        path: The path.
        busy_s: How long a connection waits for other processes.
    """

    def __init__(self, path: Path, busy_s: float) -> None:
        self.path, self._busy_s = path, busy_s
        self._opened: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """Return another connection to a file that is there."""
        return self._connect("rw")

    def open(self, *, create: bool) -> sqlite3.Connection:
        """Return a connection that writes, to a file that was checked.

        Args:
            create: Whether the file is begun where there is none.

        Raises:
            sqlite3.Error: It cannot be opened.
            StorageError: It is damaged, or cannot be used.
        """
        self._check_size(create)
        connection = self._connect("rwc" if create else "rw")
        try:
            self._begin_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreDamaged(f"{self.path} is damaged ({verdict}); move it away and restore a copy")
            self._opened = self._identity()
        except BaseException:
            connection.close()
            raise
        return connection

    def check_place(self) -> None:
        """Make sure that the file is still the one that was opened.

        Raises:
            StoreMoved: It was moved, removed or replaced; what is written now would be lost with it.
        """
        if self._identity() != self._opened:
            raise StoreMoved(
                f"{self.path} was moved, removed or replaced while it was in use; put it back, or stop the program"
            )

    def be_patient(self, connection: sqlite3.Connection, patient: bool) -> None:
        """Let a connection wait for other processes, or hardly: when one has waited in vain, all others need not."""
        wait_s = self._busy_s if patient else min(self._busy_s, IMPATIENT_S)
        connection.execute(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")

    def _begin_log(self, connection: sqlite3.Connection) -> None:
        """Have a write-ahead log; while others open the new file too, SQLite refuses that without any waiting."""
        ends = time.monotonic() + self._busy_s
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if code_of(error) not in BUSY or time.monotonic() > ends:
                    raise
                time.sleep(LOOK_AGAIN_S)
                continue
            if mode != "wal":
                raise StorageError(f"{self.path} cannot have a write-ahead log (got {mode}); use a local disk")
            return

    def _connect(self, mode: str) -> sqlite3.Connection:
        place = f"file:{quote(str(self.path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(
            place, timeout=self._busy_s, isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            connection.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_size(self, create: bool) -> None:
        """Refuse a file that lost its content: SQLite would throw away its log and begin anew."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if _size(self.path) == 0 and (not create or (_size(log) or 0) > 0):
            raise StoreDamaged(f"{self.path} has lost its content; move it away with its log and restore a copy")

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


LOOK_AGAIN_S = 0.005
"""How long one waits between two looks at whether a new file is free."""
IMPATIENT_S = 0.2
"""How long one waits for other processes where somebody has just waited in vain."""


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
