"""Load on a server from a process of its own: requests leave when they were meant to, and are timed from then on.

An *open* load sends at the times of a Poisson process, whatever the server does. Its latency counts from the moment a
request was meant to leave, so that a server that stands still for a second is charged for all who came in that second
(coordinated omission). A *closed* load has so many callers, each of whom asks again as soon as it is answered.

    echo '{"url": "http://127.0.0.1:8080/v1/images/generations", "bodies": [{"prompt": "a red heart"}],
           "kind": "open", "rate": 20.0, "seconds": 10.0, "seed": 1}' | python benchmarks/serve_load.py

It answers with one JSON object, the fields of ``Load``. The standard library is all that it needs.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

LAST_CHUNK = b"\r\n0\r\n\r\n"
GRACE_S = 2.0
"""How long answers are waited for after the last request was meant to leave."""


@dataclass(kw_only=True)
class Load:
    """What came of a load.

    Args:
        seconds: How long requests were sent.
        sent: Requests that were meant to leave.
        latencies_s: Of those that were answered with 200, in the order of the answers.
        in_time: Good answers that came while requests were still sent.
        statuses: How often each other answer came; 0 for a connection that broke.
        unanswered: Requests without an answer at the end.
        reply_bytes: Length of the last good answer.
        late_ms: How much later than meant a request left, at most.
    """

    seconds: float
    sent: int = 0
    latencies_s: list[float] = field(default_factory=list)
    in_time: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0
    reply_bytes: int = 0
    late_ms: float = 0.0


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return the times of a Poisson process, in seconds.

    Args:
        rate: Arrivals a second on average.
        seconds: For how long.
        seed: Chooses them.
    """
    rng, now, times = random.Random(seed), 0.0, []
    while (now := now + rng.expovariate(rate)) < seconds:
        times.append(now)
    return times


class Connection(asyncio.Protocol):
    """A connection that is kept, with one request at a time on it."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, int]] | None = None
        self._buffer, self._end = bytearray(), -1
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Say that no answer comes any more."""
        self.is_open = False
        self._settle((0, 0))

    def data_received(self, data: bytes) -> None:
        """Collect an answer; its length is in its head, or its end says itself to be one."""
        self._buffer += data
        if self._end < 0 and (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = length_in(bytes(self._buffer[:head]))
            if length is not None:
                self._end = head + 4 + length
            elif self._buffer.endswith(LAST_CHUNK):
                self._end = len(self._buffer)
        if 0 <= self._end <= len(self._buffer):
            status, size = int(self._buffer[9:12]), len(self._buffer)
            self._buffer.clear()
            self._end = -1
            self._settle((status, size))

    def _settle(self, answer: tuple[int, int]) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    async def ask(self, request: bytes) -> tuple[int, int]:
        """Send a request and return the status and the length of its answer; 0 and 0 if the connection broke."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def length_in(head: bytes) -> int | None:
    """Return the length of a body that the head of an answer tells; None if the body comes in chunks.

    Raises:
        ValueError: It tells neither.
    """
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding" and value.strip() == b"chunked":
            return None
    raise ValueError(f"an answer without a length: {head[:200]!r}")


class Target:
    """A server that is asked, over as many connections as there are requests at one time.

    Args:
        url: Where pictures are asked for.
        bodies: What is sent, in turns.
        load: Told of every answer.
    """

    def __init__(self, url: str, bodies: Sequence[dict[str, Any]], load: Load) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._requests = cycle([request_of(parts.path or "/", f"{self._host}:{self._port}", body) for body in bodies])
        self._load, self._idle, self._made = load, list[Connection](), list[Connection]()
        self._began = time.perf_counter()

    async def ask(self, meant_at: float) -> None:
        """Send the next request and note its answer.

        Args:
            meant_at: When it was meant to leave, in seconds since the beginning.
        """
        load, request = self._load, next(self._requests)
        load.sent += 1
        load.late_ms = max(load.late_ms, 1000 * (self.now() - meant_at))
        connection = await self._connection()
        status, size = await connection.ask(request) if connection else (0, 0)
        if status == 200:
            load.latencies_s.append(self.now() - meant_at)
            load.in_time += self.now() <= load.seconds
            load.reply_bytes = size
        else:
            load.statuses[str(status)] = load.statuses.get(str(status), 0) + 1
        if connection and connection.is_open:
            self._idle.append(connection)

    async def _connection(self) -> Connection | None:
        while self._idle:
            if (kept := self._idle.pop()).is_open:
                return kept
        try:
            _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        except OSError:
            return None
        self._made.append(made)
        return made

    def now(self) -> float:
        """Return the seconds since the beginning."""
        return time.perf_counter() - self._began

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._made:
            connection.close()
        await asyncio.sleep(0)


def request_of(path: str, host: str, body: dict[str, Any]) -> bytes:
    """Return the bytes of a request."""
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    return head.encode() + b"\r\n" + text


async def open_load(target: Target, times: Sequence[float]) -> None:
    """Send requests at given times, and wait a little for the answers."""
    waiting: set[asyncio.Task[None]] = set()
    for meant_at in times:
        if (ahead_s := meant_at - target.now()) > 0:
            await asyncio.sleep(ahead_s)
        task = asyncio.create_task(target.ask(meant_at))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    if waiting:
        await asyncio.wait(waiting, timeout=GRACE_S)
    await _give_up(waiting)


async def closed_load(target: Target, callers: int, seconds: float) -> None:
    """Let so many callers ask one request after the other."""

    async def call() -> None:
        while (now := target.now()) < seconds:
            await target.ask(now)

    calls = {asyncio.create_task(call()) for _ in range(callers)}
    _, waiting = await asyncio.wait(calls, timeout=seconds + GRACE_S)
    await _give_up(waiting)


async def _give_up(waiting: set[asyncio.Task[None]]) -> None:
    left = list(waiting)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def run(plan: dict[str, Any]) -> Load:
    """Put a load on a server.

    Args:
        plan: ``url``, ``bodies`` and ``seconds``; ``kind`` ``open`` with ``rate`` and ``seed``, or ``closed`` with
            ``callers``.
    """
    load = Load(seconds=plan["seconds"])
    target = Target(plan["url"], plan["bodies"], load)
    if plan["kind"] == "open":
        await open_load(target, arrivals(plan["rate"], plan["seconds"], plan["seed"]))
    else:
        await closed_load(target, plan["callers"], plan["seconds"])
    load.unanswered = load.sent - len(load.latencies_s) - sum(load.statuses.values())
    await target.close()
    return load


def main() -> None:
    """Read a plan, do it, and write what came of it."""
    load = asyncio.run(run(json.load(sys.stdin)))
    json.dump(asdict(load), sys.stdout)


if __name__ == "__main__":
    main()
