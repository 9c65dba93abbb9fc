"""From a durable job that is over to the answer that its request would have had."""

from __future__ import annotations

import asyncio
from typing import Any

from underpaint.core.errors import DeadlineExceeded, EngineLost, FieldError, StateConflict
from underpaint.stages.serve.answering.images import images_response, signed_address
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.planning import Wish
from underpaint.stages.serve.engine.orders import Picture
from underpaint.stages.serve.jobs.desk import JobDesk, images_of
from underpaint.stages.serve.queue.job import Job


async def answer_of(desk: JobDesk, job: Job, base: str) -> ImagesResponse:
    """Return what a job that is over would have been answered with.

    Args:
        desk: Where it was worked on.
        job: The job.
        base: The server's address, ending in a slash.

    Raises:
        DeadlineExceeded: It expired.
        EngineLost: It failed.
        StateConflict: Somebody cancelled it.
        FieldError: Its pictures, or the weights that drew them, are kept no longer.
    """
    if job.state == "expired":
        raise DeadlineExceeded("the deadline passed before the pictures were there; allow more with deadline_ms")
    if job.state == "cancelled":
        raise StateConflict(f"job {job.id} was cancelled; ask again with another key")
    if job.state != "succeeded":
        raise EngineLost(f"job {job.id} {job.state}: {job.error}")
    request, wish = desk.asked_for(job)
    pictures = [await _picture(desk, image, wish) for image in images_of(job)]
    addresses = None
    if request.response_format == "url":
        valid_s = desk.service.config.url_valid_s
        addresses = [signed_address(base, desk.service.store, picture, wish, valid_s) for picture in pictures]
    return images_response(request, wish, pictures, addresses, job=job.id)


async def _picture(desk: JobDesk, image: dict[str, Any], wish: Wish) -> Picture:
    data = await asyncio.to_thread(desk.service.store.read, image["pixel_sha256"], image["output_format"])
    if data is None:
        raise FieldError(
            "a picture of this job is kept no longer; draw it again", param="pixel_sha256", code="image_not_found"
        )
    changes = {"pixel_sha256": image["pixel_sha256"], "engine": image["engine"]}
    settings = wish.orders[image["index"]].settings.model_copy(update=changes)
    return Picture(data=data, settings=settings, words_read=image["words_read"], words_dropped=image["words_dropped"])
