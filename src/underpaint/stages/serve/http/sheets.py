"""``/api/v1/sheets``: one subject in many moods, drawn as durable jobs and followed under one name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse

from underpaint.core.errors import FieldError, JobNotFound
from underpaint.stages.serve.asking.edit_planning import check_served
from underpaint.stages.serve.batches.input_file import SHEET
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord
from underpaint.stages.serve.gallery.gallery import USUAL_BYTES
from underpaint.stages.serve.http.batches import stopped
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.sheet_schema import MOST_MOODS, SheetRequest, Sheets, SheetView, sheet_view
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.queue.job import Job
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.handing_in import hand_in, id_of, known, seed_of, sheet_of, the_same
from underpaint.stages.serve.sheets.plan import SheetPlan, pictures_of

router = APIRouter(prefix="/api/v1/sheets", tags=["sheets"])
CREATION: dict[int | str, dict[str, Any]] = {
    200: {"model": SheetView, "description": "The sheet is known by its key"},
    **refusals(400, 401, 409, 413, 415, 429, 500, 503),
}


def _planned(body: SheetRequest, service: Service, owner: str, sheet_id: str) -> SheetPlan:
    """Return what is drawn.

    Raises:
        FieldError: A field cannot be used, the model cannot edit, or a prompt must not be drawn.
    """
    served = service.catalog.find(body.model)
    check_served(served)
    plan = SheetPlan(
        subject=body.subject.strip(),
        pictures=pictures_of(body.subject, body.moods),
        model=served.release,
        style=body.style,
        seed=seed_of(sheet_id) if body.seed is None else body.seed,
        guidance=body.guidance,
        same=body.same,
    )
    for request in plan.each_alone():
        try:
            service.wish(request, owner)
        except FieldError as error:
            param = "subject" if error.param == "prompt" else error.param
            raise FieldError(str(error), param=param, code=error.code) from None
    return plan


@router.post("", status_code=202, response_model=SheetView, responses=CREATION, dependencies=[JSON_ONLY])
async def submit(
    body: Annotated[SheetRequest, Body()],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    desk: DeskOf,
    keeper: KeeperOf,
    gatekeeper: GatekeeperOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draw a subject, and then the same in many moods; it goes on whatever happens to the server."""
    owner = caller.key_id
    sheet_id = id_of(owner, idempotency_key)
    plan = await asyncio.to_thread(_planned, body, service, owner, sheet_id)
    found = await asyncio.to_thread(known, keeper, sheet_id, plan)
    if found is not None:
        return JSONResponse((await _view(keeper, found)).model_dump(mode="json"))
    number = len(plan.pictures)
    await desk.check_room(number * service.dispatcher.cost_s(service.catalog.find(plan.model).name))
    await desk.browse(lambda gallery: gallery.check_room(owner, number * USUAL_BYTES))

    def kept() -> BatchRecord:
        with gatekeeper.charged(owner, number, at_once=False, name=sheet_id):
            return the_same(hand_in(plan, keeper, owner, str(request.base_url), sheet_id), plan)

    view = await _view(keeper, await asyncio.to_thread(kept))
    desk.bell.ring()
    return JSONResponse(view.model_dump(mode="json"), status_code=202)


@router.get("", response_model=Sheets, responses=refusals(400, 401, 500, 503))
async def sheets(
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Sheets:
    """Show sheets, the latest first."""
    before = None
    if after is not None:
        try:
            before = (await asyncio.to_thread(sheet_of, keeper, after, caller.owner)).seq
        except FieldError as error:
            raise FieldError(str(error), param="after") from None
    found = await asyncio.to_thread(lambda: keeper.records.batches(caller.owner, before, limit + 1, SHEET))
    return Sheets(data=[await _view(keeper, batch) for batch in found[:limit]], has_more=len(found) > limit)


@router.get("/{sheet_id}", response_model=SheetView, responses=refusals(401, 404, 500, 503))
async def one_sheet(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Return a sheet as it is now."""
    return await _view(keeper, await asyncio.to_thread(sheet_of, keeper, sheet_id, caller.owner))


@router.post("/{sheet_id}/cancel", response_model=SheetView, responses=refusals(401, 404, 409, 500, 503))
async def cancel(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Draw no more of a sheet; what is finished stays in the gallery."""
    batch = await asyncio.to_thread(sheet_of, keeper, sheet_id, caller.owner)
    return await _view(keeper, await stopped(keeper, batch))


async def _view(keeper: BatchKeeper, batch: BatchRecord) -> SheetView:
    lines = await asyncio.to_thread(lambda: keeper.records.lines(batch.id, limit=MOST_MOODS + 1))
    jobs = await keeper.desk.see(lambda queue: [_kept(queue, line) for line in lines])
    named = {line.line: (line.job, job) for line, job in zip(lines, jobs, strict=True)}
    return sheet_view(batch, named)


def _kept(queue: JobQueue, line: LineRecord) -> Job | None:
    try:
        return queue.get(line.job)
    except JobNotFound:
        return None
