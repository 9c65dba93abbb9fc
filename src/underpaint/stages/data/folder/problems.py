"""Problems of a person's data: collected, counted, and either the end of the build or a list of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
        left_out: Every problem; with ``keep_going`` every row that has some.
        broken: Why the rest of the input could not be read; None if it could.
    """

    keep_going: bool
    left_out: list[LeftOut] = field(default_factory=list)
    broken: DataError | None = None
    _first: dict[str, type[DataError]] = field(default_factory=dict)

    def add(self, where: str, *errors: DataError) -> None:
        """Take down all that is wrong with a row."""
        for error in errors:
            self._first.setdefault(type(error).__name__, type(error))
        if self.keep_going:
            detail = "; ".join(map(str, errors))
            self.left_out.append(LeftOut(where=where, rule=type(errors[0]).__name__, detail=detail))
        else:
            self.left_out += [LeftOut(where=where, rule=type(e).__name__, detail=str(e)) for e in errors]

    def break_off(self, error: DataError) -> None:
        """Take down why the rest of the input cannot be read; that ends the build in any case."""
        self.broken = error

    def leave_out(self, where: str, rule: str, detail: str) -> None:
        """Take down a row that is left out without being a problem."""
        self.left_out.append(LeftOut(where=where, rule=rule, detail=detail))

    def refuse(self, name: str, rows: int) -> None:
        """Stop unless rows with problems may be left out.

        Args:
            name: What was read; named in the message.
            rows: Rows that were read.

        Raises:
            DataError: There are problems; of their own class if they share one. The message counts them by kind and has
                a line for each of the first 20; what several rows share is said once.
        """
        found = [item for item in self.left_out if item.rule in self._first and not self.keep_going]
        if self.broken and not found:
            raise self.broken
        if not found:
            return
        lines = [*([str(self.broken)] if self.broken else []), *lines_of(found, rows)]
        more = [f"and {len(lines) - MAX_LISTED:,} more"] if len(lines) > MAX_LISTED else []
        rules = [item.rule for item in found] + ([type(self.broken).__name__] if self.broken else [])
        kinds = Counter(rules)
        error = next(iter(self._first.values())) if len(kinds) == 1 else DataError
        listed = "".join(f"\n  {line}" for line in lines[:MAX_LISTED] + more)
        some_stay = not self.broken and len({item.where for item in found}) < rows
        them = "it" if len(rules) == 1 else "them"
        advice = f"Mend {them}, or leave {them} out with --keep-going" if some_stay else f"Mend {them}"
        raise error(f"{name} has {numbers_of(kinds)}:{listed}\n{advice}")


def numbers_of(kinds: Mapping[str, int]) -> str:
    """Say how many problems there are, and of each kind if there are several: ``3 problems (MissingFile 2, ...)``."""
    total = sum(kinds.values())
    number = f"{total:,} problem{'s' if total > 1 else ''}"
    return number if len(kinds) == 1 else f"{number} ({', '.join(f'{kind} {n:,}' for kind, n in kinds.items())})"


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
