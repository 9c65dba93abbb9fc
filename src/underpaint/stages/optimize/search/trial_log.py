"""The log of a search, ``trials.jsonl``: a row a line, only ever added to, each on the disk before work goes on.

What is not in the log did not happen. A search that was ended at any moment reads it and goes on behind its last whole
row; a row that was cut off while it was written is taken away, and its work is done again. It lies in a hidden folder
beside the result, which is removed once the result is there, the log last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from underpaint.core.artifact import storage_errors
from underpaint.core.config import canonical_json, parse_json, problems_of
from underpaint.core.errors import ArtifactError, InputError, StoreBusy
from underpaint.stages.optimize.search.record import Attempt, Base, Begun, Raced, Ready, Row, Stopped, Trial, Tried

TRIALS = "trials.jsonl"
HOST = "machine (or other engines, or another OMP_NUM_THREADS, on the same one)"
ROW: TypeAdapter[Row] = TypeAdapter(Row)


def workspace(out: Path) -> Path:
    """Return the hidden folder beside the result in which a search keeps what it needs to go on."""
    return out.absolute().parent / f".{out.name}.search"


def is_search_workspace(folder: Path) -> bool:
    """Tell whether a folder is one in which a search keeps what it needs to go on."""
    return folder.name.startswith(".") and folder.name.endswith(".search")


def is_written(out: Path) -> bool:
    """Tell whether a search was ended after its result was written, and before its workspace was removed.

    Args:
        out: Where the result lies, or shall lie.
    """
    kept, written = workspace(out) / TRIALS, out / TRIALS
    return kept.is_file() and written.is_file() and kept.read_bytes() == written.read_bytes()


def remove_workspace(folder: Path) -> None:
    """Remove a workspace, its log at the end, so that what an interruption leaves is still known for what it is."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != TRIALS:
            path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def row_of(line: bytes, where: str) -> Row:
    """Read a row.

    Raises:
        ArtifactError: The line is none.
    """
    try:
        return ROW.validate_python(parse_json(line.decode("utf-8")))
    except ValidationError as error:
        problem = problems_of(error)
    except ValueError as error:
        problem = str(error)
    raise ArtifactError(f"{where} is no row of a search ({problem}); choose another --out to search anew")


def line_of(row: Row) -> bytes:
    """Return a row as a line."""
    return canonical_json(row.model_dump(mode="json")).encode() + b"\n"


class TrialLog:
    """The log of one search, held by one process at a time.

    Args:
        path: The file; made if it is not there.

    Raises:
        StoreBusy: Another process searches there.
        ArtifactError: A row in the middle is damaged.
        StorageError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreBusy(
                f"{path} is held by another search that is still at work; wait for it, or choose another --out"
            ) from None
        try:
            self.rows: list[Row] = list(self._read(self._file))
        except ArtifactError:
            self._file.close()
            raise

    def _read(self, file: BinaryIO) -> Iterable[Row]:
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            cut = lines.pop()
            os.ftruncate(file.fileno(), file.tell() - len(cut))
        for number, line in enumerate(lines, 1):
            yield row_of(line, f"{self.path}, line {number}")

    def add(self, row: Row) -> None:
        """Add a row; when this returns it is on the disk.

        Raises:
            StorageError: It cannot be written.
        """
        with storage_errors(self.path):
            self._file.write(line_of(row))
            self._file.flush()
            os.fsync(self._file.fileno())
        self.rows.append(row)

    def close(self) -> None:
        """Let the file go; what could not be written was told when the row was added."""
        with suppress(OSError):
            self._file.close()

    def begin(self, begun: Begun) -> None:
        """Write the first row, or check that the log belongs to this very search.

        Raises:
            InputError: It belongs to another one.
        """
        if not self.rows:
            self.add(begun)
            return
        first = self.rows[0]
        if not isinstance(first, Begun) or first.key != begun.key:
            raise InputError(
                f"{self.path} belongs to a search with {self._difference(begun)}; choose another --out, or remove "
                f"{self.path.parent} to search anew"
            )

    def _difference(self, begun: Begun) -> str:
        first = self.rows[0]
        if not isinstance(first, Begun):
            return "other settings"
        said = {"base": "model", "judge": "policy", "data": "data set", "host": HOST}
        other = [word for name, word in said.items() if getattr(first, name) != getattr(begun, name)]
        return f"another {' and '.join(other)}" if other else "other settings or rivals"

    @property
    def base(self) -> Base | None:
        """The model before, if it was measured."""
        return next((row for row in self.rows if isinstance(row, Base)), None)

    @property
    def ready(self) -> Ready | None:
        """What is known of the judge, if it was asked."""
        return next((row for row in self.rows if isinstance(row, Ready)), None)

    @property
    def trials(self) -> list[Trial]:
        """All trials, as they ended before the last decision."""
        return [row.trial for row in self.rows if isinstance(row, Tried)]

    @property
    def stopped(self) -> Stopped | None:
        """Why no more recipes are tried, if that is so."""
        return next((row for row in self.rows if isinstance(row, Stopped)), None)

    @property
    def raced(self) -> Raced | None:
        """The race of the best, if it was run."""
        return next((row for row in self.rows if isinstance(row, Raced)), None)

    @property
    def attempts(self) -> list[Attempt]:
        """All candidates that were judged."""
        return [row for row in self.rows if isinstance(row, Attempt)]

    @property
    def seconds(self) -> float:
        """Time that all rows together took."""
        timed = (Base, Ready, Raced, Attempt)
        return sum(row.seconds for row in self.rows if isinstance(row, timed)) + sum(t.seconds for t in self.trials)
