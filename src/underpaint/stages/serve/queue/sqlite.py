"""Jobs in a SQLite file: one thread writes, and whoever waits at that moment shares one flush to the disk.

``synchronous=FULL`` flushes the log at every commit, so that what was accepted survives a power cut. Each piece of work
is a savepoint of the shared transaction; where the transaction itself fails, each piece is done again alone. A file
that cannot be used is opened again when it can.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from underpaint.core.errors import StorageError, StoreMoved
from underpaint.stages.serve.queue.database import Row
from underpaint.stages.serve.queue.sqlite_file import BROKEN, BUSY, SqliteFile, as_ours, code_of

T = TypeVar("T")
GROUP = 64
"""Most pieces of work that share a transaction."""
POLL_S = 0.05
"""How soon the work of another process is seen."""

REOPEN_S = 1.0
"""How often a file that cannot be used is looked at again."""
READERS_KEPT = 4
"""Connections that stay open for whoever reads next: each keeps pages and statements, and reading is short."""


def always() -> bool:
    """Tell that it is so."""
    return True


class SqliteSession:
    """A transaction of a connection.

    Args:
        connection: The connection.
        clock: Tells the seconds since 1970.
    """

    serial = "INTEGER"
    transaction = "INTEGER NOT NULL DEFAULT 0"
    settled = ""
    for_update = ""
    skip_locked = ""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._connection, self._clock = connection, clock

    def execute(self, sql: str, **values: Any) -> list[Row]:
        """Run one statement and return its rows."""
        cursor = self._connection.execute(sql, values)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._clock()

    def tables(self) -> set[str]:
        """Return the names of the tables that are there."""
        rows = self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {row["name"] for row in rows if not row["name"].startswith("sqlite_")}

    def exclude_others(self) -> None:
        """Do nothing: there is one writer at a time."""

    def notify(self) -> None:
        """Do nothing: whoever waits is woken by every commit."""


Work = tuple[Callable[[SqliteSession], Any], "Future[Any]"]


class SqliteDatabase:
    """A SQLite file; several processes of one machine may share it, on a disk of that machine.

    Args:
        path: The file; it is created where it is missing, its folder is not.
        busy_s: How long a write waits for other processes.
        clock: Tells the seconds since 1970.
        is_ours: Whether a file that was put in the place of one that was opened may be used.

    Raises:
        StorageError: The file cannot be opened, is damaged, or is no database.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_s: float = 10.0,
        clock: Callable[[], float] = time.time,
        is_ours: Callable[[], bool] = always,
    ) -> None:
        self._path, self._clock, self._is_ours = path, clock, is_ours
        self._file = SqliteFile(path, busy_s)
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._changed, self._lock = threading.Condition(), threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._opened, self._is_hasty = 0, False
        self._broken: StorageError | None = None
        self._looked_at = float("-inf")
        self._closed = False
        with self._translated():
            self._writer = self._file.open(create=True)
        self._thread = threading.Thread(target=self._write_all, name="queue-writer", daemon=True)
        self._thread.start()

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    def write(self, work: Callable[[SqliteSession], T]) -> T:
        """Do some work in one transaction and return when it is on the disk."""
        done: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StorageError(f"{self._path} was closed; open the queue again")
            self._waiting.put((work, done))
        return done.result()

    def read(self, work: Callable[[SqliteSession], T]) -> T:
        """Do some work that changes nothing, beside whoever writes."""
        if self._broken is not None:
            self.write(lambda _session: None)
        with self._translated(), self._reader() as connection:
            self._file.check_place()
            connection.execute("BEGIN")
            try:
                return work(SqliteSession(connection, self._clock))
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    def wait(self, timeout_s: float) -> None:
        """Wait for a commit of this process, but not longer than other processes may go unseen."""
        with self._changed:
            self._changed.wait(min(timeout_s, POLL_S))

    def close(self) -> None:
        """Finish what was handed in and close the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        for connection in [*self._readers, self._writer]:
            connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._note(error)
            raise as_ours(error, self._path) from None
        except StoreMoved as error:
            self._note(error)
            raise

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            opened = self._opened
            connection = self._readers.pop() if self._readers else None
        if connection is None:
            connection = self._file.connect()
        try:
            yield connection
        finally:
            with self._lock:
                is_good = opened == self._opened and not self._closed
                keep = is_good and len(self._readers) < READERS_KEPT
                if keep:
                    self._readers.append(connection)
            if not keep:
                connection.close()

    def _write_all(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ends = [first], False
            while len(group) < GROUP and not self._waiting.empty() and not ends:
                following = self._waiting.get()
                ends = following is None
                group += [following] if following else []
            self._write_group(group)
            with self._changed:
                self._changed.notify_all()
            if ends:
                return

    def _write_group(self, group: list[Work]) -> None:
        try:
            self._repair()
            outcomes = self._transaction([work for work, _ in group])
        except BaseException as error:
            self._note(error)
            self._be_hasty(error)
            if len(group) > 1 and isinstance(error, sqlite3.Error) and code_of(error) not in BUSY:
                for piece in group:
                    self._write_group([piece])
                return
            outcomes = [self._told(error) for _ in group]
        for (_, done), outcome in zip(group, outcomes, strict=True):
            done.set_exception(outcome) if isinstance(outcome, BaseException) else done.set_result(outcome[0])

    def _told(self, error: BaseException) -> BaseException:
        """Return an error for one of those who wait: raising one adds to its traceback, so each has their own."""
        if isinstance(error, sqlite3.Error):
            return as_ours(error, self._path)
        return type(error)(*error.args) if isinstance(error, StorageError) else error

    def _note(self, error: BaseException) -> None:
        """Remember that the file cannot be used."""
        if isinstance(error, StoreMoved) or (isinstance(error, sqlite3.Error) and code_of(error) in BROKEN):
            self._broken = error if isinstance(error, StorageError) else as_ours(error, self._path)

    def _be_hasty(self, error: BaseException) -> None:
        """Wait hardly any more for others who hold the file for long, until they do not."""
        if isinstance(error, sqlite3.Error) and code_of(error) in BUSY:
            self._is_hasty = True
            self._file.be_patient(self._writer, False)

    def _repair(self) -> None:
        """Open a file again that could not be used, now and then.

        Raises:
            StorageError: It still cannot.
        """
        if self._broken is None:
            return
        if time.monotonic() - self._looked_at < REOPEN_S or not self._is_ours():
            raise self._told(self._broken)
        self._looked_at = time.monotonic()
        try:
            writer = self._file.open(create=False)
        except sqlite3.Error as error:
            self._broken = as_ours(error, self._path)
            raise self._told(self._broken) from None
        with self._lock:
            stale, self._writer, self._readers = [self._writer, *self._readers], writer, []
            self._opened, self._broken = self._opened + 1, None
        for connection in stale:
            connection.close()

    def _transaction(self, works: list[Callable[[SqliteSession], Any]]) -> list[tuple[Any] | BaseException]:
        """Do several pieces of work in one transaction; return a result or an error for each."""
        session = SqliteSession(self._writer, self._clock)
        self._file.check_place()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._piece(work, session) for work in works]
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
            raise
        self._file.check_place()
        if self._is_hasty:
            self._is_hasty = False
            self._file.be_patient(self._writer, True)
        return outcomes

    def _piece(self, work: Callable[[SqliteSession], T], session: SqliteSession) -> tuple[T] | BaseException:
        self._writer.execute("SAVEPOINT piece")
        try:
            outcome: tuple[T] | BaseException = (work(session),)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                raise
            self._writer.execute("ROLLBACK TO piece")
            outcome = error
        self._writer.execute("RELEASE piece")
        return outcome
