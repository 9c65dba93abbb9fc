"""Events that a server sends: named lines, and comments in between so that nobody takes silence for the end.

Source: HTML Living Standard, 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

KEEP_ALIVE = b": keep-alive\n\n"
MEDIA_TYPE = "text/event-stream"


def event(name: str, data: Any, number: int | str | None = None) -> bytes:
    """Return an event.

    Args:
        name: Its name.
        data: Anything that JSON can hold.
        number: Its number, if the stream can be taken up after it. Streams for OpenAI's clients have none, since those
            remember it and would read the next comment as an event.
    """
    lines = [f"event: {name}", f"data: {json.dumps(data, ensure_ascii=False)}"]
    if number is not None:
        lines.insert(0, f"id: {number}")
    return ("\n".join(lines) + "\n\n").encode()


async def with_keep_alive(events: AsyncIterator[bytes], every_s: float) -> AsyncIterator[bytes]:
    """Yield events, and a comment whenever none came for some time."""
    waiting: asyncio.Task[bytes] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({waiting}, timeout=every_s)
            if not done:
                yield KEEP_ALIVE
                continue
            finished, waiting = waiting, None
            try:
                yield finished.result()
            except StopAsyncIteration:
                return
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await events.aclose()  # pyright: ignore[reportAttributeAccessIssue]


def stream(events: AsyncIterator[bytes], every_s: float, headers: dict[str, str] | None = None) -> StreamingResponse:
    """Return an answer of events.

    Args:
        events: The events, each as ``event`` makes it.
        every_s: Longest silence.
        headers: Further headers.
    """
    fixed = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(with_keep_alive(events, every_s), media_type=MEDIA_TYPE, headers=fixed | (headers or {}))
