"""Laws of working on jobs whose model is loaded and cannot draw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from underpaint.core import installing
from underpaint.core.errors import SetupError
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batching.profile import BatchProfile, ProfilePoint
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.engine.absences import FIRST_WAIT_S, Absences
from underpaint.stages.serve.engine.orders import Loaded, Order, Picture
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.jobs.runner import JobRunner
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.service import Service


class UnfitEngine:
    """An engine that is loaded and cannot draw on this machine."""

    last_words = ""
    loaded = Loaded(
        model_sha256="0" * 64,
        engine="unfit",
        at_once=1,
        can_preview=False,
        profile=BatchProfile(points=(ProfilePoint(units=1, seconds=0.01),)),
    )

    def known(self, name: str) -> Loaded:
        return self.loaded

    def running(self, name: str) -> UnfitEngine:
        return self

    async def ready(self, name: str) -> UnfitEngine:
        return self

    def drop(self, number: int) -> None: ...

    async def draw(
        self, orders: Sequence[Order], heard: Callable[[int, Picture], None], on_free: Callable[[float], None]
    ) -> float:
        raise SetupError("pictures cannot be signed now; see /the/folder/of it")


def test_a_job_whose_model_cannot_draw_is_tried_ever_less_often_and_nothing_is_held_against_it(
    tiny_model, tmp_path, monkeypatch
):
    monkeypatch.setattr(installing, "_noted", lambda: json.dumps({"url": "file:///the/folder"}))
    service = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=Path(tmp_path)))
    queue, now = open_queue(tmp_path / "jobs.sqlite"), [0.0]

    async def run() -> list[float]:
        service.dispatcher = Dispatcher(UnfitEngine())  # pyright: ignore[reportArgumentType]
        drawing = asyncio.create_task(service.dispatcher.run())
        desk = JobDesk(service, queue)
        runner, waits = JobRunner(desk), list[float]()
        runner._failing = Absences(lambda: now[0])
        queue.submit(desk.submission(GenerationRequest(prompt="a cat"), owner="ann"))
        for _ in range(3):
            (job,) = await runner._claim()
            runner._begin(job)
            await runner._working[job.id]
            began = now[0]
            while service.releases_away() + runner._failing.away():
                assert await runner._claim() == []
                now[0] += 0.5
            waits.append(now[0] - began)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        return waits

    assert asyncio.run(run()) == [FIRST_WAIT_S * 2**number for number in range(3)]
    (job,) = queue.jobs()
    assert (job.state, job.failures) == ("queued", 0)
    reasons = {event.body["reason"] for event in queue.events(job.id) if "reason" in event.body}
    assert reasons == {"pictures cannot be signed now; see of it"}, "no folder of the server is told"
    queue.close()


def test_a_defect_in_a_heartbeat_is_told_and_does_not_end_heartbeats(tiny_model, tmp_path, monkeypatch):
    told: list[tuple[str, object]] = []
    config = ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=Path(tmp_path))
    service = Service(config, notice=lambda event, **facts: told.append((event, facts.get("during"))))
    queue = open_queue(tmp_path / "jobs.sqlite", QueuePolicy(heartbeat_s=0.01))
    monkeypatch.setattr(queue, "renew", lambda _leases: 1 / 0)

    async def run() -> None:
        beating = asyncio.create_task(JobRunner(JobDesk(service, queue))._beat())
        while len(told) < 3 and not beating.done():
            await asyncio.sleep(0.01)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

    asyncio.run(run())
    assert told[:3] == [("defect", "renewing leases")] * 3
    queue.close()
