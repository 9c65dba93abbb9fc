"""``/api/v1/sheets``: one subject in many moods, drawn as durable jobs and followed under one name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse

from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.edit_planning import check_served
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import SHEETS
from underpaint.stages.serve.batches.records import BatchRecord
from underpaint.stages.serve.gallery.gallery import USUAL_BYTES
from underpaint.stages.serve.http.batches import stopped
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.sheet_schema import MOST_MOODS, SheetRequest, Sheets, SheetView, sheet_view
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.handing_in import hand_in, seed_of
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
    owner, digest = caller.key_id, body.digest()
    sheet_id = SHEETS.id_of(owner, idempotency_key)
    found = await asyncio.to_thread(SHEETS.known, keeper.records, sheet_id, digest) if idempotency_key else None
    if found is not None:
        return JSONResponse((await _view(keeper, found)).model_dump(mode="json"))
    plan = await asyncio.to_thread(_planned, body, service, owner, sheet_id)
    number = len(plan.pictures)
    await desk.check_room(number * service.dispatcher.cost_s(service.catalog.find(plan.model).name))
    await desk.browse(lambda gallery: gallery.check_room(owner, number * USUAL_BYTES))

    def kept() -> tuple[BatchRecord, bool]:
        base = str(request.base_url)
        with gatekeeper.charged(owner, number, at_once=False, name=sheet_id):
            return hand_in(plan, keeper, owner, base, sheet_id=sheet_id, digest=digest)

    batch, is_new = await asyncio.to_thread(kept)
    view = await _view(keeper, SHEETS.the_same(batch, digest))
    desk.bell.ring()
    return JSONResponse(view.model_dump(mode="json"), status_code=202 if is_new else 200)


@router.get("", response_model=Sheets, responses=refusals(400, 401, 500, 503))
async def sheets(
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Sheets:
    """Show sheets, the latest first."""
    found, has_more = await asyncio.to_thread(SHEETS.page, keeper.records, caller.owner, after, limit)
    return Sheets(data=[await _view(keeper, batch) for batch in found], has_more=has_more)


@router.get("/{sheet_id}", response_model=SheetView, responses=refusals(401, 404, 500, 503))
async def one_sheet(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Return a sheet as it is now."""
    return await _view(keeper, await asyncio.to_thread(SHEETS.one, keeper.records, sheet_id, caller.owner))


@router.post("/{sheet_id}/cancel", response_model=SheetView, responses=refusals(401, 404, 409, 500, 503))
async def cancel(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Draw no more of a sheet; what is finished stays in the gallery."""
    batch = await asyncio.to_thread(SHEETS.one, keeper.records, sheet_id, caller.owner)
    return await _view(keeper, await stopped(keeper, batch))


async def _view(keeper: BatchKeeper, batch: BatchRecord) -> SheetView:
    lines = await asyncio.to_thread(lambda: keeper.records.lines(batch.id, limit=MOST_MOODS + 1))
    return sheet_view(batch, {line.line: (line, await keeper.job(line)) for line in lines})
