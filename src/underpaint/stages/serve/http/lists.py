"""``/api/v1/batch-list``: a pasted list or a table of what to draw, checked as a whole and followed under one name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from underpaint.core.errors import UnderpaintError
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import LISTS
from underpaint.stages.serve.batches.records import OPEN, BatchRecord, LineRecord
from underpaint.stages.serve.gallery.archive import zipped
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.gallery.sheet import sheet_of
from underpaint.stages.serve.http import sse
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey
from underpaint.stages.serve.http.errors import ApiError, api_error
from underpaint.stages.serve.http.gallery import ARCHIVES, check_cells, saved_as
from underpaint.stages.serve.http.jobs import shown
from underpaint.stages.serve.http.list_schema import (
    ListArchive,
    ListCheck,
    ListRequest,
    Lists,
    ListView,
    Rows,
    RowView,
    check_view,
    list_view,
)
from underpaint.stages.serve.http.logs import log_defect
from underpaint.stages.serve.http.named_batches import NamedBatches, Wanted, rows_of
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import JSON_ONLY, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.lists.checking import CheckedList, checked
from underpaint.stages.serve.lists.handing_in import digests_of, hand_in
from underpaint.stages.serve.lists.looking import Lately, Looking

router = APIRouter(prefix="/api/v1/batch-list", tags=["lists"])
PACE_S = 0.2
"""How often it is told how far a list is looked through."""
CHECK: dict[int | str, dict[str, Any]] = {
    200: {**EVENTS, "description": "What was found; with progress, events"},
    **refusals(400, 401, 413, 415, 500, 503),
}
CREATION: dict[int | str, dict[str, Any]] = {
    200: {"model": ListView, "description": "The list is known by its key"},
    **refusals(400, 401, 409, 413, 415, 429, 500, 503),
}


async def _view(keeper: BatchKeeper, batch: BatchRecord) -> ListView:
    return list_view(batch, await asyncio.to_thread(keeper.records.counts, batch.id))


LISTED = NamedBatches(kind=LISTS, view=_view)


async def _lately(request: Request) -> Lately:
    return request.app.state.lately


async def _checked(body: ListRequest, caller: CallerOf, service: ServiceOf, looking: Looking) -> CheckedList:
    common = body.common.model_dump(exclude_none=True)
    return await asyncio.to_thread(checked, body.text, common, service, caller.key_id, looking.tell)


@router.post("/check", response_model=ListCheck, responses=CHECK, dependencies=[JSON_ONLY])
async def check(
    body: Annotated[ListRequest, Body()],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    lately: Annotated[Lately, Depends(_lately)],
    progress: Annotated[bool, Query()] = False,
) -> Response:
    """Look through a list without drawing it: how much it is, every mistake with its line, how its words are read.

    With `progress=true` as events: `progress` with the rows so far, then `checked`, or `error`.
    """
    looking = Looking()

    async def found() -> dict[str, Any]:
        made = await _checked(body, caller, service, looking)
        lately.keep(caller.key_id, body.nameless(), made)
        return check_view(made).model_dump(mode="json")

    if not progress:
        return JSONResponse(await found())
    of = body.text.count("\n") + 1
    return sse.stream(
        _told(found(), looking, of, request.scope.get("state", {}).get("request_id")), service.config.keep_alive_s
    )


async def _told(
    found: Coroutine[Any, Any, dict[str, Any]], looking: Looking, of: int, request_id: str | None = None
) -> AsyncIterator[bytes]:
    """Yield how far a list is looked through, and what was found; whoever stops listening stops the work."""
    task = asyncio.ensure_future(found)
    try:
        while not task.done():
            yield sse.event("progress", {"rows": looking.rows, "of": of})
            await asyncio.wait({task}, timeout=PACE_S)
        yield sse.event("checked", task.result())
    except asyncio.CancelledError:
        raise
    except Exception as error:
        if not isinstance(error, UnderpaintError):
            log_defect(error, request_id)
        yield sse.event("error", api_error(error).body)
    finally:
        looking.is_unwanted = True
        await asyncio.gather(task, return_exceptions=True)


@router.post("", status_code=202, response_model=ListView, responses=CREATION, dependencies=[JSON_ONLY])
async def submit(
    body: Annotated[ListRequest, Body()],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    keeper: KeeperOf,
    gatekeeper: GatekeeperOf,
    lately: Annotated[Lately, Depends(_lately)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hand in a list; one with mistakes is refused as a whole, and the message tells them with their lines."""
    base = str(request.base_url)

    async def wanted(_list_id: str) -> Wanted:
        found = lately.take(caller.key_id, body.nameless()) or await _checked(body, caller, service, Looking())
        found.refuse()

        def keep(name: str) -> tuple[BatchRecord, bool]:
            return hand_in(found, body.name, keeper, caller.key_id, base, list_id=name, digest=body.digest())

        return Wanted(num_pictures=found.num_pictures, cost_s=found.cost_s, keep=keep)

    return await LISTED.hand_in(idempotency_key, body.digest(), wanted, caller, keeper, gatekeeper)


