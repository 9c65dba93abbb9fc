"""FastAPI with a queue in front of the device, which takes what waits when it is free: the prototype of our design.

Its one argument is the port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from device import AT_ONCE, DevicePlan, SleepingDevice
from fastapi import FastAPI
from pydantic import BaseModel
from reply import reply_of

WAIT_S = 0.005
plan = DevicePlan.read()
device = SleepingDevice(plan)
waiting: asyncio.Queue[asyncio.Future[bytes]] = asyncio.Queue()


class Request(BaseModel):
    """A request for a picture."""

    prompt: str
    seed: int | None = None


async def work() -> None:
    """Draw what waits, at most so many at once; an idle device waits a little for company."""
    while True:
        is_idle = waiting.empty()
        batch = [await waiting.get()]
        if is_idle:
            await asyncio.sleep(WAIT_S)
        while len(batch) < AT_ONCE and not waiting.empty():
            batch.append(waiting.get_nowait())
        for done, pixels in zip(batch, await asyncio.to_thread(device.draw, len(batch)), strict=True):
            if not done.done():
                done.set_result(pixels)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Work while the server runs."""
    task = asyncio.create_task(work())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/")
async def draw(_request: Request) -> dict[str, Any]:
    """Wait for a picture."""
    done = asyncio.get_running_loop().create_future()
    await waiting.put(done)
    return reply_of(await done, plan.padding)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
