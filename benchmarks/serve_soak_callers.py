"""All that callers do to a server, in the proportions of a busy day: what each does, and what must come of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from serve_soak_session import OddAnswer, drawing
from serve_soak_studio import EDITS, FILES, JOBS, StudioCallers

GENERATIONS = "/v1/images/generations"
LOOKS = ("/metrics", "/health", "/ready", "/v1/models", f"{JOBS}?limit=20", "/api/v1/queue", "/v1/batches?limit=5")
LINES = 8
MOST_WAITING = 100
"""Calls that are open at one time; as many as a server lets a key have."""


class Callers(StudioCallers):
    """Those who call one server, programs and people."""

    async def picture(self) -> None:
        """Ask for a picture."""
        answer = await self.ask("POST", GENERATIONS, json=self.wish())
        self._picture = base64.b64decode(answer.json()["data"][0]["b64_json"])

    async def several(self) -> None:
        """Ask for some pictures in other formats, some by address, and fetch the first."""
        kind = self.rng.choice(["png", "webp", "jpeg"])
        body = self.wish(n=3, output_format=kind, response_format="url", user=f"user {self.rng.randrange(50)}")
        answer = await self.ask("POST", GENERATIONS, json=body)
        await self.ask("GET", answer.json()["data"][0]["url"])

    async def stream(self) -> None:
        """Watch a picture become."""
        body = self.wish(stream=True, partial_images=2)
        text = (await self.ask("POST", GENERATIONS, json=body)).text
        if "image_generation.completed" not in text and "queue_full" not in text:
            raise OddAnswer(f"a stream without a picture: {text[:200]}")

    async def edit(self) -> None:
        """Change a picture, some of them within a mask."""
        mask = {"mask": ("m.png", drawing())} if self.rng.random() < 0.5 else {}
        await self.ask("POST", EDITS, files={"image": ("a.png", drawing()), **mask}, data={"prompt": "a red apple"})

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
        await self.ended_well(answer.json()["id"])

    async def once(self) -> None:
        """Ask for the same picture twice under one key."""
        self._number += 1
        how = {"json": self.wish(), "headers": {"idempotency-key": f"soak-{self._number}"}}
        first, second = await self.ask("POST", GENERATIONS, **how), await self.ask("POST", GENERATIONS, **how)
        if first.json()["data"] != second.json()["data"]:
            raise OddAnswer("one key, two pictures")

    async def batch(self) -> None:
        """Send a file of requests, wait for the file of answers, remove both."""
        rows = [{"custom_id": str(i), "method": "POST", "url": GENERATIONS, "body": self.wish()} for i in range(LINES)]
        upload = {"file": ("lines.jsonl", "\n".join(map(json.dumps, rows)).encode())}
        file = (await self.ask("POST", FILES, files=upload, data={"purpose": "batch"})).json()["id"]
        told = {"input_file_id": file, "endpoint": GENERATIONS, "completion_window": "24h"}
        batch = (await self.ask("POST", "/v1/batches", json=told)).json()
        while batch["status"] in ("validating", "in_progress", "finalizing"):
            await asyncio.sleep(1.0)
            batch = (await self.ask("GET", f"/v1/batches/{batch['id']}")).json()
        if batch["request_counts"]["completed"] != LINES:
            raise OddAnswer(f"a batch that did not end well: {batch}")
        for one in (batch["output_file_id"], file):
            await self.ask("GET", f"{FILES}/{one}/content")
            await self.ask("DELETE", f"{FILES}/{one}")

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
    """

    do: Callable[[Callers], Awaitable[None]]
    share: float


CALLS: dict[str, Call] = {
    "picture": Call(Callers.picture, 0.39),
    "several": Call(Callers.several, 0.05),
    "stream": Call(Callers.stream, 0.08),
    "edit": Call(Callers.edit, 0.02),
    "wrong edit": Call(Callers.wrong_edit, 0.03),
    "wrong": Call(Callers.wrong, 0.03),
    "job": Call(Callers.job, 0.06),
    "once": Call(Callers.once, 0.02),
    "batch": Call(Callers.batch, 0.01),
    "recall": Call(Callers.recall, 0.04),
    "hang up": Call(Callers.hang_up, 0.05),
    "look": Call(Callers.look, 0.04),
    "page": Call(Callers.page, 0.02),
    "gallery": Call(Callers.gallery, 0.04),
    "tidy": Call(Callers.tidy, 0.02),
    "archive": Call(Callers.archive, 0.01),
    "bring": Call(Callers.bring, 0.01),
    "again": Call(Callers.again, 0.01),
    "upload": Call(Callers.upload, 0.01),
    "list": Call(Callers.list_of_wishes, 0.01),
    "wrong list": Call(Callers.wrong_list, 0.01),
    "follow": Call(Callers.follow, 0.02),
    "lost": Call(Callers.lost, 0.02),
}
PATIENT = ("batch", "list", "lost")
"""Calls of those who hardly ask for anything while they wait."""


async def call(callers: Callers, kind: str, meant_at: float) -> None:
    """Do one thing of the table, and note what came of it."""
    await callers.call(kind, CALLS[kind].do, meant_at)


async def at_their_times(callers: Callers, rate: float, seconds: float) -> None:
    """Let callers call at the times of a Poisson process, and wait for the last answers.

    Where many wait already, whoever comes goes away: a machine that others take for minutes is not what is looked at.

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
        if len(waiting) >= MOST_WAITING:
            callers.seen.gone += 1
            continue
        task = asyncio.create_task(call(callers, callers.rng.choices(kinds, shares)[0], now))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def as_fast_as_it_goes(callers: Callers, number: int, seconds: float) -> float:
    """Let so many callers do one thing after the other, in the same proportions; return calls a second.

    In place of those who wait patiently others call; what they wait for must be done too, and its time counts.
    """
    kinds, shares = list(CALLS), [one.share for one in CALLS.values()]
    end, waiting = time.monotonic() + seconds, set[asyncio.Task[None]]()

    async def one() -> None:
        while time.monotonic() < end:
            kind = callers.rng.choices(kinds, shares)[0]
            doing = asyncio.create_task(call(callers, kind, time.monotonic()))
            waiting.add(doing)
            if kind not in PATIENT:
                await doing

    began, before = time.monotonic(), callers.seen.calls.total()
    await asyncio.gather(*(one() for _ in range(number)))
    await asyncio.gather(*waiting)
    return (callers.seen.calls.total() - before) / (time.monotonic() - began)
