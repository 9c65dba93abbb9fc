"""Pictures that are drawn once however often they are asked for: the answer of a durable job, waited for.

A request with the same idempotency key gets the same pictures, whether the first answer was lost, the server was
restarted, or both came at once.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response

from underpaint.core.errors import DeadlineExceeded, FieldError
from underpaint.stages.serve.asking.planning import Wish
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.engine.orders import Picture
from underpaint.stages.serve.http.answers import images_response, signed_address
from underpaint.stages.serve.http.callers import Caller
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.schema import ImagesResponse
from underpaint.stages.serve.jobs.desk import JobDesk, images_of
from underpaint.stages.serve.queue.job import NAME, Job

IdempotencyKey = Annotated[str | None, Header(pattern=NAME)]
"""A parameter that holds the key under which the same request is the same job for a day."""


async def drawn_once(
    body: GenerationRequest, request: Request, caller: Caller, desk: JobDesk, idempotency_key: str
) -> Response:
    """Answer with the pictures of the job that this request is.

    Raises:
        FieldError: The request is for a stream.
        IdempotencyConflict: The key was used for another request.
    """
    if body.stream:
        raise FieldError("a stream is not kept; leave the Idempotency-Key out, or stream out", param="stream")
    submission = desk.submission(
        body,
        owner=caller.key_id,
        priority=body.priority or 0,
        deadline_s=None if body.deadline_ms is None else body.deadline_ms / 1000,
        idem_key=idempotency_key,
    )
    job, _ = await desk.do(lambda queue: queue.submit(submission))
    answer = await answer_of(desk, await desk.finished(job.id), str(request.base_url))
    return JSONResponse(answer.model_dump(mode="json"), headers={"underpaint-release": job.release or ""})


async def answer_of(desk: JobDesk, job: Job, base: str) -> ImagesResponse:
    """Return what a job that is over would have been answered with.

    Args:
        desk: Where it was worked on.
        job: The job.
        base: The server's address, ending in a slash.

    Raises:
        ApiError: It did not succeed, or its pictures are kept no longer.
        DeadlineExceeded: It expired.
    """
    if job.state == "expired":
        raise DeadlineExceeded("the deadline passed before the pictures were there; allow more with deadline_ms")
    if job.state != "succeeded":
        raise ApiError(503, "engine_lost", f"job {job.id} {job.state}: {job.error or 'somebody cancelled it'}")
    request, wish = desk.asked_for(job)
    pictures = [await _picture(desk, image, wish) for image in images_of(job)]
    addresses = None
    if request.response_format == "url":
        valid_s = desk.service.config.url_valid_s
        addresses = [signed_address(base, desk.service.store, picture, wish, valid_s) for picture in pictures]
    return images_response(request, wish, pictures, addresses, job=job.id)


async def _picture(desk: JobDesk, image: dict[str, Any], wish: Wish) -> Picture:
    found = desk.service.store.find(image["pixel_sha256"], image["output_format"])
    if found is None:
        raise ApiError(404, "image_not_found", "a picture of this job is kept no longer; draw it again")
    changes = {"pixel_sha256": image["pixel_sha256"], "engine": image["engine"]}
    settings = wish.orders[image["index"]].settings.model_copy(update=changes)
    data = await asyncio.to_thread(Path.read_bytes, found[0])
    return Picture(data=data, settings=settings, words_read=image["words_read"], words_dropped=image["words_dropped"])
