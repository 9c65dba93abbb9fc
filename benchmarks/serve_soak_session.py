"""Somebody who calls a server: sends requests, and notes what came of them."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
from PIL import Image, ImageDraw

THINGS = ("red heart", "smiling cat", "green dragon", "slice of pizza", "rocket", "penguin", "blue butterfly")
BUSY = 429
PATIENCE_S = 300.0


class OddAnswer(Exception):
    """An answer that should not have come."""


class ToldToComeBack(Exception):
    """The server is busy."""


@dataclass(kw_only=True)
class Seen:
    """What callers saw.

    Args:
        calls: Kind of call to calls that were answered as they should be.
        busy: Calls that were told to come back later.
        gone: Callers who went away, since many waited already.
        odd: What should not have come, the first few.
        num_odd: How often something came that should not.
        requests: Requests that were sent, of all kinds of calls.
        latencies: Of single plain pictures: when they were meant to be asked for, and seconds until they were there.
    """

    calls: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    gone: int = 0
    odd: list[str] = field(default_factory=list)
    num_odd: int = 0
    requests: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event of a stream.

    Args:
        name: Its name.
        place: Where it stands; a stream that broke goes on behind it.
        data: What it says.
    """

    name: str
    place: str
    data: dict[str, Any]


class Session:
    """Those who call one server.

    Args:
        url: The server's address.
        seed: Chooses who does what.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._url, self.rng, self.seen = url, random.Random(seed), Seen()
        self._picture, self._number = drawing(), 0
        self.open()

    def open(self) -> None:
        """Begin with connections that nobody used before."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
        self._client = httpx2.AsyncClient(base_url=self._url, timeout=PATIENCE_S, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def call(self, kind: str, do: Callable[[Self], Awaitable[None]], meant_at: float) -> None:
        """Do one thing, and note what came of it.

        Args:
            kind: What it is called.
            do: What is done.
            meant_at: When it was meant to begin, by the monotonic clock.
        """
        try:
            await do(self)
        except ToldToComeBack:
            self.seen.busy += 1
        except OddAnswer as odd:
            self._note(f"{kind}: {odd}")
        except (httpx2.HTTPError, TimeoutError, KeyError, asyncio.CancelledError) as error:
            self._note(f"{kind}: {error!r}")
        else:
            self.seen.calls[kind] += 1
            if kind == "picture":
                self.seen.latencies.append((meant_at, time.monotonic() - meant_at))

    def _note(self, what: str) -> None:
        self.seen.num_odd += 1
        if len(self.seen.odd) < 20:
            self.seen.odd.append(what[:300])

    async def ask(self, method: str, path: str, *allowed: int, **how: Any) -> httpx2.Response:
        """Send a request and return the answer.

        Raises:
            OddAnswer: It is none of those allowed; 200 where none are named.
            ToldToComeBack: The server is busy.
        """
        self.seen.requests += 1
        answer = await self._client.request(method, path, **how)
        if answer.status_code == BUSY:
            raise ToldToComeBack
        if answer.status_code not in (allowed or (200,)):
            raise OddAnswer(f"{method} {path} {answer.status_code} {answer.text[:200]}")
        return answer

    @asynccontextmanager
    async def changes(self, after: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
        """Listen to all changes, behind a place if one is given; leaving is a connection that is lost.

        Raises:
            TimeoutError: It takes too long; comments come all the time, so that no other limit holds.
        """
        self.seen.requests += 1
        headers = {} if after is None else {"last-event-id": after}
        stream = self._client.stream("GET", "/api/v1/events", headers=headers)
        async with asyncio.timeout(PATIENCE_S), stream as answer:
            if answer.status_code != 200:
                raise OddAnswer(f"a stream of changes: {answer.status_code}")
            yield events_in(answer.aiter_lines())

    def wish(self, **more: Any) -> dict[str, Any]:
        """Return the body of a request for something."""
        return {"prompt": f"a {self.rng.choice(THINGS)}", "seed": self.rng.randrange(2**31), **more}


async def events_in(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Yield the events of a stream.

    Raises:
        OddAnswer: It ended.
    """
    told: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            told[name] = value
        elif not line and "event" in told:
            yield Event(name=told["event"], place=told.get("id", ""), data=json.loads(told["data"]))
            told = {}
    raise OddAnswer("a stream of changes ended")


def drawing() -> bytes:
    """Return a picture to edit, or a mask."""
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((8, 8, 55, 55), fill=(200, 30, 30, 255))
    image.save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()
