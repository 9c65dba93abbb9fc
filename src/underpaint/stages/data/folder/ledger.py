"""The ledger: what is known of every row and every picture, in a scratch file on the disk instead of in memory.

It lies beside the finished pictures and is made anew by every build; a build goes through it in small lots.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import StorageError
from underpaint.stages.data.folder.entry import Entry

LOT = 256
"""Entries that are in memory at a time."""
PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -4096")
TABLES = """
    CREATE TABLE entries (position INTEGER PRIMARY KEY, id TEXT, bundle BLOB, sound INTEGER, fields TEXT);
    CREATE TABLE ids (id TEXT PRIMARY KEY, place BLOB) WITHOUT ROWID;
    CREATE TABLE files (path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE keys (position INTEGER PRIMARY KEY, key BLOB);
    CREATE TABLE failed (key BLOB PRIMARY KEY, rule TEXT, problem TEXT) WITHOUT ROWID;
    CREATE TABLE records (key BLOB PRIMARY KEY, record INTEGER) WITHOUT ROWID;
    CREATE TABLE pixels (pixels BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID;
    CREATE TABLE kept (number INTEGER PRIMARY KEY, position INTEGER, id TEXT, bundle BLOB, bundled INTEGER);
"""
"""``bundle`` is a group as bytes that are ordered as its text; ``number`` counts what is kept, from 0."""
NAMES = tuple(field.name for field in fields(Entry))
Chosen = Literal["all", "sound"]


def to_bytes(text: str) -> bytes:
    """Return a text as bytes that stand in the same order; half a surrogate pair may be in it."""
    return text.encode("utf-8", "surrogatepass")


def to_text(content: bytes) -> str:
    """Return the text of such bytes."""
    return content.decode("utf-8", "surrogatepass")


def entry_of_fields(text: str) -> Entry:
    """Return the entry that was written as fields."""
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in json.loads(text)]
    entry = dict(zip(NAMES, values, strict=True))
    place = entry.pop("place")
    return Entry(place=Path(place) if isinstance(place, str) else place, **entry)


class Ledger:
    """The ledger of one build.

    Args:
        path: The scratch file; what lies there is thrown away.

    Raises:
        StorageError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_entries = self.num_sound = self.num_kept = 0
        with storage_errors(path):
            path.unlink(missing_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in PRAGMAS:
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(TABLES)
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Execute a statement.

        Raises:
            StorageError: The file cannot be written.
        """
        try:
            return self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise StorageError(f"cannot write {self.path}: {error}; free some space or choose another --out") from error

    def earlier(self, id_: str, where: str) -> str | None:
        """Take down an id and return where it stood before, if it did."""
        if self.run("INSERT OR IGNORE INTO ids VALUES (?, ?)", id_, to_bytes(where)).rowcount:
            return None
        return to_text(self.run("SELECT place FROM ids WHERE id = ?", id_).fetchone()[0])

    def add(self, entry: Entry) -> None:
        """Take down an entry as the next one."""
        values = json.dumps([getattr(entry, name) for name in NAMES], default=str)
        bundle = to_bytes(entry.group) if entry.group else None
        row = (self.num_entries, entry.id, bundle, entry.sound, values)
        self.run("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", *row)
        self.num_entries += 1
        self.num_sound += entry.sound

    def entry(self, position: int) -> Entry:
        """Return one entry."""
        return entry_of_fields(self.run("SELECT fields FROM entries WHERE position = ?", position).fetchone()[0])

    def entries(self, chosen: Chosen = "all", most: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Yield positions and entries in the order of the input; the ledger may be written meanwhile.

        Args:
            chosen: All, or those with which nothing is wrong so far.
            most: Look at so many entries only, from the first one.
        """
        end = self.num_entries if most is None else min(most, self.num_entries)
        for start in range(0, end, LOT):
            lot = self.run(
                "SELECT position, fields FROM entries WHERE position >= ? AND position < ? AND sound >= ?",
                start, min(start + LOT, end), chosen == "sound",
            ).fetchall()  # fmt: skip
            yield from ((position, entry_of_fields(text)) for position, text in lot)

    def name_file(self, path: bytes) -> None:
        """Take down that a row names a file."""
        self.run("INSERT OR IGNORE INTO files VALUES (?)", path)

    def names_file(self, path: bytes) -> bool:
        """Tell whether a row names a file."""
        return self.run("SELECT 1 FROM files WHERE path = ?", path).fetchone() is not None

    def set_key(self, position: int, key: bytes) -> None:
        """Take down the key of an entry's picture."""
        self.run("INSERT INTO keys VALUES (?, ?)", position, key)

    def set_failed(self, key: bytes, rule: str, problem: str) -> None:
        """Take down that the picture of a key cannot be used."""
        self.run("INSERT OR IGNORE INTO failed VALUES (?, ?, ?)", key, rule, problem)

    def has_failed(self, key: bytes) -> bool:
        """Tell whether the picture of a key cannot be used."""
        return self.run("SELECT 1 FROM failed WHERE key = ?", key).fetchone() is not None

    def failures(self) -> Iterator[tuple[int, str, str]]:
        """Yield position, rule and problem of the entries whose picture cannot be used, in order."""
        yield from self.run("SELECT position, rule, problem FROM keys JOIN failed USING (key) ORDER BY position")

    def set_record(self, key: bytes, record: int) -> None:
        """Take down which record of the finished pictures belongs to a key."""
        self.run("INSERT OR REPLACE INTO records VALUES (?, ?)", key, record)

    def record(self, key: bytes) -> int | None:
        """Return the record of a key; None if its picture is not finished."""
        found = self.run("SELECT record FROM records WHERE key = ?", key).fetchone()
        return found and found[0]

    def num_records(self) -> int:
        """Return the number of finished pictures."""
        return self.run("SELECT count(*) FROM records").fetchone()[0]

    def finished(self) -> Iterator[tuple[int, int]]:
        """Yield position and record of the sound entries whose picture is finished, in order."""
        for start in range(0, self.num_entries, LOT):
            yield from self.run(
                "SELECT position, record FROM entries JOIN keys USING (position) JOIN records USING (key) "
                "WHERE position >= ? AND position < ? AND sound ORDER BY position",
                start, start + LOT,
            ).fetchall()  # fmt: skip

    def first_with(self, pixels: bytes, position: int) -> int:
        """Return the first entry that had some pixels: an earlier one, or this one, which is taken down."""
        if self.run("INSERT OR IGNORE INTO pixels VALUES (?, ?)", pixels, position).rowcount:
            return position
        return self.run("SELECT position FROM pixels WHERE pixels = ?", pixels).fetchone()[0]

    def keep(self, position: int) -> None:
        """Keep an entry as the next one; without a group it is one of its own."""
        self.run(
            "INSERT INTO kept SELECT ?, position, id, coalesce(bundle, CAST(id AS BLOB)), bundle IS NOT NULL "
            "FROM entries WHERE position = ?",
            self.num_kept, position,
        )  # fmt: skip
        self.num_kept += 1

    def sort_kept(self) -> None:
        """Make it possible to go through what is kept by group and by id."""
        self.run("CREATE INDEX kept_by_bundle ON kept (bundle, number, bundled)")
        self.run("CREATE INDEX kept_by_id ON kept (id, number, position)")

    def kept_by_group(self) -> Iterator[tuple[bytes, int, bool]]:
        """Yield group, number, and whether the group was given, of what is kept, by group."""
        yield from self.run("SELECT bundle, number, bundled FROM kept ORDER BY bundle, number")

    def kept_by_id(self) -> Iterator[tuple[int, int]]:
        """Yield number and position of what is kept, by id."""
        yield from self.run("SELECT number, position FROM kept ORDER BY id, number")

    def kept_entries(self) -> Iterator[Entry]:
        """Yield the entries that are kept, in the order of the input."""
        statement = "SELECT fields FROM kept JOIN entries USING (position) ORDER BY number"
        yield from (entry_of_fields(text) for (text,) in self.run(statement))

    def kept_entry(self, number: int) -> Entry:
        """Return one that is kept."""
        return self.entry(self.run("SELECT position FROM kept WHERE number = ?", number).fetchone()[0])

    def group(self, number: int) -> str:
        """Return the group of one that is kept."""
        return to_text(self.run("SELECT bundle FROM kept WHERE number = ?", number).fetchone()[0])

    def key(self, position: int) -> bytes:
        """Return the key of an entry's picture."""
        return self.run("SELECT key FROM keys WHERE position = ?", position).fetchone()[0]
