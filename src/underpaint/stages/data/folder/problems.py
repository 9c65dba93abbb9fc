"""Problems of a person's data: collected, counted, and either the end of the build or a list of what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from underpaint.core.config import Config
from underpaint.core.errors import DataError

MAX_LISTED = 20


class LeftOut(Config):
    """A row that is no part of the data set, and why.

    Args:
        where: The file and the row, or the file alone.
        rule: Name of the error, for example ``EmptyCaption``; ``Duplicate`` for one of several equal rows.
        detail: What is wrong.
    """

    where: str
    rule: str
    detail: str


@dataclass
class Problems:
    """What went wrong so far.

    Args:
        keep_going: Leave out the rows that have a problem instead of refusing all.
        left_out: Every problem.
    """

    keep_going: bool
    left_out: list[LeftOut] = field(default_factory=list)
    _first: dict[str, type[DataError]] = field(default_factory=dict)

    def add(self, where: str, error: DataError) -> None:
        """Take down a problem."""
        self._first.setdefault(type(error).__name__, type(error))
        self.left_out.append(LeftOut(where=where, rule=type(error).__name__, detail=str(error)))

    def leave_out(self, where: str, rule: str, detail: str) -> None:
        """Take down a row that is left out without being a problem."""
        self.left_out.append(LeftOut(where=where, rule=rule, detail=detail))

    def refuse(self, name: str, rows: int) -> None:
        """Stop unless rows with problems may be left out.

        Args:
            name: What was read; named in the message.
            rows: Rows that were read.

        Raises:
            DataError: There are problems; of their own class if they share one. The message has a line for each of the
                first 20; what several rows share is said once.
        """
        found = [item for item in self.left_out if item.rule in self._first]
        if not found or self.keep_going:
            return
        lines = lines_of(found, rows)
        more = [f"and {len(lines) - MAX_LISTED:,} more"] if len(lines) > MAX_LISTED else []
        error = next(iter(self._first.values())) if len(self._first) == 1 else DataError
        advice = "Mend them, or leave them out with --keep-going" if len(found) < rows else "Mend them"
        listed = "".join(f"\n  {line}" for line in lines[:MAX_LISTED] + more)
        raise error(f"{name} has {len(found):,} problem{'s' if len(found) > 1 else ''}:{listed}\n{advice}")


def lines_of(found: Sequence[LeftOut], rows: int) -> list[str]:
    """Say every problem in a line, and once if several rows share it.

    Args:
        found: The problems.
        rows: Rows that were read.
    """
    wheres: dict[str, list[str]] = {}
    for item in found:
        wheres.setdefault(item.detail, []).append(item.where)
    return [
        f"{shared[0]}: {detail}"
        if len(shared) == 1
        else f"{len(shared):,} of {rows:,} rows: {detail} (the first: {shared[0]})"
        for detail, shared in wheres.items()
    ]
