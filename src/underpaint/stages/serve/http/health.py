"""Whether the process lives, whether requests are welcome, and numbers about both."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from underpaint.core.errors import StorageError
from underpaint.stages.serve.answering.schema import Health, Ready
from underpaint.stages.serve.config import is_loopback
from underpaint.stages.serve.http.callers import require_operator
from underpaint.stages.serve.http.metrics import MEDIA_TYPE
from underpaint.stages.serve.http.openapi import MEANINGS, refusals
from underpaint.stages.serve.http.state import AnyServiceOf, DeskOf
from underpaint.stages.serve.jobs.desk import JobDesk

router = APIRouter(tags=["operation"])


async def _depth(desk: JobDesk) -> dict[str, dict[str, float]]:
    """Return how much waits; nothing where that cannot be looked up, since numbers are needed then most."""
    try:
        return await desk.see(lambda queue: queue.depth())
    except StorageError:
        return {}


@router.get("/health", response_model=Health, responses=refusals())
async def health() -> Health:
    """Say that the process lives."""
    return Health()


@router.get(
    "/ready", response_model=Ready, responses={**refusals(), 503: {"model": Ready, "description": MEANINGS[503]}}
)
async def ready(service: AnyServiceOf) -> Response:
    """Say whether requests are welcome: the default model is loaded, all can be kept, nobody stops the server."""
    reasons = await asyncio.to_thread(service.reasons_not_ready)
    return JSONResponse(Ready(ready=not reasons, reasons=reasons).model_dump(), status_code=503 if reasons else 200)


@router.get("/metrics", response_class=PlainTextResponse, responses=refusals(401))
async def metrics(request: Request, service: AnyServiceOf, desk: DeskOf) -> Response:
    """Return numbers for Prometheus; where strangers can reach the server, to operators alone."""
    if not is_loopback(service.config.host):
        await require_operator(request)
    numbers = request.app.state.metrics
    numbers.set_waiting(service.dispatcher.waiting_by_class(), service.dispatcher.backlog_s(), await _depth(desk))
    numbers.set_troubles(service.troubles.reasons())
    return Response(numbers.text(), media_type=MEDIA_TYPE)
