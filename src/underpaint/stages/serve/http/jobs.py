"""``/api/v1/jobs``: durable jobs, handed in, looked at, and changed while they wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ConfigDict, Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError, JobNotFound
from underpaint.stages.serve.asking.edit_request import JobFields, only_of_edits
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.given_pictures import files_of
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.http import sse
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey, check_room, handed_in
from underpaint.stages.serve.http.edits import looked_at
from underpaint.stages.serve.http.job_schema import JobList, JobView, job_view
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, GatekeeperOf, KeeperOf, RunnerOf, ServiceOf
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Job, State
from underpaint.stages.serve.service import Service

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])
CHANGES = refusals(400, 401, 404, 409, 415, 500, 503)
Limit = Annotated[int, Query(ge=1, le=100)]


class JobRequest(Config):
    """What is handed in.

    Args:
        kind: ``generation``, or ``edit``.
        request: What to draw, as for ``/v1/images/generations`` or, in JSON, ``/v1/images/edits``, without what belongs
            to an answer.
        priority: Among your own jobs, the highest goes first.
        deadline_ms: Milliseconds after which nobody needs it.
    """

    model_config = ConfigDict(strict=True)

    kind: Literal["generation", "edit"] = "generation"
    request: JobFields
    priority: int | None = Field(default=0, ge=-10, le=10)
    deadline_ms: int | None = Field(default=None, ge=1, le=30 * 86_400_000)

    @classmethod
    def besides(cls, body: Any, problems: Sequence[Mapping[str, Any]], service: Service) -> list[str]:
        """Return what else is wrong with a body whose form is wrong.

        Args:
            body: As it came.
            problems: What pydantic found; each place begins in the body.
            service: What knows the models.
        """
        request = body.get("request") if isinstance(body, Mapping) else None
        if not isinstance(request, Mapping) or any(problem["loc"][:1] == ("kind",) for problem in problems):
            return []
        within = [{**problem, "loc": problem["loc"][1:]} for problem in problems if problem["loc"][:1] == ("request",)]
        if body.get("kind") != "edit":
            return [*map(str, only_of_edits(request)), *service.rest_mistakes(request, within)]
        found = FieldMistakes()
        found.take(service.check_rest_of_edit, request, within, request.get("mask") is not None, otherwise=None)
        return found.messages()


class Move(Config):
    """Where a job shall go: one of the two.

    Args:
        to: An end of your line.
        before: A job of the same line.
    """

    model_config = ConfigDict(strict=True)

    to: Literal["front", "back"] | None = None
    before: str | None = Field(default=None, max_length=200)


async def shown(desk: JobDesk, job: Job) -> JobView:
    """Return a job as callers see it, with its place in the line."""
    position, eta_s = await desk.eta_s(job)
    return job_view(job, position=position, eta_s=eta_s)


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    responses={200: {"model": JobView, "description": "The job is known by its key"}, **CHANGES, **refusals(413, 429)},
    dependencies=[JSON_ONLY],
)
async def submit(
    body: Annotated[JobRequest, Body()],
    caller: CallerOf,
    _service: ServiceOf,
    desk: DeskOf,
    gatekeeper: GatekeeperOf,
    keeper: KeeperOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hand in a job; it is kept, whatever happens to the server."""
    request, given = await asyncio.to_thread(_asked, body, caller, desk, keeper)
    submission = await asyncio.to_thread(
        desk.submission,
        request,
        owner=caller.key_id,
        given=given,
        priority=body.priority or 0,
        deadline_s=None if body.deadline_ms is None else body.deadline_ms / 1000,
        idem_key=idempotency_key,
        in_gallery=desk.gallery.is_on,
    )
    job, is_new = await handed_in(submission, body.request.n or 1, desk, gatekeeper)
    view = await shown(desk, job)
    return JSONResponse(view.model_dump(mode="json"), status_code=202 if is_new else 200)


def _asked(
    body: JobRequest, caller: Caller, desk: JobDesk, keeper: BatchKeeper
) -> tuple[GenerationRequest, EditInput | None]:
    """Return what a job is asked for; its picture is decoded.

    Raises:
        FieldError: Something cannot be used; the message says all that cannot.
    """
    found, service = FieldMistakes(), desk.service
    if body.kind == "generation":
        for wrong in only_of_edits(body.request.model_dump()):
            found.add(wrong)
        request = body.request.generation()
        if len(found):
            found.take(service.wish, request, caller.key_id, otherwise=None)
        found.tell()
        return request, None
    fields, where = body.request.edit(), (caller.owner, keeper.records, desk.kept_file)
    has_mask = body.request.mask is not None

    def files() -> tuple[list[bytes], bytes | None]:
        return files_of(*body.request.named(), *where)

    return fields, looked_at(fields, files, has_mask, service, caller.key_id, found)


