"""Work for a caller: given to who waits, ended for who hangs up, and never left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from underpaint.core.errors import InputError
from underpaint.stages.serve.http.waited import GoOn, while_waited_for


def asked(hangs_up: asyncio.Event) -> Request:
    async def receive() -> dict[str, Any]:
        await hangs_up.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_who_waits_gets_what_the_work_gives():
    async def run() -> int | None:
        return await while_waited_for(asked(asyncio.Event()), lambda go_on: go_on() or 7)

    assert asyncio.run(run()) == 7


def test_what_the_work_raises_is_raised():
    def work(_go_on: GoOn) -> None:
        raise InputError("the picture shows nothing")

    with pytest.raises(InputError, match="shows nothing"):
        asyncio.run(while_waited_for(asked(asyncio.Event()), work))


@pytest.mark.parametrize("cancelled", [False, True])
def test_the_work_ends_at_its_next_step_when_nobody_waits(cancelled):
    ended = threading.Event()

    def work(go_on: GoOn, begin: Callable[[], object]) -> None:
        begin()
        try:
            while True:
                go_on()
        finally:
            ended.set()

    async def run() -> None:
        hangs_up, loop, begun = asyncio.Event(), asyncio.get_running_loop(), asyncio.Event()
        waiting = asyncio.ensure_future(
            while_waited_for(asked(hangs_up), lambda go_on: work(go_on, lambda: loop.call_soon_threadsafe(begun.set)))
        )
        await begun.wait()
        if cancelled:
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            hangs_up.set()
            assert await waiting is None
        assert ended.is_set()

    asyncio.run(asyncio.wait_for(run(), 60))
