"""A sheet as callers see it: a subject, its moods, and how far each picture is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from underpaint.stages.serve.batches.records import BatchRecord, LineRecord, Status
from underpaint.stages.serve.http.batches import Counts
from underpaint.stages.serve.http.job_schema import JobImage
from underpaint.stages.serve.http.list_schema import OVER
from underpaint.stages.serve.jobs.desk import images_of
from underpaint.stages.serve.queue.job import Job, State
from underpaint.stages.serve.sheets.plan import Drawn, SheetPlan


class SheetPicture(BaseModel):
    """A picture of a sheet.

    Args:
        mood: Its name, or words of your own as they were written; null for the first picture, which the others keep a
            part of.
        prompt: Its words.
        state: That of its job, or what became of it; ``waiting`` before it has one, ``gone`` where nobody knows.
        job: Its job, which is forgotten before the sheet is; null before it has one.
        image: The picture; null before it is finished.
    """

    mood: str | None
    prompt: str
    state: State | Literal["waiting", "gone"]
    job: str | None
    image: JobImage | None


class SheetView(BaseModel):
    """A sheet that was handed in.

    Args:
        status: As that of a batch.
        counts: Pictures in all, completed, failed.
        error: Why it failed; null if it did not.
    """

    object: Literal["sheet"] = "sheet"
    id: str
    subject: str
    model: str
    style: str | None
    seed: int
    guidance: float | None
    same: float
    status: Status
    created_at: int
    finished_at: int | None
    counts: Counts
    pictures: list[SheetPicture]
    error: str | None


class Sheets(BaseModel):
    """Some sheets, the latest first."""

    object: Literal["list"] = "list"
    data: list[SheetView]
    has_more: bool


def sheet_view(batch: BatchRecord, lines: Mapping[int, tuple[LineRecord, Job | None]]) -> SheetView:
    """Return a sheet as callers see it.

    Args:
        batch: The sheet.
        lines: By the number of a picture, from 1, its line, and its job if that is kept still.
    """
    plan = SheetPlan.of(batch)
    pictures = [_picture(one, lines.get(number)) for number, one in enumerate(plan.pictures, 1)]
    states = [picture.state for picture in pictures]
    completed = states.count("succeeded")
    failed = sum(state in ("failed", "cancelled", "expired", "gone") for state in states)
    return SheetView(
        id=batch.id,
        **plan.model_dump(exclude={"pictures"}),
        status=batch.status,
        created_at=batch.created_at,
        finished_at=batch.times.get(batch.status) if batch.status in OVER else None,
        counts=Counts(total=len(pictures), completed=completed, failed=failed),
        pictures=pictures,
        error=batch.errors[0]["message"] if batch.errors else None,
    )


def _picture(wanted: Drawn, known: tuple[LineRecord, Job | None] | None) -> SheetPicture:
    if known is None:
        return SheetPicture(mood=wanted.mood, prompt=wanted.prompt, state="waiting", job=None, image=None)
    line, job = known
    images = images_of(job) if job is not None else line.images or []
    return SheetPicture(
        mood=wanted.mood,
        prompt=wanted.prompt,
        state=_noted(line) if job is None else job.state,
        job=line.job,
        image=JobImage.model_validate(images[0]) if images else None,
    )


def _noted(line: LineRecord) -> State | Literal["gone"]:
    """Return what was noted of a picture whose job is kept no longer."""
    if line.outcome is None:
        return "gone"
    return "succeeded" if line.outcome == "completed" else "failed"
