"""``/v1/batches``: many requests in one file, as durable jobs that go behind what somebody waits for."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError, StateConflict
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord, Status
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, KeeperOf, ServiceOf

router = APIRouter(prefix="/v1/batches", tags=["OpenAI"])
WINDOW_S = 86400
Endpoint = Literal["/v1/images/generations", "/v1/images/edits"]


class BatchRequest(Config):
    """What a batch is begun with.

    Args:
        input_file_id: A file with the purpose ``batch``.
        endpoint: What every line is meant for.
        completion_window: ``24h``.
        metadata: Up to 16 notes of your own.
    """

    model_config = ConfigDict(strict=True)

    input_file_id: str = Field(max_length=200)
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(default=None, max_length=16)


class BatchErrors(BaseModel):
    """What was wrong with lines."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]


class Counts(BaseModel):
    """How many lines there are, and what became of them."""

    total: int
    completed: int
    failed: int


class BatchView(BaseModel):
    """A batch as OpenAI's clients read it."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    errors: BatchErrors | None
    input_file_id: str
    completion_window: Literal["24h"] = "24h"
    status: Status
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: Counts
    metadata: dict[str, str] | None


class BatchList(BaseModel):
    """Some batches, the latest first."""

    object: Literal["list"] = "list"
    data: list[BatchView]
    first_id: str | None
    last_id: str | None
    has_more: bool


STATES = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


async def _view(keeper: BatchKeeper, batch: BatchRecord) -> BatchView:
    counts = await asyncio.to_thread(keeper.records.counts, batch.id)
    return BatchView(
        id=batch.id,
        endpoint=batch.endpoint,
        errors=None if batch.errors is None else BatchErrors(data=batch.errors),
        input_file_id=batch.input_file_id,
        status=batch.status,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        created_at=batch.created_at,
        expires_at=batch.expires_at,
        request_counts=Counts(**counts),
        metadata=batch.metadata,
        **{f"{state}_at": batch.times.get(state) for state in STATES},  # pyright: ignore[reportArgumentType]
    )


@router.post(
    "", response_model=BatchView, responses=refusals(400, 401, 404, 413, 415, 500, 503), dependencies=[JSON_ONLY]
)
async def create(
    body: Annotated[BatchRequest, Body()], request: Request, caller: CallerOf, _service: ServiceOf, keeper: KeeperOf
) -> BatchView:
    """Begin a batch; its lines are checked first, and none is drawn if one cannot be."""
    file = await asyncio.to_thread(keeper.records.file, body.input_file_id, caller.owner)
    if file.purpose != "batch":
        raise FieldError(f"{file.id} has the purpose {file.purpose}; upload it with batch", param="input_file_id")
    now = int(time.time())
    batch, _ = await asyncio.to_thread(
        keeper.records.add_batch,
        owner=caller.key_id,
        input_file_id=file.id,
        endpoint=body.endpoint,
        metadata=body.metadata,
        base=str(request.base_url),
        created_at=now,
        expires_at=now + WINDOW_S,
    )
    keeper.desk.bell.ring()
    return await _view(keeper, batch)


@router.get("", response_model=BatchList, responses=refusals(400, 401, 500, 503))
async def batches(
    caller: CallerOf,
    keeper: KeeperOf,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchList:
    """List batches, the latest first."""
    before = None
    if after is not None:
        try:
            before = (await asyncio.to_thread(keeper.records.batch, after, caller.owner)).seq
        except FieldError as error:
            raise FieldError(str(error), param="after") from None
    found = await asyncio.to_thread(keeper.records.batches, caller.owner, before, limit + 1)
    views = [await _view(keeper, batch) for batch in found[:limit]]
    ids = [view.id for view in views]
    return BatchList(
        data=views,
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=len(found) > limit,
    )


@router.get("/{batch_id}", response_model=BatchView, responses=refusals(401, 404, 500, 503))
async def one_batch(batch_id: str, caller: CallerOf, keeper: KeeperOf) -> BatchView:
    """Return a batch as it is now."""
    return await _view(keeper, await asyncio.to_thread(keeper.records.batch, batch_id, caller.owner))


@router.post("/{batch_id}/cancel", response_model=BatchView, responses=refusals(401, 404, 409, 500, 503))
async def cancel(batch_id: str, caller: CallerOf, keeper: KeeperOf) -> BatchView:
    """Draw no more of a batch; what is finished is kept."""
    batch = await asyncio.to_thread(keeper.records.batch, batch_id, caller.owner)
    return await _view(keeper, await stopped(keeper, batch))


async def stopped(keeper: BatchKeeper, batch: BatchRecord) -> BatchRecord:
    """Begin to cancel a batch and return it.

    Raises:
        StateConflict: It is over.
    """
    if batch.status in ("cancelling", "cancelled"):
        return batch
    if batch.status not in ("validating", "in_progress"):
        raise StateConflict(
            f"{batch.id} is {batch.status}; only one that is validating or in progress can be cancelled"
        )
    moved = await asyncio.to_thread(keeper.records.move_batch, batch, "cancelling")
    keeper.desk.bell.ring()
    return moved
