"""Pictures that are drawn once however often they are asked for: the answer of a durable job, waited for.

A request with the same idempotency key gets the same pictures, whether the first answer was lost, the server was
restarted, or both came at once.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.jobs import answer_of
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.gallery.gallery import USUAL_BYTES
from underpaint.stages.serve.http.callers import Caller
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import NAME, Job, Submission
from underpaint.stages.serve.security.gatekeeper import Gatekeeper

IdempotencyKey = Annotated[str | None, Header(pattern=NAME)]
"""A parameter that holds the key under which the same request is the same job for a day."""


def idempotency_key_of(request: Request) -> str | None:
    """Return the key under which the same request is the same job for a day; None if it has none.

    Raises:
        FieldError: It cannot be used.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(NAME, key):
        message = f"an Idempotency-Key has 1 to 200 letters, digits and signs, and no spaces (got {key!r:.80})"
        raise FieldError(message, param="Idempotency-Key")
    return key


async def handed_in(submission: Submission, pictures: int, desk: JobDesk, gatekeeper: Gatekeeper) -> tuple[Job, bool]:
    """Hand in a job and return it, and whether it is new; one that is known already costs nothing.

    Raises:
        IdempotencyConflict: The key was used for another request.
        RateLimited: The caller may not ask for so many pictures now.
        QueueFull: Too much waits already.
        GalleryFull: The owner's gallery has no room for the pictures.
    """
    owner, key = submission.owner, submission.idem_key
    if key is not None and await desk.see(lambda queue: queue.is_known(owner, key)):
        return await desk.do(lambda queue: queue.submit(submission))
    with gatekeeper.charged(owner, pictures) as charge:
        await check_room(desk, owner, submission.cost_s, pictures if submission.in_gallery else 0)
        job, is_new = await desk.do(lambda queue: queue.submit(submission))
        if not is_new:
            charge.undo()
    return job, is_new


async def check_room(desk: JobDesk, owner: str, cost_s: float, kept_pictures: int) -> None:
    """Refuse what there is no room for. It is asked within the charge, so that whoever has no quota is told that first.

    Args:
        desk: Where it would be drawn.
        owner: Whose it would be.
        cost_s: Device-seconds that it will probably take.
        kept_pictures: Pictures that would be put into the owner's gallery.

    Raises:
        QueueFull: Too much waits already.
        GalleryFull: The owner's gallery has no room for the pictures.
    """
    await desk.check_room(cost_s)
    if kept_pictures:
        await desk.browse(lambda gallery: gallery.check_room(owner, kept_pictures * USUAL_BYTES))


async def drawn_once(
    body: GenerationRequest,
    request: Request,
    caller: Caller,
    desk: JobDesk,
    gatekeeper: Gatekeeper,
    idempotency_key: str,
    given: EditInput | None = None,
) -> Response:
    """Answer with the pictures of the job that this request is.

    Raises:
        FieldError: The request is for a stream.
        IdempotencyConflict: The key was used for another request.
        RateLimited: The caller may not ask for so many pictures now.
    """
    if body.stream:
        raise FieldError("a stream is not kept; leave the Idempotency-Key out, or stream out", param="stream")
    submission = await asyncio.to_thread(
        desk.submission,
        body,
        owner=caller.key_id,
        given=given,
        priority=body.priority or 0,
        deadline_s=None if body.deadline_ms is None else body.deadline_ms / 1000,
        idem_key=idempotency_key,
    )
    job, _ = await handed_in(submission, body.n or 1, desk, gatekeeper)
    answer = await answer_of(desk, await desk.finished(job.id), str(request.base_url))
    return JSONResponse(answer.model_dump(mode="json"), headers={"underpaint-release": job.release or ""})
