"""All that callers do to a server, in the proportions of a busy day: what each does, and what must come of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from PIL import Image, ImageDraw

GENERATIONS, EDITS, JOBS = "/v1/images/generations", "/v1/images/edits", "/api/v1/jobs"
THINGS = ("red heart", "smiling cat", "green dragon", "slice of pizza", "rocket", "penguin", "blue butterfly")
LOOKS = ("/metrics", "/health", "/ready", "/v1/models", f"{JOBS}?limit=20", "/api/v1/queue", "/v1/batches?limit=5")
LINES = 8
BUSY = 429
PATIENCE_S = 300.0


class OddAnswer(Exception):
    """An answer that should not have come."""


@dataclass(kw_only=True)
class Seen:
    """What callers saw.

    Args:
        calls: Kind of call to calls that were answered as they should be.
        busy: Calls that were told to come back later.
        odd: What should not have come, the first few.
        num_odd: How often something came that should not.
        requests: Requests that were sent, of all kinds of calls.
        latencies: Of single plain pictures: when they were meant to be asked for, and seconds until they were there.
    """

    calls: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    odd: list[str] = field(default_factory=list)
    num_odd: int = 0
    requests: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list)


class Callers:
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

    async def call(self, kind: str, meant_at: float) -> None:
        """Do one thing, and note what came of it.

        Args:
            kind: A key of ``CALLS``.
            meant_at: When it was meant to begin, by the monotonic clock.
        """
        try:
            await CALLS[kind].do(self)
        except OddAnswer as odd:
            self._note(f"{kind}: {odd}")
        except (httpx2.HTTPError, asyncio.CancelledError) as error:
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
            OddAnswer: It is none of those allowed, and does not say that the server is busy.
        """
        self.seen.requests += 1
        answer = await self._client.request(method, path, **how)
        self.seen.busy += answer.status_code == BUSY
        if answer.status_code not in (*(allowed or (200,)), BUSY):
            raise OddAnswer(f"{method} {path} {answer.status_code} {answer.text[:200]}")
        return answer

    def wish(self, **more: Any) -> dict[str, Any]:
        """Return the body of a request for something."""
        return {"prompt": f"a {self.rng.choice(THINGS)}", "seed": self.rng.randrange(2**31), **more}

    async def picture(self) -> None:
        """Ask for a picture."""
        answer = await self.ask("POST", GENERATIONS, json=self.wish())
        if answer.status_code == 200:
            self._picture = base64.b64decode(answer.json()["data"][0]["b64_json"])

    async def several(self) -> None:
        """Ask for some pictures in other formats, some by address, and fetch the first."""
        kind = self.rng.choice(["png", "webp", "jpeg"])
        body = self.wish(n=3, output_format=kind, response_format="url", user=f"user {self.rng.randrange(50)}")
        answer = await self.ask("POST", GENERATIONS, json=body)
        if answer.status_code == 200:
            await self.ask("GET", answer.json()["data"][0]["url"])

    async def stream(self) -> None:
        """Watch a picture become."""
        body = self.wish(stream=True, partial_images=2)
        text = (await self.ask("POST", GENERATIONS, json=body)).text
        if "image_generation.completed" not in text and "queue_full" not in text:
            raise OddAnswer(f"a stream without a picture: {text[:200]}")

    async def edit(self) -> None:
        """Change a picture."""
        await self.ask("POST", EDITS, files={"image": ("a.png", drawing())}, data={"prompt": "a red apple"})

    async def wrong_edit(self) -> None:
        """Ask for an edit that must be refused."""
        image = self.rng.choice([b"no picture", self._picture[:200], drawing()])
        files = {"image": ("a.png", image), "mask": ("m.png", b"\x89PNG\r\n\x1a\n")}
        await self.ask("POST", EDITS, 400, files=files, data={"prompt": "a red apple"})

    async def wrong(self) -> None:
        """Ask for what must be refused."""
        more = self.rng.choice([{"n": 11}, {"qualty": "high"}, {"style": "none such"}, {"model": "none"}])
        await self.ask("POST", GENERATIONS, 400, 404, json=self.wish(**more))

    async def job(self) -> None:
        """Hand in a job and listen until it is over."""
        answer = await self.ask("POST", JOBS, 202, json={"request": self.wish()})
        if answer.status_code == 202:
            text = (await self.ask("GET", f"{JOBS}/{answer.json()['id']}/events")).text
            if "job.succeeded" not in text:
                raise OddAnswer(f"a job that did not end well: {text[-200:]}")

    async def once(self) -> None:
        """Ask for the same picture twice under one key."""
        self._number += 1
        how = {"json": self.wish(), "headers": {"idempotency-key": f"soak-{self._number}"}}
        first, second = await self.ask("POST", GENERATIONS, **how), await self.ask("POST", GENERATIONS, **how)
        if first.status_code == second.status_code == 200 and first.json()["data"] != second.json()["data"]:
            raise OddAnswer("one key, two pictures")

    async def batch(self) -> None:
        """Send a file of requests, wait for the file of answers, remove both."""
        rows = [{"custom_id": str(i), "method": "POST", "url": GENERATIONS, "body": self.wish()} for i in range(LINES)]
        upload = {"file": ("lines.jsonl", "\n".join(map(json.dumps, rows)).encode())}
        file = (await self.ask("POST", "/v1/files", files=upload, data={"purpose": "batch"})).json()["id"]
        told = {"input_file_id": file, "endpoint": GENERATIONS, "completion_window": "24h"}
        batch = (await self.ask("POST", "/v1/batches", json=told)).json()
        while batch["status"] in ("validating", "in_progress", "finalizing"):
            await asyncio.sleep(1.0)
            batch = (await self.ask("GET", f"/v1/batches/{batch['id']}")).json()
        if batch["request_counts"]["completed"] != LINES:
            raise OddAnswer(f"a batch that did not end well: {batch}")
        for one in (batch["output_file_id"], file):
            await self.ask("GET", f"/v1/files/{one}/content")
            await self.ask("DELETE", f"/v1/files/{one}")

    async def recall(self) -> None:
        """Ask what made a picture."""
        await self.ask("POST", "/api/v1/recall", 200, 400, files={"file": ("a.png", self._picture)})

    async def hang_up(self) -> None:
        """Ask for pictures, some as a stream, and go away before they are there."""
        self.seen.requests += 1
        body = self.wish(stream=True) if self.rng.random() < 0.5 else self.wish(n=4)
        patience_s = self.rng.uniform(0.0, 0.1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s), self._client.stream("POST", GENERATIONS, json=body) as answer:
                await answer.aread()

    async def look(self) -> None:
        """Look at how things are."""
        await self.ask("GET", self.rng.choice(LOOKS))


