"""Turns on a device: one batch draws at a time, and lets go when the next one can, before all of it is finished."""

from __future__ import annotations

import asyncio


class Turn:
    """A device that is held until it is let go; letting go twice is the same as once."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock, self._is_held = lock, True

    def let_go(self) -> None:
        """Let the next one take the device."""
        if self._is_held:
            self._is_held = False
            self._lock.release()


class Turns:
    """A device that is taken by one at a time, in the order that they ask."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds the device."""
        return not self._lock.locked()

    async def take(self) -> Turn:
        """Wait for the device and hold it."""
        await self._lock.acquire()
        return Turn(self._lock)
