"""What every endpoint depends on: the service in its app, and the kind of body that it takes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.http.errors import ApiError, retry_headers
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.jobs.runner import JobRunner
from underpaint.stages.serve.security.gatekeeper import Gatekeeper
from underpaint.stages.serve.service import Service

DRAIN_RETRY_S = 2.0


async def _service(request: Request) -> Service:
    return request.app.state.service


async def open_service(request: Request) -> Service:
    """Return the service.

    Raises:
        ApiError: It is being stopped.
    """
    service = await _service(request)
    if service.is_draining:
        raise ApiError(503, "draining", "this server is being stopped; try again", headers=retry_headers(DRAIN_RETRY_S))
    return service


async def _desk(request: Request) -> JobDesk:
    return request.app.state.desk


async def _runner(request: Request) -> JobRunner:
    return request.app.state.runner


async def _keeper(request: Request) -> BatchKeeper:
    return request.app.state.keeper


KeeperOf = Annotated[BatchKeeper, Depends(_keeper)]
"""A parameter that holds files and batches."""
DeskOf = Annotated[JobDesk, Depends(_desk)]
"""A parameter that holds the durable jobs."""
RunnerOf = Annotated[JobRunner, Depends(_runner)]
"""A parameter that holds what works on them."""
AnyServiceOf = Annotated[Service, Depends(_service)]
"""A parameter that holds the service, whatever its state."""
ServiceOf = Annotated[Service, Depends(open_service)]
"""A parameter that holds the service; refused while it is being stopped."""


async def _gatekeeper(request: Request) -> Gatekeeper:
    return request.app.state.gatekeeper


GatekeeperOf = Annotated[Gatekeeper, Depends(_gatekeeper)]
"""A parameter that holds what decides how much a key may ask for."""


async def json_only(request: Request) -> None:
    """Refuse a body that says it is no JSON.

    Raises:
        ApiError: It does.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise ApiError(415, "unsupported_media_type", f"the body must be application/json, got {kind!r:.60}")


JSON_ONLY = Depends(json_only)
"""What endpoints with a JSON body depend on."""
