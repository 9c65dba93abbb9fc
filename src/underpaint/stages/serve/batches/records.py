"""Files and batches as rows, so that they survive the server; the files' bytes lie beside, one file each."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from underpaint.core.errors import FieldError
from underpaint.stages.serve.batches.contents import Contents
from underpaint.stages.serve.batches.input_file import FOR_GALLERY
from underpaint.stages.serve.queue.database import Session
from underpaint.stages.serve.queue.schema import bring_up_to_date
from underpaint.stages.serve.queue.sqlite import SqliteDatabase, always

BATCHES = "batches.sqlite"
Purpose = Literal["batch", "vision", "batch_output"]
Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
OPEN: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")
"""States that something still happens in."""
Outcome = Literal["completed", "failed"]

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE file (id TEXT PRIMARY KEY, owner TEXT NOT NULL, purpose TEXT NOT NULL, filename TEXT NOT NULL, "
        "bytes INTEGER NOT NULL, created_at INTEGER NOT NULL)",
        "CREATE TABLE batch (seq {serial} PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, "
        "status TEXT NOT NULL, input_file_id TEXT NOT NULL, endpoint TEXT NOT NULL, metadata TEXT, base TEXT NOT NULL, "
        "created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, times TEXT NOT NULL, errors TEXT, "
        "output_file_id TEXT, error_file_id TEXT)",
        "CREATE TABLE line (batch TEXT NOT NULL, line INTEGER NOT NULL, custom_id TEXT NOT NULL, job TEXT NOT NULL, "
        "outcome TEXT, PRIMARY KEY (batch, line))",
        "CREATE INDEX line_open ON line (batch, line) WHERE outcome IS NULL",
    ),
    ("ALTER TABLE line ADD COLUMN images TEXT",),
)
"""The tables; see ``queue.schema`` for how they change."""


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """A file that was handed in, or made here."""

    id: str
    owner: str
    purpose: Purpose
    filename: str
    bytes: int
    created_at: int


@dataclass(frozen=True, kw_only=True)
class BatchRecord:
    """A batch as it is now.

    Args:
        seq: Its number in the order of creation.
        base: The server's address, as its creator called it.
        times: When it came into each state but the first, in seconds since 1970.
        errors: What was wrong with its lines.
    """

    seq: int
    id: str
    owner: str
    status: Status
    input_file_id: str
    endpoint: str
    metadata: dict[str, str] | None
    base: str
    created_at: int
    expires_at: int
    times: dict[str, int]
    errors: list[dict[str, Any]] | None
    output_file_id: str | None
    error_file_id: str | None


@dataclass(frozen=True, kw_only=True)
class LineRecord:
    """A line of a batch and the job that it became; ``images``, for the gallery, outlive that job."""

    batch: str
    line: int
    custom_id: str
    job: str
    outcome: Outcome | None
    images: list[dict[str, Any]] | None = None


class Records:
    """The files and batches of a server. Safe for threads.

    Args:
        folder: The server's state folder.
        is_ours: As in ``SqliteDatabase``.

    Raises:
        StorageError: It cannot be used.
    """

    def __init__(self, folder: Path, is_ours: Callable[[], bool] = always) -> None:
        self._contents = Contents(folder / "files")
        self._database = SqliteDatabase(folder / BATCHES, is_ours=is_ours)
        self._database.write(lambda session: bring_up_to_date(session, self._database.place, STEPS))

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def folder(self) -> Path:
        """Where the bytes of files lie."""
        return self._contents.folder

    def path(self, file: str) -> Path:
        """Return where a file's bytes lie; as ``Contents.path`` raises."""
        return self._contents.path(file)

    def add_file(
        self, owner: str, purpose: Purpose, filename: str, content: BinaryIO, name: str | None = None
    ) -> FileRecord:
        """Keep a file, whole or not at all.

        Args:
            owner: Whose it is.
            purpose: What it is for.
            filename: What it is called.
            content: Its bytes.
            name: Of what it holds, if it may be made again: then it takes the place of what was made before.

        Raises:
            StorageError: It cannot be written.
        """
        token = secrets.token_hex(12) if name is None else hashlib.sha256(name.encode()).hexdigest()[:24]
        file_id = f"file-{token}"
        size = self._contents.keep(file_id, content)
        record = FileRecord(
            id=file_id,
            owner=owner,
            purpose=purpose,
            filename=filename[:255],
            bytes=size,
            created_at=int(time.time()),
        )
        names = ", ".join(f":{name}" for name in record.__dict__)
        self._database.write(
            lambda session: session.execute(f"INSERT OR REPLACE INTO file VALUES ({names})", **record.__dict__)
        )
        return record

    def file(self, file: str, owner: str | None) -> FileRecord:
        """Return a file's record.

        Raises:
            FieldError: There is none, or it is another owner's.
        """
        rows = self._database.read(lambda session: session.execute("SELECT * FROM file WHERE id = :id", id=file))
        if not rows or owner not in (None, rows[0]["owner"]):
            raise FieldError(f"there is no file {file!r:.80}", param="file_id", code="file_not_found")
        return FileRecord(**rows[0])

    def remove_file(self, file: str) -> None:
        """Forget a file."""
        self._database.write(lambda session: session.execute("DELETE FROM file WHERE id = :id", id=file))
        self._contents.remove(file)

    def forget(self, older_than_s: float) -> int:
        """Remove files and batches that are older and that nothing happens in; return how many files."""
        before = time.time() - older_than_s
        used = {batch.input_file_id for batch in self.open_batches()}
        rows = self._database.read(
            lambda session: session.execute("SELECT id FROM file WHERE created_at < :before", before=before)
        )
        old = [row["id"] for row in rows if row["id"] not in used]
        for file in old:
            self.remove_file(file)
        noted = self._database.read(lambda session: session.execute("SELECT id FROM file"))
        self._contents.forget_unknown({row["id"] for row in noted}, before)
        states = ", ".join(f"'{status}'" for status in OPEN)
        condition = f"created_at < :before AND status NOT IN ({states})"

        def work(session: Session) -> None:
            session.execute(f"DELETE FROM line WHERE batch IN (SELECT id FROM batch WHERE {condition})", before=before)
            session.execute(f"DELETE FROM batch WHERE {condition}", before=before)

        self._database.write(work)
        return len(old)

    def add_batch(self, **values: Any) -> tuple[BatchRecord, bool]:
        """Begin a batch, with values as in ``BatchRecord``, unless its id is known; return it, and if it is new."""
        row = {
            "id": f"batch_{secrets.token_hex(12)}",
            "status": "validating",
            "times": "{}",
            **values,
            "metadata": None if values["metadata"] is None else json.dumps(values["metadata"]),
        }
        sql = f"INSERT INTO batch ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)}) "
        sql += "ON CONFLICT (id) DO NOTHING RETURNING *"
        rows = self._database.write(lambda session: session.execute(sql, **row))
        return (_batch(rows[0]), True) if rows else (self.batch(str(row["id"]), None), False)

    def batch(self, batch: str, owner: str | None) -> BatchRecord:
        """Return a batch.

        Raises:
            FieldError: There is none, or it is another owner's.
        """
        rows = self._database.read(lambda session: session.execute("SELECT * FROM batch WHERE id = :id", id=batch))
        if not rows or owner not in (None, rows[0]["owner"]):
            raise FieldError(f"there is no batch {batch!r:.80}", param="batch_id", code="batch_not_found")
        return _batch(rows[0])

    def batches(self, owner: str | None, before: int | None, limit: int, of: str | None = None) -> list[BatchRecord]:
        """Return batches of files, or of an endpoint for the gallery, the latest first; ``before`` is the last seen."""
        endpoints = "', '".join(FOR_GALLERY)
        condition = f"endpoint NOT IN ('{endpoints}')" if of is None else "endpoint = :of"
        sql = (
            "SELECT * FROM batch WHERE (:owner IS NULL OR owner = :owner) AND (:before IS NULL OR seq < :before) "
            f"AND {condition} ORDER BY seq DESC LIMIT :limit"
        )
        known = {} if of is None else {"of": of}
        rows = self._database.read(
            lambda session: session.execute(sql, owner=owner, before=before, limit=limit, **known)
        )
        return list(map(_batch, rows))

    def open_batches(self) -> list[BatchRecord]:
        """Return the batches that something still happens in, the oldest first."""
        states = ", ".join(f"'{status}'" for status in OPEN)
        sql = f"SELECT * FROM batch WHERE status IN ({states}) ORDER BY seq"
        return list(map(_batch, self._database.read(lambda session: session.execute(sql))))

    def move_batch(self, batch: BatchRecord, status: Status, **values: Any) -> BatchRecord:
        """Bring a batch into another state, if it still is in the one that it was seen in."""
        times = json.dumps(batch.times | {status: int(time.time())})
        changes = "".join(f", {name} = :{name}" for name in values)
        sql = (
            f"UPDATE batch SET status = :status, times = :times{changes} WHERE id = :id AND status = :seen RETURNING *"
        )
        known = {"id": batch.id, "seen": batch.status, "status": status, "times": times}
        rows = self._database.write(lambda session: session.execute(sql, **known, **values))
        return _batch(rows[0]) if rows else self.batch(batch.id, None)

    def add_lines(self, lines: Iterable[LineRecord]) -> None:
        """Note lines and their jobs; those that are there already stay as they are."""
        rows = [_row(line) for line in lines]
        sql = "INSERT OR IGNORE INTO line VALUES (:batch, :line, :custom_id, :job, :outcome, :images)"

        def work(session: Session) -> None:
            for row in rows:
                session.execute(sql, **row)

        self._database.write(work)

    def lines(self, batch: str, *, after: int = 0, limit: int, is_open: bool = False) -> list[LineRecord]:
        """Return lines of a batch in their order, or those without an outcome alone."""
        condition = "AND outcome IS NULL" if is_open else ""
        sql = f"SELECT * FROM line WHERE batch = :batch AND line > :after {condition} ORDER BY line LIMIT :limit"
        rows = self._database.read(lambda session: session.execute(sql, batch=batch, after=after, limit=limit))
        return list(map(_line, rows))

    def settle_lines(self, lines: Iterable[LineRecord]) -> None:
        """Note what became of lines."""
        rows = [_row(line) for line in lines]
        sql = "UPDATE line SET outcome = :outcome, images = :images WHERE batch = :batch AND line = :line"

        def work(session: Session) -> None:
            for row in rows:
                session.execute(sql, **{name: row[name] for name in ("outcome", "images", "batch", "line")})

        self._database.write(work)

    def counts(self, batch: str) -> dict[str, int]:
        """Return how many lines there are, and how many completed and failed."""
        sql = "SELECT outcome, count(*) AS lines FROM line WHERE batch = :batch GROUP BY outcome"
        rows = self._database.read(lambda session: session.execute(sql, batch=batch))
        found = {row["outcome"]: row["lines"] for row in rows}
        return {"total": sum(found.values()), "completed": found.get("completed", 0), "failed": found.get("failed", 0)}


def _batch(row: dict[str, Any]) -> BatchRecord:
    parsed = {name: None if row[name] is None else json.loads(row[name]) for name in ("metadata", "times", "errors")}
    return BatchRecord(**{**row, **parsed})


def _line(row: dict[str, Any]) -> LineRecord:
    return LineRecord(**{**row, "images": None if row["images"] is None else json.loads(row["images"])})


def _row(line: LineRecord) -> dict[str, Any]:
    return {**line.__dict__, "images": None if line.images is None else json.dumps(line.images)}
