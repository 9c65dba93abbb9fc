"""What connections to a file hold."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from underpaint.stages.serve.queue.sqlite_file import PAGES_KIB, SqliteFile


def test_no_connection_keeps_more_pages_than_it_may_whether_it_reads_or_writes(tmp_path: Path):
    file = SqliteFile(tmp_path / "jobs.sqlite", 1.0)
    with closing(file.open(create=True)) as writer, closing(file.connect()) as reader:
        kept = [connection.execute("PRAGMA cache_size").fetchone() for connection in (writer, reader)]
    assert kept == [(-PAGES_KIB,), (-PAGES_KIB,)]
