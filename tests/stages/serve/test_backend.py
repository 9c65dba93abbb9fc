"""Laws of a server without its HTTP: it says so where a part of it works no more."""

from __future__ import annotations

import asyncio
from typing import Any

from underpaint.stages.serve.backend import Backend
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.jobs.runner import JobRunner

PARTS = {
    "drawing": (Dispatcher, "run"),
    "work on jobs": (JobRunner, "run"),
    "work on batches": (BatchKeeper, "run"),
    "tidying up": (Backend, "_tidy"),
}


async def broken(_self: Any) -> None:
    raise AssertionError("a mistake")


def test_a_part_that_a_mistake_of_ours_ends_makes_the_server_not_ready(tmp_path, monkeypatch):
    for owner, name in PARTS.values():
        monkeypatch.setattr(owner, name, broken)
    defects: list[str] = []

    def notice(event: str, **facts: Any) -> None:
        if event == "defect":
            defects.append(facts["during"])

    async def run() -> list[str]:
        backend = Backend(ServeConfig(state=tmp_path, drain_s=0.0), notice=notice)
        await backend.start()
        async with asyncio.timeout(20):
            while len(defects) < len(PARTS):
                await asyncio.sleep(0)
        reasons = backend.service.reasons_not_ready()
        await backend.stop()
        return [reason for reason in reasons if "ended by a defect" in reason]

    assert [reason.partition(":")[0] for reason in asyncio.run(run())] == list(PARTS)
    assert defects == list(PARTS)
