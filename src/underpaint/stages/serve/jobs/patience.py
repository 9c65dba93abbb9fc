"""Doing something with the disk or the database until it is done, however long they are in trouble.

What was drawn is held meanwhile, so that neither is it drawn again, nor is the trouble held against the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from underpaint.core.errors import StorageError
from underpaint.stages.serve.troubles import Troubles

T = TypeVar("T")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0


async def until_done(troubles: Troubles, what: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do something again and again until it can be done, and return what it returns.

    Args:
        troubles: Told as long as it cannot.
        what: What it is about, for example ``pictures``.
        work: What is done; it may be done twice.

    Raises:
        UnderpaintError: Anything but ``StorageError`` that the work raises.
    """
    wait_s = FIRST_WAIT_S
    try:
        while True:
            try:
                return await work()
            except StorageError as error:
                troubles.begin(what, error)
            await asyncio.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
    finally:
        troubles.end(what)
