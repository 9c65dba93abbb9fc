"""Models that could not be loaded, and when each is tried again: soon at first, then ever less often."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0


class Absences:
    """Absent models by name.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waits_s: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """Remember that a model could not be loaded just now."""
        wait_s = self._waits_s.get(name, FIRST_WAIT_S)
        self._waits_s[name] = min(LONGEST_WAIT_S, 2 * wait_s)
        self._until[name] = self._clock() + wait_s

    def end(self, name: str) -> None:
        """Remember that a model is loaded."""
        self._waits_s.pop(name, None)
        self._until.pop(name, None)

    def is_absent(self, name: str) -> bool:
        """Tell whether a model could not be loaded when it was tried last."""
        return name in self._until

    def is_due(self, name: str) -> bool:
        """Tell whether a model may be tried: it was never absent, or for long enough."""
        return self._clock() >= self._until.get(name, float("-inf"))

    def away(self) -> list[str]:
        """Return the names of the models that are not tried again yet."""
        return [name for name in self._until if not self.is_due(name)]
