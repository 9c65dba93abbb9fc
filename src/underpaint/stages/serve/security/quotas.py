"""How many pictures each key has had today, in a file, so that a restart does not begin the day again.

One row a key, counted up in one transaction, so that several processes share a quota. What has a name of its own is
counted under it once, however often a killed process does it again. ``synchronous=NORMAL`` in WAL mode: what a killed
process counted is kept; a power cut may forget the last moments, which gives pictures away.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from underpaint.core.errors import DiskFull, RateLimited, StorageError, StoreBusy, StoreDamaged
from underpaint.pipelines.picture_file import make_folder

DAY_S = 86_400
BUSY_S = 0.5
"""How long one waits for another process; a count takes microseconds."""
VERSION = 1
NAMES_KEPT_DAYS = 30
TAKE = """
INSERT INTO used (key, day, pictures) SELECT :key, :day, :pictures WHERE :pictures <= :allowed
ON CONFLICT (key) DO UPDATE SET
    pictures = excluded.pictures + CASE WHEN used.day >= excluded.day THEN used.pictures ELSE 0 END,
    day = max(used.day, excluded.day)
WHERE excluded.pictures + CASE WHEN used.day >= excluded.day THEN used.pictures ELSE 0 END <= :allowed
RETURNING pictures
"""
GIVE_BACK = "UPDATE used SET pictures = max(0, pictures - :pictures) WHERE key = :key AND day = :day"
FORGET_NAME = "DELETE FROM named WHERE name = :name RETURNING day"
NAME = "INSERT INTO named (name, day) VALUES (:name, :day) ON CONFLICT DO NOTHING RETURNING name"
USED = "SELECT pictures FROM used WHERE key = :key AND day >= :day"


class Quotas:
    """A file of counts.

    Args:
        path: The file; it is made if needed.
        clock: Seconds since 1970; a day begins at midnight in UTC.

    Raises:
        StorageError: It cannot be opened, or is damaged.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock, self._lock = path, clock, threading.Lock()
        self._waits_s, self._is_damaged = BUSY_S, False
        make_folder(path.parent)
        with self._translated():
            self._open()

    def take(self, key: str, pictures: int, allowed: int, *, name: str | None = None) -> int:
        """Count pictures, all or none, and return how many the key has had today.

        Args:
            key: The key's id.
            pictures: How many, at least 1.
            allowed: How many it may have a day.
            name: Of what is asked for, if it may come again and shall count once; None for a new one each time.

        Raises:
            RateLimited: It would have too many.
            StorageError: They cannot be counted.
        """
        now = self._clock()
        values = {"key": key, "day": day_of(now), "pictures": pictures, "allowed": allowed, "name": name}
        with self._translated(), self._transaction():
            is_new = name is None or bool(self._connection.execute(NAME, values).fetchall())
            rows = self._connection.execute(TAKE if is_new else USED, values).fetchall()
            if is_new and not rows:
                self._connection.execute("ROLLBACK")
        if rows or not is_new:
            return rows[0][0] if rows else 0
        raise RateLimited(
            f"this key may have {allowed:,} pictures a day and has had {self.used(key):,} today, {pictures:,} more are "
            "asked for; come back after midnight UTC, or ask for a larger quota",
            retry_after_s=DAY_S - now % DAY_S,
        )

    def today(self) -> int:
        """Return the number of the day that pictures count for now."""
        return day_of(self._clock())

    def give_back(self, key: str, pictures: int, day: int, *, name: str | None = None) -> None:
        """Count pictures no more, since they were not drawn; those of a day that is over matter no more.

        Args:
            key: The key's id.
            pictures: How many.
            day: On which they were counted, as ``today`` says it.
            name: As they were counted; they are given back once, and counted again when they come again.

        Raises:
            StorageError: They cannot be counted.
        """
        with self._translated(), self._transaction():
            days = [(day,)]
            if name is not None:
                days = self._connection.execute(FORGET_NAME, {"name": name}).fetchall()
            for (counted,) in days:
                self._connection.execute(GIVE_BACK, {"key": key, "day": counted, "pictures": pictures})

    def used(self, key: str) -> int:
        """Return how many pictures a key has had today.

        Raises:
            StorageError: The file cannot be read.
        """
        with self._translated():
            rows = self._connection.execute(USED, {"key": key, "day": day_of(self._clock())}).fetchall()
        return rows[0][0] if rows else 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _open(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._waits_s = BUSY_S
        self._set_up()
        self._path.chmod(0o600)

    def _open_again(self) -> None:
        """Open a file that was damaged: by now it may be mended, or moved away."""
        if self._is_damaged:
            self._connection.close()
            self._open()
            self._is_damaged = False

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise StoreDamaged(f"{self._path} has version {version}, known is {VERSION}; move it away")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY, day INTEGER NOT NULL, pictures INTEGER NOT NULL)"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS named (name TEXT PRIMARY KEY, day INTEGER NOT NULL)")
        self._connection.execute(f"PRAGMA user_version = {VERSION}")
        today = day_of(self._clock())
        self._connection.execute("DELETE FROM used WHERE day < ?", (today,))
        self._connection.execute("DELETE FROM named WHERE day < ?", (today - NAMES_KEPT_DAYS,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do all of it or nothing, with the file to ourselves; whoever rolls back inside keeps nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def _wait(self, seconds: float) -> None:
        """Wait so long for other processes from now on: not at all where one has just waited in vain."""
        if seconds != self._waits_s:
            self._waits_s = seconds
            self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Have the file alone among the threads, and say of its errors what to do."""
        with self._lock:
            try:
                self._open_again()
                yield
                self._wait(BUSY_S)
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    self._wait(0.0)
                    raise StoreBusy(f"{self._path} is locked by another process ({error}); try again") from None
                kind = DiskFull if code == sqlite3.SQLITE_FULL else StorageError
                raise kind(f"{self._path} cannot be written ({error}); check its disk and rights") from None
            except sqlite3.DatabaseError as error:
                self._is_damaged = True
                raise StoreDamaged(f"{self._path} is damaged ({error}); move it away, counts begin again") from None
            except OSError as error:
                raise StorageError(f"{self._path} cannot be written ({error}); check its disk and rights") from None


def day_of(now: float) -> int:
    """Return the number of a day, from seconds since 1970."""
    return int(now // DAY_S)
