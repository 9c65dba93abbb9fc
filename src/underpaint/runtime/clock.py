"""The clock that a measurement reads and waits on; a test brings one that it moves itself."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock."""

    def now(self) -> float:
        """Return the time in seconds since some moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed."""
        ...


class SystemClock:
    """The machine's own monotonic clock."""

    def now(self) -> float:
        """Return the time in seconds since some moment."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed; at once if there is nothing to wait for."""
        if seconds > 0.0:
            time.sleep(seconds)
