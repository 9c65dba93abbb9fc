"""A durable job as callers see it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from underpaint.stages.serve.gallery.cost import Cost
from underpaint.stages.serve.http.errors import ErrorFields
from underpaint.stages.serve.jobs.desk import PICTURE, images_of
from underpaint.stages.serve.queue.job import Job, State


class JobImage(BaseModel):
    """A finished picture of a job; ``cost`` is null for those of older versions."""

    index: int
    url: str
    seed: int
    pixel_sha256: str
    width: int
    height: int
    cost: Cost | None = None


class JobProgress(BaseModel):
    """How far a job is."""

    step: int
    num_steps: int
    images_done: int
    n: int


class JobView(BaseModel):
    """A job; times are seconds since 1970.

    Args:
        position: How many jobs will probably be started before it; null if it does not wait.
        eta_ms: In how many milliseconds it is probably finished; null if that cannot be said.
        release: The exact weights that draw it.
        request: What was asked for, the seed filled in.
        parent: The job that it tries again.
    """

    id: str
    object: Literal["job"] = "job"
    kind: str
    state: State
    created_at: float
    started_at: float | None
    finished_at: float | None
    position: int | None
    eta_ms: int | None
    progress: JobProgress
    priority: int
    attempt: int
    release: str | None
    request: dict[str, Any]
    images: list[JobImage]
    error: ErrorFields | None
    parent: str | None


class JobList(BaseModel):
    """Some jobs, and whether there are more after the last of them."""

    object: Literal["list"] = "list"
    data: list[JobView]
    has_more: bool


def job_view(job: Job, *, position: int | None = None, eta_s: float | None = None) -> JobView:
    """Return a job as callers see it.

    Args:
        job: The job.
        position: How many go before it.
        eta_s: In how many seconds it is probably finished.
    """
    known = JobImage.model_fields
    images = [JobImage(**{name: image[name] for name in known if name in image}) for image in images_of(job)]
    n, done = job.request.get("n") or 1, job.step or 0
    done = len(images) or done
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        position=position,
        eta_ms=None if eta_s is None else round(1000 * eta_s),
        progress=JobProgress(step=done, num_steps=n, images_done=done, n=n),
        priority=job.priority,
        attempt=job.attempt,
        release=job.release,
        request=_shown(job.request),
        images=images,
        error=None if job.error is None else _error(job),
        parent=job.parent,
    )


def _shown(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request with the digest of its picture in the place of the pixels."""
    picture = request.get(PICTURE)
    return request if picture is None else {**request, PICTURE: {"sha256": picture["sha256"]}}


def _error(job: Job) -> ErrorFields:
    return ErrorFields(message=job.error or "", type="server_error", param=None, code="job_failed")
