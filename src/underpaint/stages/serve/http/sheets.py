"""``/api/v1/sheets``: one subject in many moods, drawn as durable jobs and followed under one name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import SHEETS
from underpaint.stages.serve.batches.records import BatchRecord
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey
from underpaint.stages.serve.http.named_batches import NamedBatches, Wanted, rows_of
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.sheet_schema import Sheets, SheetView, sheet_view
from underpaint.stages.serve.http.state import JSON_ONLY, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.sheets.handing_in import hand_in
from underpaint.stages.serve.sheets.plan import MOST_MOODS
from underpaint.stages.serve.sheets.request import SheetRequest, plan_of

router = APIRouter(prefix="/api/v1/sheets", tags=["sheets"])
CREATION: dict[int | str, dict[str, Any]] = {
    200: {"model": SheetView, "description": "The sheet is known by its key"},
    **refusals(400, 401, 404, 409, 413, 415, 429, 500, 503),
}


async def _view(keeper: BatchKeeper, batch: BatchRecord) -> SheetView:
    lines, _ = await rows_of(keeper, batch, MOST_MOODS + 1)
    return sheet_view(batch, {line.line: (line, await keeper.job(line)) for line in lines})


SHEETED = NamedBatches(kind=SHEETS, view=_view)


@router.post("", status_code=202, response_model=SheetView, responses=CREATION, dependencies=[JSON_ONLY])
async def submit(
    body: Annotated[SheetRequest, Body()],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    keeper: KeeperOf,
    gatekeeper: GatekeeperOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draw a subject, and then the same in many moods; it goes on whatever happens to the server."""
    base, owner = str(request.base_url), caller.key_id

    async def wanted(sheet_id: str) -> Wanted:
        plan = await asyncio.to_thread(plan_of, body, service, sheet_id, lambda one: service.wish(one, owner))
        number = len(plan.pictures)
        cost_s = number * service.dispatcher.cost_s(service.catalog.find(plan.model).name)

        def keep(name: str) -> tuple[BatchRecord, bool]:
            return hand_in(plan, keeper, owner, base, sheet_id=name, digest=body.digest())

        return Wanted(num_pictures=number, cost_s=cost_s, keep=keep)

    return await SHEETED.hand_in(idempotency_key, body.digest(), wanted, caller, keeper, gatekeeper)


@router.get("", response_model=Sheets, responses=refusals(400, 401, 500, 503))
async def sheets(
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Sheets:
    """Show sheets, the latest first."""
    data, has_more = await SHEETED.page(caller, keeper, after, limit)
    return Sheets(data=data, has_more=has_more)


@router.get("/{sheet_id}", response_model=SheetView, responses=refusals(401, 404, 500, 503))
async def one_sheet(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Return a sheet as it is now."""
    return await SHEETED.one(sheet_id, caller, keeper)


@router.post("/{sheet_id}/cancel", response_model=SheetView, responses=refusals(401, 404, 409, 500, 503))
async def cancel(sheet_id: str, caller: CallerOf, keeper: KeeperOf) -> SheetView:
    """Draw no more of a sheet; what is finished stays in the gallery."""
    return await SHEETED.cancel(sheet_id, caller, keeper)
