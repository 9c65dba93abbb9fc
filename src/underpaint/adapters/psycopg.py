"""Transactions in PostgreSQL by psycopg, for a queue that several machines share.

It has the shape of ``stages/serve/queue/database.py``: statements with ``:name``, and work that may be done again,
since a transaction that PostgreSQL ends to resolve a deadlock, or whose connection broke, is repeated.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from underpaint.adapters.require import require
from underpaint.core.errors import DiskFull, StorageError, StoreBusy

T = TypeVar("T")
CHANNEL = "underpaint_queue"
LOCK = 0x756E6465
"""The advisory lock under which tables are created."""
TRIES = 5
WAIT_S = 0.5
"""Longest wait for a notification, should one be lost."""


@lru_cache(maxsize=256)
def _translated(sql: str) -> str:
    return re.sub(r":([a-z_][a-z0-9_]*)", r"%(\1)s", sql.replace("%", "%%"))


def _may_be_repeated(error: Any) -> bool:
    """Whether a transaction was ended for others' sake, or its connection or server went away."""
    state = error.sqlstate
    return state is None or state in {"40001", "40P01"} or state.startswith(("08", "57P"))


class PostgresSession:
    """A transaction of a connection.

    Args:
        connection: The connection.
        clock: Tells the seconds since 1970; None asks the server, whose clock all share.
    """

    serial = "BIGINT GENERATED ALWAYS AS IDENTITY"
    transaction = "BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
    settled = "AND tx < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)"
    for_update = "FOR UPDATE"
    skip_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, connection: Any, clock: Callable[[], float] | None) -> None:
        self._connection, self._clock = connection, clock
        self._now: float | None = None
        self._notified = False

    def execute(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Run one statement and return its rows."""
        cursor = self._connection.execute(_translated(sql), values or None)
        return cursor.fetchall() if cursor.description is not None else []

    def now(self) -> float:
        """Return the time of the transaction in seconds since 1970."""
        if self._now is None and self._clock is not None:
            self._now = self._clock()
        elif self._now is None:
            self._now = float(self.execute("SELECT extract(epoch FROM clock_timestamp()) AS at")[0]["at"])
        return self._now

    def tables(self) -> set[str]:
        """Return the names of the tables of the connection's schema."""
        rows = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {row["tablename"] for row in rows}

    def exclude_others(self) -> None:
        """Wait until no other process is in such a transaction, and keep others out of it."""
        self.execute("SELECT pg_advisory_xact_lock(:lock)", lock=LOCK)

    def notify(self) -> None:
        """Wake, when the transaction is done, whoever waits for something to happen."""
        if not self._notified:
            self.execute(f"NOTIFY {CHANNEL}")
            self._notified = True


class PostgresDatabase:
    """A database of a PostgreSQL server.

    Args:
        url: Its address, ``postgresql://user:password@host/database``.
        busy_s: How long a statement waits for a lock, and a connection for the server.
        clock: Tells the seconds since 1970; None asks the server, whose clock all share.

    Raises:
        MissingDependency: psycopg is not installed.
        StoreBusy: The server does not answer.
    """

    def __init__(self, url: str, *, busy_s: float = 10.0, clock: Callable[[], float] | None = None) -> None:
        self._psycopg = require("psycopg", extra="serve")
        self._rows = require("psycopg.rows", extra="serve").dict_row
        self._url, self._busy_s, self._clock = url, busy_s, clock
        self._idle: list[Any] = []
        self._lock, self._listening, self._changed = threading.Lock(), threading.Lock(), threading.Condition()
        self._listener: Any = None
        self._closed = False
        with self._connection():
            pass

    @property
    def place(self) -> str:
        """The address without user and password."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

    def write(self, work: Callable[[PostgresSession], T]) -> T:
        """Do some work in one transaction and return when the server has it on its disk."""
        for attempt in range(1, TRIES + 1):
            try:
                with self._connection() as connection, connection.transaction():
                    return work(PostgresSession(connection, self._clock))
            except self._psycopg.Error as error:
                if attempt == TRIES or not _may_be_repeated(error):
                    if isinstance(error, self._psycopg.IntegrityError):
                        raise
                    raise self._as_ours(error) from None
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("the loop returns or raises")

    def read(self, work: Callable[[PostgresSession], T]) -> T:
        """Do some work that changes nothing."""
        return self.write(work)

    def wait(self, timeout_s: float) -> None:
        """Wait for a notification, at most for so long: one thread listens for all."""
        timeout_s = min(timeout_s, WAIT_S)
        if not self._listening.acquire(blocking=False):
            with self._changed:
                self._changed.wait(timeout_s)
            return
        try:
            self._listen(timeout_s)
        finally:
            self._listening.release()
        with self._changed:
            self._changed.notify_all()

    def _listen(self, timeout_s: float) -> None:
        try:
            if self._listener is None:
                self._listener = self._connect()
                self._listener.execute(f"LISTEN {CHANNEL}")
            list(self._listener.notifies(timeout=timeout_s, stop_after=1))
        except self._psycopg.Error:
            self._listener = None
            time.sleep(min(timeout_s, 0.05))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            connections, self._idle = [*self._idle, self._listener], []
        for connection in connections:
            if connection is not None:
                connection.close()

    def _connect(self) -> Any:
        wait_ms = int(self._busy_s * 1000)
        connection = self._psycopg.connect(
            self._url, row_factory=self._rows, autocommit=True, connect_timeout=max(2, round(self._busy_s))
        )
        connection.execute(f"SET lock_timeout = {wait_ms}")
        return connection

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with self._lock:
            if self._closed:
                raise StorageError(f"{self.place} was closed; open the queue again")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            try:
                connection = self._connect()
            except self._psycopg.Error as error:
                raise self._as_ours(error) from None
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed and not connection.closed
                if keep:
                    self._idle.append(connection)
                elif connection.broken:
                    self._idle.clear()
            if not keep:
                connection.close()

    def _as_ours(self, error: Exception) -> StorageError:
        errors, said = self._psycopg.errors, str(error).strip().replace("\n", " ")
        if isinstance(error, errors.DiskFull):
            return DiskFull(f"{self.place} cannot grow: the disk is full ({said}); nothing accepted is lost")
        if isinstance(error, errors.LockNotAvailable):
            return StoreBusy(f"{self.place} is locked by another process ({said}); stop that process, or try again")
        if isinstance(error, self._psycopg.OperationalError):
            return StoreBusy(f"{self.place} does not answer ({said}); start the server or correct the address")
        return StorageError(f"{self.place} cannot be read or written ({said}); check the database and its rights")
