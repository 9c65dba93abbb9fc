"""Batches for the gallery over HTTP: handed in once under a key, found under their name, shown by pages, canceled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import Kind
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord
from underpaint.stages.serve.gallery.gallery import USUAL_BYTES
from underpaint.stages.serve.http.batches import stopped
from underpaint.stages.serve.http.callers import Caller
from underpaint.stages.serve.security.gatekeeper import Gatekeeper

View = TypeVar("View", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What shall be drawn.

    Args:
        num_pictures: How many pictures it means.
        cost_s: Device-seconds that they will probably take.
        keep: Keeps it under an id; returns it, or what was kept under that id meanwhile, and whether it is new.
    """

    num_pictures: int
    cost_s: float
    keep: Callable[[str], tuple[BatchRecord, bool]]


@dataclass(frozen=True, kw_only=True)
class NamedBatches(Generic[View]):
    """Batches of a kind as callers see them.

    Args:
        kind: The kind.
        view: Shows one.
    """

    kind: Kind
    view: Callable[[BatchKeeper, BatchRecord], Awaitable[View]]

    async def hand_in(
        self,
        key: str | None,
        digest: str,
        wanted: Callable[[str], Awaitable[Wanted]],
        caller: Caller,
        keeper: BatchKeeper,
        gatekeeper: Gatekeeper,
    ) -> Response:
        """Keep what shall be drawn, once under an idempotency key, and show it.

        Args:
            key: The idempotency key; None for none.
            digest: What requests with the same key must share.
            wanted: Looks through what is asked for under an id; it is not called for what is known by its key.
            caller: Who asks.
            keeper: Looks after it.
            gatekeeper: Says how much callers may ask for.

        Raises:
            FieldError: It cannot be drawn.
            IdempotencyConflict: The key was used for something else.
            RateLimited: The caller may not ask for so many pictures now.
            QueueFull: Too much waits already.
            GalleryFull: The owner's gallery has no room for the pictures.
        """
        name, desk, owner = self.kind.id_of(caller.key_id, key), keeper.desk, caller.key_id
        known = await asyncio.to_thread(self.kind.known, keeper.records, name, digest) if key else None
        if known is not None:
            return self._answer(await self.view(keeper, known), 200)
        asked = await wanted(name)
        await desk.check_room(asked.cost_s)
        await desk.browse(lambda gallery: gallery.check_room(owner, asked.num_pictures * USUAL_BYTES))

        def kept() -> tuple[BatchRecord, bool]:
            with gatekeeper.charged(owner, asked.num_pictures, at_once=False, name=name):
                return asked.keep(name)

        batch, is_new = await asyncio.to_thread(kept)
        shown = await self.view(keeper, self.kind.the_same(batch, digest))
        desk.bell.ring()
        return self._answer(shown, 202 if is_new else 200)

    @staticmethod
    def _answer(shown: BaseModel, status: int) -> Response:
        return JSONResponse(shown.model_dump(mode="json"), status_code=status)

    async def record(self, name: str, caller: Caller, keeper: BatchKeeper) -> BatchRecord:
        """Return one.

        Raises:
            FieldError: There is none, or it is another owner's.
        """
        return await asyncio.to_thread(self.kind.one, keeper.records, name, caller.owner)

    async def one(self, name: str, caller: Caller, keeper: BatchKeeper) -> View:
        """Show one as it is now.

        Raises:
            FieldError: There is none, or it is another owner's.
        """
        return await self.view(keeper, await self.record(name, caller, keeper))

    async def page(self, caller: Caller, keeper: BatchKeeper, after: str | None, limit: int) -> tuple[list[View], bool]:
        """Show some, the latest first, and whether there are more.

        Args:
            caller: Who asks.
            keeper: Looks after them.
            after: The id of the last one that was seen; None for the first page.
            limit: Most on a page.

        Raises:
            FieldError: There is nothing under ``after``.
        """
        found, has_more = await asyncio.to_thread(self.kind.page, keeper.records, caller.owner, after, limit)
        return [await self.view(keeper, batch) for batch in found], has_more

    async def cancel(self, name: str, caller: Caller, keeper: BatchKeeper) -> View:
        """Draw no more of one and show it.

        Raises:
            FieldError: There is none, or it is another owner's.
            StateConflict: It is over.
        """
        return await self.view(keeper, await stopped(keeper, await self.record(name, caller, keeper)))


async def rows_of(
    keeper: BatchKeeper, batch: BatchRecord, limit: int, after: int = 0
) -> tuple[list[LineRecord], int | None]:
    """Return some rows that became jobs, and the ``after`` of the next page; None if there is none.

    Args:
        keeper: Looks after them.
        batch: What they belong to.
        limit: Most on a page.
        after: The row before the first.
    """
    found = await asyncio.to_thread(lambda: keeper.records.lines(batch.id, after=after, limit=limit + 1))
    return found[:limit], found[limit - 1].line if len(found) > limit else None
