"""A bell that wakes whoever waits for something to happen, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """Rung when something happened; a listener takes ``next()`` before it looks, so that it misses nothing."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all who listen."""
        self._event.set()
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Return what will be set when the bell rings next."""
        return self._event


async def heard(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for a ring, at most for so long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
