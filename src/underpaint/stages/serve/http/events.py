"""``GET /api/v1/events``: all changes of the caller's jobs and pictures over one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from underpaint.core.errors import FieldError, InputError
from underpaint.stages.serve.http import sse
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import DeskOf, ServiceOf
from underpaint.stages.serve.queue.telling import Change, Place

router = APIRouter(prefix="/api/v1/events", tags=["jobs"])
OPEN, RESET = "open", "reset"


@router.get("", response_class=StreamingResponse, responses={200: EVENTS, **refusals(400, 401, 500, 503)})
async def events(
    caller: CallerOf,
    service: ServiceOf,
    desk: DeskOf,
    previews: Annotated[bool, Query()] = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Send what changes of your jobs and your gallery; a stream that broke goes on after ``Last-Event-ID``."""
    begin = await desk.see(lambda queue: queue.last_change())
    after = begin if not last_event_id else _place(last_event_id)

    async def told() -> AsyncIterator[bytes]:
        yield sse.event(OPEN, {}, str(after))
        place = after
        while not service.is_draining:
            async for change in desk.changes(place, caller.owner, with_previews=previews):
                if change is None:
                    place = await desk.see(lambda queue: queue.last_change())
                    yield sse.event(RESET, {}, str(place))
                else:
                    yield _event(change)

    return sse.stream(told(), service.config.keep_alive_s)


def _place(last_event_id: str) -> Place:
    try:
        return Place.parse(last_event_id)
    except InputError as error:
        raise FieldError(str(error), param="Last-Event-ID") from None


def _event(change: Change) -> bytes:
    job = {} if change.job is None else {"job": change.job}
    return sse.event(change.name, {**job, "owner": change.owner, "at": change.at, **change.body}, str(change.place))
