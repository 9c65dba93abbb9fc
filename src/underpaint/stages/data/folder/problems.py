"""Problems of a person's data: collected, counted, and either the end of the build or a list of what was left out."""

from __future__ import annotations

from collections.abc import Mapping

from underpaint.core.errors import DataError
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.listing import Listing

MAX_LISTED = 20
DROPPED = "dropped"
"""Name of the list of what is left out, in the ledger and in ``audit.json``."""


class Problems:
    """What went wrong so far.

    Args:
        ledger: Holds the list of what is left out.
        keep_going: Leave out the rows that have a problem instead of refusing all.
    """

    def __init__(self, ledger: Ledger, *, keep_going: bool) -> None:
        self.keep_going = keep_going
        self.left_out = Listing(ledger, DROPPED)
        self.broken: DataError | None = None
        self._first: dict[str, type[DataError]] = {}

    def add(self, where: str, *errors: DataError) -> None:
        """Take down all that is wrong with a row: in one line if it may be left out, else each for itself."""
        for error in errors:
            self._first.setdefault(type(error).__name__, type(error))
        if self.keep_going:
            self.left_out.add(where, type(errors[0]).__name__, "; ".join(map(str, errors)))
            return
        for error in errors:
            self.left_out.add(where, type(error).__name__, str(error))

    def break_off(self, error: DataError) -> None:
        """Take down why the rest of the input cannot be read; that ends the build in any case."""
        self.broken = error

    def leave_out(self, where: str, rule: str, detail: str) -> None:
        """Take down a row that is left out without being a problem."""
        self.left_out.add(where, rule, detail)

    def refuse(self, name: str, rows: int) -> None:
        """Stop unless rows with problems may be left out.

        Args:
            name: What was read; named in the message.
            rows: Rows that were read.

        Raises:
            DataError: There are problems; of their own class if they share one. The message counts them by kind and has
                a line for each of the first 20; what several rows share is said once.
        """
        kinds = {rule: n for rule, n in self.left_out.kinds().items() if rule in self._first and not self.keep_going}
        if self.broken and not kinds:
            raise self.broken
        if not kinds:
            return
        num_lines, num_rows = self.left_out.num_different(tuple(kinds))
        lines = [line_of(*found, rows) for found in self.left_out.details(tuple(kinds), MAX_LISTED)]
        if self.broken:
            num_lines, lines = num_lines + 1, [str(self.broken), *lines][:MAX_LISTED]
            kinds[type(self.broken).__name__] = kinds.get(type(self.broken).__name__, 0) + 1
        lines += [f"and {num_lines - MAX_LISTED:,} more"] if num_lines > MAX_LISTED else []
        them = "it" if sum(kinds.values()) == 1 else "them"
        some_stay = not self.broken and num_rows < rows
        advice = f"Mend {them}, or leave {them} out with --keep-going" if some_stay else f"Mend {them}"
        error = next(iter(self._first.values())) if len(kinds) == 1 else DataError
        listed = "".join(f"\n  {line}" for line in lines)
        raise error(f"{name} has {numbers_of(kinds)}:{listed}\n{advice}")


def numbers_of(kinds: Mapping[str, int]) -> str:
    """Say how many problems there are, and of each kind if there are several: ``3 problems (MissingFile 2, ...)``."""
    total = sum(kinds.values())
    number = f"{total:,} problem{'s' if total > 1 else ''}"
    return number if len(kinds) == 1 else f"{number} ({', '.join(f'{kind} {n:,}' for kind, n in kinds.items())})"


def line_of(detail: str, count: int, first: str, rows: int) -> str:
    """Say a problem in a line, and once if several rows share it.

    Args:
        detail: What is wrong.
        count: In how many rows.
        first: The first one.
        rows: Rows that were read.
    """
    return f"{first}: {detail}" if count == 1 else f"{count:,} of {rows:,} rows: {detail} (the first: {first})"
