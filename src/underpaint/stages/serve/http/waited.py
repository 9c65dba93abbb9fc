"""Work in a thread for a caller who may hang up: it ends at its next step then, and its turn is free again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from underpaint.core.errors import InputError
from underpaint.stages.serve.http.generations import hung_up

T = TypeVar("T")
GoOn = Callable[[], None]
"""Called between two steps; raises when nobody waits any more."""


async def while_waited_for(request: Request, work: Callable[[GoOn], T]) -> T | None:
    """Return what some work in a thread gives; None if the caller hung up first.

    Args:
        request: The caller's; its body has been read.
        work: Given what it calls between two steps.

    Raises:
        BaseException: What the work raises.
    """
    is_unwanted = threading.Event()

    def go_on() -> None:
        if is_unwanted.is_set():
            raise InputError("nobody waits for this any more")

    working = asyncio.ensure_future(asyncio.to_thread(work, go_on))
    gone = asyncio.ensure_future(hung_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        is_unwanted.set()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)
