"""Drawing a sheet: the first picture is a job, and the others become jobs when it is finished.

Every step can be done again: a picture's job has an idempotency key made of sheet and number, so a server that was
killed on its way goes on where it was, and no picture is drawn twice.
"""

from __future__ import annotations

import asyncio
import time

from underpaint.core.errors import FieldError, InputError
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.given_pictures import decoded
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord
from underpaint.stages.serve.batches.settling import settle
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.jobs.desk import JobDesk, images_of
from underpaint.stages.serve.queue.job import Job, Submission
from underpaint.stages.serve.sheets.plan import SheetPlan


async def draw_sheet(keeper: BatchKeeper, batch: BatchRecord) -> None:
    """Bring a sheet forward that waits or is being drawn.

    Raises:
        InputError: Its first picture could not be drawn, or its time is over before all are in line.
        StorageError: The disk or a database is in trouble, so the sheet has to wait.
    """
    plan = SheetPlan.of(batch)
    if batch.status == "validating":
        await _hand_in(keeper, batch, [await asyncio.to_thread(_first, keeper.desk, batch, plan)], 1)
        await keeper.move(batch, "in_progress")
        return
    lines = await asyncio.to_thread(lambda: keeper.records.lines(batch.id, limit=2))
    if len(lines) == 1:
        first = await keeper.job(lines[0])
        if first is not None and not first.is_final:
            return
        await settle(keeper.desk, keeper.records, batch, [line for line in lines if line.outcome is None])
        if len(plan.pictures) > 1:
            await _hand_in(keeper, batch, await asyncio.to_thread(_others, keeper.desk, batch, plan, first), 2)
            await keeper.tell(batch)
    await keeper.collect(batch)


async def _hand_in(keeper: BatchKeeper, batch: BatchRecord, submissions: list[Submission], begin: int) -> None:
    """Make jobs and note them as lines of a batch, the first of them with the number ``begin``."""
    jobs = await keeper.desk.do(lambda queue: queue.submit_all(submissions))
    rows = [
        LineRecord(batch=batch.id, line=number, custom_id=f"picture {number}", job=job.id, outcome=None)
        for number, (job, _) in enumerate(jobs, begin)
    ]
    await asyncio.to_thread(keeper.records.add_lines, rows)


def _first(desk: JobDesk, batch: BatchRecord, plan: SheetPlan) -> Submission:
    return _submission(desk, batch, 1, plan.first(), since=batch.created_at)


def _others(desk: JobDesk, batch: BatchRecord, plan: SheetPlan, first: Job | None) -> list[Submission]:
    """Return what is handed in once the first picture is finished.

    Raises:
        InputError: It is not there.
    """
    if first is None or first.state != "succeeded":
        raise InputError(_why_not(first))
    digest = images_of(first)[0]["pixel_sha256"]
    data = desk.service.store.read(digest)
    if data is None:
        raise FieldError("the first picture is kept no longer; draw the sheet again", param="subject")
    asked = list(plan.others())
    given = desk.service.edit_input(asked[0], *decoded([data], None))
    since = first.finished_at or batch.created_at
    return [_submission(desk, batch, number, one, since=since, given=given) for number, one in enumerate(asked, 2)]


def _why_not(first: Job | None) -> str:
    if first is None:
        return "the first picture is kept no longer; draw the sheet again"
    why = {"cancelled": "it was cancelled", "expired": "it was not drawn in time"}.get(first.state, first.error)
    return f"the first picture could not be drawn: {why}"


def _submission(
    desk: JobDesk,
    batch: BatchRecord,
    number: int,
    request: GenerationRequest | EditFields,
    *,
    since: float,
    given: EditInput | None = None,
) -> Submission:
    """Return what is handed in for a picture; its deadline follows from ``since``, so that done again it is the same.

    Raises:
        InputError: The time of the sheet is over.
    """
    if time.time() >= batch.expires_at:
        raise InputError("the sheet was not drawn in time; draw it again")
    return desk.submission(
        request,
        owner=batch.owner,
        given=given,
        deadline_s=max(1.0, batch.expires_at - since),
        idem_key=f"{batch.id}/{number}",
        in_gallery=desk.gallery.is_on,
    )
