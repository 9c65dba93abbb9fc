"""Ray Serve with ``@serve.batch``, as its documents show it.

Its one argument is the port.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import ray  # pyright: ignore[reportMissingImports]
from device import AT_ONCE, DevicePlan, SleepingDevice
from ray import serve  # pyright: ignore[reportMissingImports]
from reply import reply_of
from starlette.requests import Request

HERE = str(Path(__file__).parent)


@serve.deployment(max_ongoing_requests=1000)
class Drawing:
    """A model that draws."""

    def __init__(self) -> None:
        self._plan = DevicePlan.read()
        self._device = SleepingDevice(self._plan)

    @serve.batch(max_batch_size=AT_ONCE, batch_wait_timeout_s=0.005)
    async def draw(self, prompts: list[str]) -> list[bytes]:
        """Draw a batch."""
        return await asyncio.to_thread(self._device.draw, len(prompts))

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer a request."""
        body = await request.json()
        pixels: Any = await self.draw(body["prompt"])
        return reply_of(pixels, self._plan.padding)


if __name__ == "__main__":
    environment = {name: os.environ[name] for name in os.environ if name.startswith("UNDERPAINT_")}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": environment | {"PYTHONPATH": HERE}},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1]), "access_log": False})
    serve.run(Drawing.bind(), route_prefix="/")  # pyright: ignore[reportAttributeAccessIssue]
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
