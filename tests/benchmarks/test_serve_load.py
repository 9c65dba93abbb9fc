"""Laws of the load on a server: arrivals are those of a Poisson process, and nobody's waiting is left out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

Answer = Callable[[int], Awaitable[bytes]]


@pytest.fixture(scope="module")
def serve_load(load_benchmark) -> ModuleType:
    return load_benchmark("serve_load")


def put(serve_load: ModuleType, answer: Answer, **plan: Any) -> Any:
    """Put a load on a server that answers as it is told; it is given the number of each request."""

    async def run() -> Any:
        asked, serving = 0, set[asyncio.Task[Any]]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            serving.add(task := asyncio.current_task())  # pyright: ignore[reportArgumentType]
            try:
                while head := await reader.read(65536):
                    assert head.endswith(b'{"seed": 1}')
                    asked += 1
                    if not (said := await answer(asked - 1)):
                        break
                    writer.write(said)
            finally:
                writer.close()
                await writer.wait_closed()
                serving.remove(task)  # pyright: ignore[reportArgumentType]

        server = await asyncio.start_server(serve, "127.0.0.1")
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/draw"
        load = await serve_load.run({"url": url, "bodies": [{"seed": 1}], **plan})
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        server.close()
        return load

    return asyncio.run(run())


async def at_once(_number: int) -> bytes:
    return ANSWER


def test_arrivals_are_those_of_a_poisson_process(serve_load):
    times = serve_load.arrivals(50.0, 200.0, seed=3)
    assert times == sorted(times) and times[0] > 0 and times[-1] < 200.0
    assert abs(len(times) - 10_000) < 4 * 100
    assert stats.kstest(np.diff(times), "expon", args=(0, 1 / 50)).pvalue > 0.01
    counts = np.histogram(times, bins=200, range=(0, 200))[0]
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.3)


def test_a_seed_chooses_the_arrivals(serve_load):
    assert serve_load.arrivals(9.0, 5.0, 1) == serve_load.arrivals(9.0, 5.0, 1) != serve_load.arrivals(9.0, 5.0, 2)


def test_latency_counts_from_when_a_request_was_meant_to_leave(serve_load):
    """A server that stands still is charged for all who came meanwhile, each for its own waiting."""
    times = serve_load.arrivals(100.0, 0.3, seed=1)
    release = asyncio.Event()
    clock: dict[str, float] = {}

    async def answer(number: int) -> bytes:
        clock.setdefault("first", time.perf_counter())
        if number == len(times) - 1:
            clock["released"] = time.perf_counter()
            release.set()
        await release.wait()
        return ANSWER

    load = put(serve_load, answer, kind="open", rate=100.0, seconds=0.3, seed=1)
    assert load.sent == len(load.latencies_s) == len(times)
    stood_still = clock["released"] - clock["first"] + times[0]
    least = sorted(stood_still - at for at in times)
    assert all(latency >= bound for latency, bound in zip(sorted(load.latencies_s), least, strict=True))
    assert max(load.latencies_s) > 0.8 * (times[-1] - times[0])


def test_a_closed_load_has_so_many_requests_at_a_time_and_no_more(serve_load):
    at_a_time: list[int] = []
    present = 0

    async def answer(_number: int) -> bytes:
        nonlocal present
        present += 1
        at_a_time.append(present)
        await asyncio.sleep(0.01)
        present -= 1
        return ANSWER

    load = put(serve_load, answer, kind="closed", callers=3, seconds=0.2)
    assert max(at_a_time) == 3
    assert load.sent == len(load.latencies_s) == len(at_a_time)
    assert load.in_time <= load.sent
    assert load.reply_bytes == len(ANSWER)


def test_refusals_and_broken_connections_are_counted_and_none_is_a_latency(serve_load):
    async def answer(number: int) -> bytes:
        return (ANSWER, REFUSAL, b"", CHUNKED)[number % 4]

    load = put(serve_load, answer, kind="open", rate=100.0, seconds=0.2, seed=2)
    asked = [(number % 4) for number in range(load.sent)]
    assert load.statuses == {"503": asked.count(1), "0": asked.count(2)}
    assert len(load.latencies_s) == asked.count(0) + asked.count(3)
    assert load.unanswered == 0


def test_requests_that_are_never_answered_are_unanswered(serve_load, monkeypatch):
    monkeypatch.setattr(serve_load, "GRACE_S", 0.1)

    async def answer(number: int) -> bytes:
        if number >= 3:
            await asyncio.sleep(3600)
        return ANSWER

    load = put(serve_load, answer, kind="open", rate=100.0, seconds=0.1, seed=2)
    assert len(load.latencies_s) == 3 and load.unanswered == load.sent - 3 > 0


def test_a_server_that_is_not_there_refuses_every_request(serve_load):
    plan = {"url": "http://127.0.0.1:9/", "bodies": [{}], "kind": "open", "rate": 100.0, "seconds": 0.1, "seed": 2}
    load = asyncio.run(serve_load.run(plan))
    assert load.statuses == {"0": load.sent} and load.sent > 0
