"""While a list is looked through, how far that is, and afterwards for a moment what was found."""

from __future__ import annotations

import asyncio

from underpaint.core.errors import InputError
from underpaint.stages.serve.lists.checking import CheckedList

KEPT_S = 60.0
"""How long what was found is good for handing the list in; its lines are looked at again when they become jobs."""


class Looking:
    """A list that is looked through; ``rows`` so far, until it ``is_unwanted``."""

    def __init__(self) -> None:
        self.rows = 0
        self.is_unwanted = False

    def tell(self, rows: int) -> None:
        """Take in how many rows there were.

        Raises:
            InputError: Nobody wants to know any more.
        """
        self.rows = rows
        if self.is_unwanted:
            raise InputError("nobody waits for this list any more")


class Lately:
    """The list that was looked through last, so that it is handed in without being looked through twice.

    Args:
        kept_s: How long it is kept.
    """

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._last: tuple[str, str, CheckedList] | None = None
        self._end: asyncio.TimerHandle | None = None

    def keep(self, owner: str, digest: str, found: CheckedList) -> None:
        """Keep what was found for a moment, in the place of what was kept before; called within the event loop.

        Args:
            owner: Whose list it is.
            digest: Of all that decides it.
            found: The list.
        """
        self.forget()
        self._last = (owner, digest, found)
        self._end = asyncio.get_running_loop().call_later(self._kept_s, self.forget)

    def take(self, owner: str, digest: str) -> CheckedList | None:
        """Return what was found of a list and forget it; None if it is another list, or was too long ago.

        Args:
            owner: Whose list it is.
            digest: Of all that decides it.
        """
        last = self._last
        if last is None or last[:2] != (owner, digest):
            return None
        self.forget()
        return last[2]

    def forget(self) -> None:
        """Keep nothing any more."""
        if self._end is not None:
            self._end.cancel()
        self._last = self._end = None
