from __future__ import annotations

from collections.abc import Callable

import pytest


class Script:
    """A clock that stands still unless work or waiting moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)

    def taking(self, *seconds: float) -> Callable[..., None]:
        """Return work whose calls take these times in turn, going round."""
        calls = 0

        def work(*arguments: object) -> None:
            nonlocal calls
            self.time += seconds[calls % len(seconds)]
            calls += 1

        return work


@pytest.fixture
def clock() -> Script:
    return Script()