@router.get("", response_model=Lists, responses=refusals(400, 401, 500, 503))
async def lists(
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Lists:
    """Show lists, the latest first."""
    data, has_more = await LISTED.page(caller, keeper, after, limit)
    return Lists(data=data, has_more=has_more)


@router.get("/{list_id}", response_model=ListView, responses=refusals(401, 404, 500, 503))
async def one_list(list_id: str, caller: CallerOf, keeper: KeeperOf) -> ListView:
    """Return a list as it is now."""
    return await LISTED.one(list_id, caller, keeper)


@router.get("/{list_id}/rows", response_model=Rows, responses=refusals(400, 401, 404, 500, 503))
async def rows(
    list_id: str,
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Rows:
    """Show the rows of a list with their jobs, in their order."""
    found, following = await rows_of(keeper, await LISTED.record(list_id, caller, keeper), limit, after)
    data = [await _row(keeper, line) for line in found]
    return Rows(data=data, has_more=following is not None, next=following)


@router.post("/{list_id}/cancel", response_model=ListView, responses=refusals(401, 404, 409, 500, 503))
async def cancel(list_id: str, caller: CallerOf, keeper: KeeperOf) -> ListView:
    """Draw no more of a list; what is finished stays in the gallery."""
    return await LISTED.cancel(list_id, caller, keeper)


@router.post(
    "/{list_id}/archive",
    response_class=StreamingResponse,
    responses={**ARCHIVES, **refusals(409)},
    dependencies=[JSON_ONLY],
)
async def archive(
    list_id: str, body: Annotated[ListArchive, Body()], caller: CallerOf, service: ServiceOf, keeper: KeeperOf
) -> Response:
    """Send the pictures of a list that are finished in one file."""
    batch = await LISTED.record(list_id, caller, keeper)
    digests = await asyncio.to_thread(digests_of, keeper, batch)
    if not digests:
        later = "ask again later" if batch.status in OPEN else "hand it in again"
        raise ApiError(409, "state_conflict", f"no picture of this list is finished, and it is {batch.status}; {later}")
    gallery = keeper.desk.gallery
    missing = await keeper.desk.browse(lambda gallery: gallery.missing(digests, caller.owner))
    if len(missing) == len(set(digests)):
        raise ApiError(404, "image_not_found", "none of the pictures of this list is in the gallery any more")

    def pictures() -> Iterator[GalleryPicture]:
        return gallery.some(digests, caller.owner, batch.owner)

    name = batch.id.replace("batch_", "underpaint-list-")
    if body.form == "sheet":
        check_cells(len(set(digests)))
        data = await asyncio.to_thread(lambda: sheet_of(list(pictures()), service.store))
        return Response(data, media_type="image/png", headers=saved_as(f"{name}.png"))
    parts = zipped(pictures, missing, service.store)
    return StreamingResponse(parts, media_type="application/zip", headers=saved_as(f"{name}.zip"))


async def _row(keeper: BatchKeeper, line: LineRecord) -> RowView:
    job = await keeper.job(line)
    view = None if job is None else await shown(keeper.desk, job)
    number = int(line.custom_id.removeprefix("line "))
    return RowView(row=line.line, line=number, outcome=line.outcome, job=view)
