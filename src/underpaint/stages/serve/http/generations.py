"""``POST /v1/images/generations``: pictures from words, at once or as events while they are drawn."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response

from underpaint.core.errors import DeadlineExceeded, FieldError
from underpaint.stages.serve.answering.images import (
    background_of,
    encoded,
    images_response,
    made,
    quality_of,
    signed_address,
    usage_of,
)
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.planning import Wish, owner_of
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.dispatch.ticket import Ticket, unseen
from underpaint.stages.serve.engine.orders import Picture, Preview
from underpaint.stages.serve.http import sse
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey, drawn_once
from underpaint.stages.serve.http.errors import api_error
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, GatekeeperOf, ServiceOf
from underpaint.stages.serve.http.tracing import remember
from underpaint.stages.serve.security.gatekeeper import Gatekeeper
from underpaint.stages.serve.service import Service

router = APIRouter()
PATH = "/v1/images/generations"


@router.post(
    PATH,
    response_model=ImagesResponse,
    responses={200: EVENTS, **refusals(400, 401, 403, 404, 409, 413, 415, 429, 500, 503, 504)},
    tags=["OpenAI"],
    dependencies=[JSON_ONLY],
)
async def generate(
    body: Annotated[GenerationRequest, Body()],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    desk: DeskOf,
    gatekeeper: GatekeeperOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draw pictures; with an `Idempotency-Key` as a durable job, so that the same request is drawn once."""
    check_stream(body)
    if idempotency_key is not None:
        return await drawn_once(body, request, caller, desk, gatekeeper, idempotency_key)
    wish = service.wish(body, caller.key_id, previews=(body.partial_images or 0) if body.stream else 0)
    events: asyncio.Queue[Preview] | None = asyncio.Queue() if body.stream else None
    on_preview = unseen if events is None else events.put_nowait
    tickets, deadline_at = in_line(service, body, wish, request, caller, gatekeeper, on_preview)
    if events is not None:
        return await streamed(service, body, wish, tickets[0], events, deadline_at)
    return await answered(service, body, wish, tickets, request, deadline_at)


def in_line(
    service: Service,
    body: GenerationRequest,
    wish: Wish,
    request: Request,
    caller: Caller,
    gatekeeper: Gatekeeper,
    on_preview: Callable[[Preview], None] = unseen,
) -> tuple[list[Ticket], float | None]:
    """Put the pictures of a request in line; return their tickets, and when they are of no use any more.

    Raises:
        RateLimited: The caller may not ask for so many pictures now.
        QueueFull: Too much waits already.
        DeadlineUnmeetable: They cannot be there in time.
    """
    deadline_at = None if body.deadline_ms is None else time.time() + body.deadline_ms / 1000
    with gatekeeper.charged(caller.key_id, len(wish.orders)):
        tickets = service.submit(
            wish,
            owner=owner_of(caller.key_id, body.user),
            priority=body.priority or 0,
            deadline_at=deadline_at,
            on_preview=on_preview,
        )
    remember(request, tickets)
    return tickets, deadline_at


def check_stream(body: GenerationRequest) -> None:
    """Refuse what does not go together.

    Raises:
        FieldError: Fields about streams contradict each other.
    """
    if not body.stream:
        if body.partial_images:
            raise FieldError("unfinished pictures come in a stream; set stream to true", param="partial_images")
        return
    if (body.n or 1) != 1:
        raise FieldError(f"a stream shows one picture, got n {body.n}; leave n out, or stream out", param="n")
    if body.response_format == "url":
        raise FieldError("a stream carries pictures, no addresses; leave response_format out", param="response_format")


async def answered(
    service: Service,
    body: GenerationRequest,
    wish: Wish,
    tickets: list[Ticket],
    request: Request,
    deadline_at: float | None,
) -> Response:
    """Wait for all pictures and answer; whoever hangs up gets none drawn."""
    pictures = await drawn(service, tickets, request, deadline_at)
    if pictures is None:
        return Response(status_code=499)
    addresses = None
    if body.response_format == "url":
        await service.keep(pictures, wish)
        base, valid_s = str(request.base_url), service.config.url_valid_s
        addresses = [signed_address(base, service.store, picture, wish, valid_s) for picture in pictures]
    answer = images_response(body, wish, pictures, addresses).model_dump_json()
    return Response(answer, media_type="application/json", headers=headers_of(wish, tickets))


