"""What the queue needs of a database; SQLite and PostgreSQL have it by their shape.

Statements are written once, with ``:name`` for values; the few words in which the two differ are attributes of a
session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

Row = dict[str, Any]
T = TypeVar("T")
ROWS_AT_ONCE = 500
"""Most rows that one transaction takes out or asks about by name, so that nobody waits for it for long."""


class Session(Protocol):
    """A transaction that is open."""

    @property
    def serial(self) -> str:
        """The type of a column that numbers its rows."""
        ...

    @property
    def transaction(self) -> str:
        """The type of a column that numbers the transactions in which its rows were written."""
        ...

    @property
    def settled(self) -> str:
        """What ends a condition on such a column ``tx`` so that no row can come later that belongs before others."""
        ...

    @property
    def for_update(self) -> str:
        """What ends a SELECT so that nobody else changes its rows until the transaction ends."""
        ...

    @property
    def skip_locked(self) -> str:
        """The same, leaving out rows that others hold."""
        ...

    def execute(self, sql: str, **values: Any) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    def now(self) -> float:
        """Return the time of the transaction in seconds since 1970, by one clock for all who share the database."""
        ...

    def tables(self) -> set[str]:
        """Return the names of the tables that are there."""
        ...

    def exclude_others(self) -> None:
        """Wait until no other process is in such a transaction, and keep others out of it."""
        ...

    def notify(self) -> None:
        """Wake, when the transaction is done, whoever waits for something to happen."""
        ...


class Database(Protocol):
    """Where jobs are kept. What ``work`` does may be done again after a failure, so it only uses its session."""

    @property
    def place(self) -> str:
        """The path or the address, without secrets, for messages."""
        ...

    def write(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction and return when it is on the disk.

        Raises:
            StorageError: It could not be stored; nothing of it was.
        """
        ...

    def read(self, work: Callable[[Session], T]) -> T:
        """Do some work that changes nothing."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Wait until something may have happened, at most for so long; it may return for no reason."""
        ...

    def close(self) -> None:
        """Give everything back; what was accepted is on the disk."""
        ...
