"""``/api/v1/queue``: how much waits, and stopping and resuming all durable jobs."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from underpaint.stages.serve.http.callers import CallerOf, OperatorOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import DeskOf
from underpaint.stages.serve.jobs.desk import JobDesk

router = APIRouter(prefix="/api/v1/queue", tags=["jobs"])


class ClassDepth(BaseModel):
    """The open jobs of a class, and the device-seconds that wait."""

    queued: int
    running: int
    held: int
    waiting_s: float


class QueueView(BaseModel):
    """The queue as it is now."""

    object: Literal["queue"] = "queue"
    paused: bool
    classes: dict[str, ClassDepth]


async def _shown(desk: JobDesk) -> QueueView:
    paused = await desk.see(lambda queue: queue.is_paused())
    depth = await desk.see(lambda queue: queue.depth())
    return QueueView(paused=paused, classes={name: ClassDepth(**one) for name, one in depth.items()})  # pyright: ignore


@router.get("", response_model=QueueView, responses=refusals(401, 500, 503))
async def depth(_caller: CallerOf, desk: DeskOf) -> QueueView:
    """Say how much waits."""
    return await _shown(desk)


@router.post("/pause", response_model=QueueView, responses=refusals(401, 500, 503))
async def pause(_caller: OperatorOf, desk: DeskOf) -> QueueView:
    """Give out no more work, over restarts too; what runs goes on."""
    await desk.do(lambda queue: queue.pause())
    return await _shown(desk)


@router.post("/resume", response_model=QueueView, responses=refusals(401, 500, 503))
async def resume(_caller: OperatorOf, desk: DeskOf) -> QueueView:
    """Give out work again."""
    await desk.do(lambda queue: queue.resume())
    return await _shown(desk)
