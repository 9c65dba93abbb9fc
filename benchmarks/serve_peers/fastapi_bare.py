"""A bare handler of FastAPI: one worker of uvicorn, the device called under its lock for one request at a time.

Its one argument is the port.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from device import DevicePlan, SleepingDevice
from fastapi import FastAPI
from pydantic import BaseModel
from reply import reply_of

plan = DevicePlan.read()
device = SleepingDevice(plan)
app = FastAPI()


class Request(BaseModel):
    """A request for a picture."""

    prompt: str
    seed: int | None = None


@app.post("/")
def draw(_request: Request) -> dict[str, Any]:
    """Draw a picture in a thread of Starlette's pool."""
    return reply_of(device.draw(1)[0], plan.padding)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