@router.get("", response_model=JobList, responses=refusals(400, 401, 500, 503))
async def jobs(
    caller: CallerOf,
    desk: DeskOf,
    state: Annotated[State | None, Query()] = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 20,
) -> JobList:
    """List jobs in the order in which they were handed in."""
    seq = 0
    if after is not None:
        try:
            seq = (await desk.see(lambda queue: queue.get(after, caller.owner))).seq
        except JobNotFound as error:
            raise FieldError(str(error), param="after") from None
    states = () if state is None else (state,)
    found = await desk.see(lambda queue: queue.jobs(caller.owner, states, seq, limit + 1))
    return JobList(data=[await shown(desk, job) for job in found[:limit]], has_more=len(found) > limit)


@router.get("/{job}", response_model=JobView, responses=refusals(401, 404, 500, 503))
async def one_job(job: str, caller: CallerOf, desk: DeskOf) -> JobView:
    """Return a job as it is now."""
    return await shown(desk, await desk.see(lambda queue: queue.get(job, caller.owner)))


@router.get(
    "/{job}/events",
    response_class=StreamingResponse,
    responses={200: EVENTS, **refusals(400, 401, 404, 500, 503)},
)
async def events(
    job: str,
    caller: CallerOf,
    desk: DeskOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Send what happened and happens to a job; a stream that broke goes on after ``Last-Event-ID``."""
    after = _number(last_event_id)
    await desk.see(lambda queue: queue.get(job, caller.owner))

    async def told() -> AsyncIterator[bytes]:
        async for event in desk.follow(job, after):
            yield sse.event(event.name, {"at": event.at, **event.body}, event.seq)

    return sse.stream(told(), desk.service.config.keep_alive_s)


def _number(last_event_id: str | None) -> int:
    text = last_event_id or "0"
    if not text.isdecimal() or not text.isascii() or len(text) > 15:
        raise FieldError("Last-Event-ID is the number of an event", param="Last-Event-ID")
    return int(text)


async def _changed(desk: JobDesk, caller: Caller, change: Any) -> JobView:
    return await shown(desk, await desk.do(lambda queue: change(queue, caller.owner)))


@router.post("/{job}/cancel", response_model=JobView, responses=CHANGES)
async def cancel(job: str, caller: CallerOf, desk: DeskOf, runner: RunnerOf) -> JobView:
    """Cancel a job that is not over."""
    view = await _changed(desk, caller, lambda queue, owner: queue.cancel(job, owner))
    runner.interrupt(job)
    return view


@router.post("/{job}/hold", response_model=JobView, responses=CHANGES)
async def hold(job: str, caller: CallerOf, desk: DeskOf) -> JobView:
    """Keep a job that waits from being started."""
    return await _changed(desk, caller, lambda queue, owner: queue.hold(job, owner))


@router.post("/{job}/unhold", response_model=JobView, responses=CHANGES)
async def unhold(job: str, caller: CallerOf, desk: DeskOf) -> JobView:
    """Let a job that is held go on, from its old place."""
    return await _changed(desk, caller, lambda queue, owner: queue.unhold(job, owner))


@router.post("/{job}/retry", status_code=202, response_model=JobView, responses={**CHANGES, **refusals(429)})
async def retry(job: str, caller: CallerOf, _service: ServiceOf, desk: DeskOf, gatekeeper: GatekeeperOf) -> JobView:
    """Make a new job of one that did not succeed; it needs room and counts as any other."""
    old = await desk.see(lambda queue: queue.get(job, caller.owner))
    pictures = old.request.get("n") or 1
    with gatekeeper.charged(old.owner, pictures):
        await check_room(desk, old.owner, old.cost_s, pictures if old.in_gallery else 0)
        return await _changed(desk, caller, lambda queue, owner: queue.retry(job, owner))


@router.post("/{job}/move", response_model=JobView, responses=CHANGES, dependencies=[JSON_ONLY])
async def move(job: str, body: Annotated[Move, Body()], caller: CallerOf, desk: DeskOf) -> JobView:
    """Move a job that waits within your line."""

    def change(queue: Any, owner: str | None) -> Job:
        return queue.move(job, to=body.to, before=body.before, owner=owner)

    return await _changed(desk, caller, change)
