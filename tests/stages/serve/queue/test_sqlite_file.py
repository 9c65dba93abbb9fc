"""The file of a database: what its connections hold, and how it is begun beside others."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from underpaint.stages.serve.queue.sqlite_file import PAGES_KIB, SqliteFile


def test_no_connection_keeps_more_pages_than_it_may_whether_it_reads_or_writes(tmp_path: Path):
    file = SqliteFile(tmp_path / "jobs.sqlite", 1.0)
    with closing(file.open(create=True)) as writer, closing(file.connect()) as reader:
        kept = [connection.execute("PRAGMA cache_size").fetchone() for connection in (writer, reader)]
    assert kept == [(-PAGES_KIB,), (-PAGES_KIB,)]


class Contended(sqlite3.Connection):
    """A connection that meets others who begin the same log, three times: SQLite waits for nobody then."""

    refused = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if "journal_mode = WAL" in sql and Contended.refused < 3:
            Contended.refused += 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql, *values)


def test_a_new_file_whose_log_others_are_beginning_too_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Contended))
    monkeypatch.setattr(Contended, "refused", 0)
    with closing(SqliteFile(tmp_path / "jobs.sqlite", busy_s=60.0).open(create=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert Contended.refused == 3


def test_a_new_file_that_is_never_free_is_said_to_be_locked(tmp_path: Path):
    path = tmp_path / "jobs.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE seen (number)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM seen").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SqliteFile(path, busy_s=0.02).open(create=True)
    other.close()