@dataclass(frozen=True)
class Call:
    """A kind of call.

    Args:
        do: What a caller does.
        share: Of all calls.
        pictures: How many it has drawn, about.
    """

    do: Callable[[Callers], Awaitable[None]]
    share: float
    pictures: float


CALLS: dict[str, Call] = {
    "picture": Call(Callers.picture, 0.50, 1),
    "several": Call(Callers.several, 0.05, 3),
    "stream": Call(Callers.stream, 0.10, 1),
    "edit": Call(Callers.edit, 0.03, 1),
    "wrong edit": Call(Callers.wrong_edit, 0.04, 0),
    "wrong": Call(Callers.wrong, 0.04, 0),
    "job": Call(Callers.job, 0.06, 1),
    "once": Call(Callers.once, 0.02, 1),
    "batch": Call(Callers.batch, 0.01, LINES),
    "recall": Call(Callers.recall, 0.05, 0),
    "hang up": Call(Callers.hang_up, 0.05, 1),
    "look": Call(Callers.look, 0.05, 0),
}
PICTURES_A_CALL = sum(call.share * call.pictures for call in CALLS.values())


def drawing() -> bytes:
    """Return a picture to edit."""
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((8, 8, 55, 55), fill=(200, 30, 30, 255))
    image.save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


async def at_their_times(callers: Callers, rate: float, seconds: float) -> None:
    """Let callers call at the times of a Poisson process, whatever the server does, and wait for the last answers.

    Args:
        callers: Those who call.
        rate: Calls a second.
        seconds: For how long.
    """
    kinds, shares = list(CALLS), [call.share for call in CALLS.values()]
    waiting: set[asyncio.Task[None]] = set()
    began = now = time.monotonic()
    while (now := now + callers.rng.expovariate(rate)) < began + seconds:
        await asyncio.sleep(max(0.0, now - time.monotonic()))
        task = asyncio.create_task(callers.call(callers.rng.choices(kinds, shares)[0], now))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def as_fast_as_it_goes(callers: Callers, number: int, seconds: float) -> float:
    """Let so many callers ask for one picture after the other; return pictures a second."""
    end, before = time.monotonic() + seconds, callers.seen.calls["picture"]

    async def one() -> None:
        while time.monotonic() < end:
            await callers.call("picture", time.monotonic())

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(number)))
    return (callers.seen.calls["picture"] - before) / (time.monotonic() - began)