def headers_of(wish: Wish, tickets: list[Ticket]) -> dict[str, str]:
    """Return what headers say of pictures that are there."""
    return {
        "underpaint-release": wish.served.release,
        "underpaint-queue-ms": str(max(ticket.queue_ms for ticket in tickets)),
        "underpaint-service-ms": str(max(ticket.service_ms for ticket in tickets)),
    }


async def drawn(
    service: Service, tickets: list[Ticket], request: Request, deadline_at: float | None
) -> list[Picture] | None:
    """Return the pictures, or None if the caller hung up.

    Raises:
        DeadlineExceeded: They were not there in time.
        UnderpaintError: One of them could not be drawn.
    """
    missing, gone = {ticket.done for ticket in tickets}, asyncio.create_task(hung_up(request))
    try:
        while missing:
            timeout = None if deadline_at is None else deadline_at - time.time()
            done, _ = await asyncio.wait({*missing, gone}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                message = "the deadline passed before the pictures were there; allow more with deadline_ms"
                raise DeadlineExceeded(message)
            if done == {gone}:
                return None
            for picture in done & missing:
                picture.result()
            missing -= done
        return [ticket.done.result() for ticket in tickets]
    finally:
        gone.cancel()
        if missing:
            service.dispatcher.cancel([ticket for ticket in tickets if not ticket.done.done()])


async def hung_up(request: Request) -> None:
    """Return when the caller is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def streamed(
    service: Service,
    body: GenerationRequest,
    wish: Wish,
    ticket: Ticket,
    previews: asyncio.Queue[Preview],
    deadline_at: float | None,
    kind: str = "image_generation",
) -> Response:
    """Answer with events; what goes wrong before the first one is a plain answer."""
    events = _events(service, body, wish, ticket, previews, deadline_at, kind)
    first = asyncio.ensure_future(anext(events))
    await asyncio.wait({first}, timeout=service.config.keep_alive_s)
    if first.done() and first.exception() is not None:
        raise first.exception() or AssertionError
    return sse.stream(_told(first, events), service.config.keep_alive_s, {"underpaint-release": wish.served.release})


async def _told(first: asyncio.Future[bytes], events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield events; an error that comes late is the last of them."""
    try:
        yield await first
        async for event in events:
            yield event
    except asyncio.CancelledError:
        raise
    except Exception as error:
        yield sse.event("error", api_error(error).body)
    finally:
        first.cancel()
        with contextlib.suppress(RuntimeError):
            await events.aclose()  # pyright: ignore[reportAttributeAccessIssue]


async def _events(
    service: Service,
    body: GenerationRequest,
    wish: Wish,
    ticket: Ticket,
    previews: asyncio.Queue[Preview],
    deadline_at: float | None,
    kind: str,
) -> AsyncIterator[bytes]:
    common = _common(body, wish)
    try:
        while not ticket.done.done():
            coming = asyncio.ensure_future(previews.get())
            timeout = None if deadline_at is None else deadline_at - time.time()
            done, _ = await asyncio.wait({coming, ticket.done}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if coming in done:
                yield _partial(coming.result(), common, kind)
                continue
            coming.cancel()
            if not done:
                raise DeadlineExceeded("the deadline passed before the picture was there; allow more with deadline_ms")
        while not previews.empty():
            yield _partial(previews.get_nowait(), common, kind)
        picture = ticket.done.result()
        name = f"{kind}.completed"
        data = {"type": name, "b64_json": encoded(picture.data), "created_at": int(time.time()), **common}
        ours = {"usage": usage_of([picture]).model_dump(), "underpaint": made(picture, wish).model_dump()}
        yield sse.event(name, data | ours)
    finally:
        if not ticket.done.done():
            service.dispatcher.cancel([ticket])


def _common(body: GenerationRequest, wish: Wish) -> dict[str, Any]:
    return {
        "size": wish.settings.size,
        "quality": quality_of(body),
        "background": background_of(wish.settings),
        "output_format": wish.orders[0].output_format,
    }


def _partial(preview: Preview, common: dict[str, Any], kind: str) -> bytes:
    name = f"{kind}.partial_image"
    data = {"type": name, "b64_json": encoded(preview.data), "partial_image_index": preview.number}
    return sse.event(name, data | {"created_at": int(time.time()), **common})
