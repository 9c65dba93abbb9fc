"""A listing: rows of the input with the reason why they are no part of the data set, on the disk as the ledger is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from underpaint.core.config import Config
from underpaint.stages.data.folder.ledger import Ledger, to_bytes, to_text


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


class Listing:
    """A list of rows that are left out, in the order in which they were found.

    Args:
        ledger: Holds it.
        name: Its name, a word.
    """

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger, self._name = ledger, name
        ledger.run(f"CREATE TABLE {name} (number INTEGER PRIMARY KEY, place BLOB, rule TEXT, detail BLOB)")

    def add(self, where: str, rule: str, detail: str) -> None:
        """Add a row."""
        self._ledger.run(f"INSERT INTO {self._name} VALUES (NULL, ?, ?, ?)", to_bytes(where), rule, to_bytes(detail))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._ledger.run(f"SELECT count(*) FROM {self._name}").fetchone()[0]

    def __iter__(self) -> Iterator[LeftOut]:
        """Yield the rows."""
        for place, rule, detail in self._ledger.run(f"SELECT place, rule, detail FROM {self._name} ORDER BY number"):
            yield LeftOut(where=to_text(place), rule=rule, detail=to_text(detail))

    def by_rule(self) -> dict[str, int]:
        """Return rule to number of rows, by name."""
        return dict(sorted(self.kinds().items()))

    def kinds(self) -> dict[str, int]:
        """Return rule to number of rows, in the order in which the rules were broken first."""
        statement = f"SELECT rule, count(*) FROM {self._name} GROUP BY rule ORDER BY min(number)"
        return dict(self._ledger.run(statement).fetchall())

    def details(self, rules: Sequence[str], most: int) -> list[tuple[str, int, str]]:
        """Return what is wrong, in how many rows, and which is the first one, for the first different details.

        Args:
            rules: The rules that count.
            most: So many details at most.
        """
        found = self._ledger.run(
            f"SELECT detail, count(*), place, min(number) FROM {self._name} WHERE rule IN ({marks(rules)}) "
            "GROUP BY detail ORDER BY min(number) LIMIT ?",
            *rules, most,
        )  # fmt: skip
        return [(to_text(detail), count, to_text(place)) for detail, count, place, _ in found]

    def num_different(self, rules: Sequence[str]) -> tuple[int, int]:
        """Return how many different details and how many different places there are, of some rules."""
        return self._ledger.run(
            f"SELECT count(DISTINCT detail), count(DISTINCT place) FROM {self._name} WHERE rule IN ({marks(rules)})",
            *rules,
        ).fetchone()


def marks(values: Sequence[object]) -> str:
    """Return a placeholder for each value."""
    return ", ".join("?" * len(values))
