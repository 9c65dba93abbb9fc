"""Looking after batches: check their lines, make jobs of them, collect what came of them, write the answers.

Every step can be done again: a line's job has an idempotency key made of batch and line, so a server that was killed on
its way goes on where it was, and no line is drawn twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, cast

from underpaint.core.errors import FieldError, QueueError, StorageError, UnderpaintError
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.answer_files import LINES_AT_ONCE, job_of, write_answers
from underpaint.stages.serve.batches.given_pictures import decoded, files_of
from underpaint.stages.serve.batches.input_file import (
    EDITS,
    FOR_GALLERY,
    LIST,
    SHOWN_ERRORS,
    EditLine,
    Line,
    Mistake,
    read_lines,
)
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord, Records, Status
from underpaint.stages.serve.batches.settling import settle
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.jobs.bell import heard
from underpaint.stages.serve.jobs.desk import LOOK_EVERY_S, JobDesk
from underpaint.stages.serve.queue.job import Job, Submission

LOT_OF_EDITS = 20
"""Lines that are worked on at once where each holds a picture."""
WAITING_SEEN = 20
"""Lines whose jobs are not over yet that are looked at in one pass: the others are probably not over either."""
PASS_EVERY_S = 0.2

Charge = Callable[[str, int, str], None]
"""Told a key, a number of pictures and the batch that asks for them; raises if they are too many. A server that was
killed tells it again of the same batch."""


def gratis(_owner: str, _pictures: int, _batch: str) -> None:
    """Count nothing."""


Forward = Callable[["BatchKeeper", BatchRecord], Awaitable[None]]
"""Brings a batch forward that waits or is being drawn."""


class BatchKeeper:
    """Brings batches forward.

    Args:
        desk: Where their lines become jobs.
        records: Where they are kept.
        charge: Told a key and how many pictures its batch asks for, raises ``RateLimited`` if they are too many; a
            batch is counted once, however often it is told of it.
        kinds: By endpoint, what brings batches forward that have no file of lines.
    """

    def __init__(
        self,
        desk: JobDesk,
        records: Records,
        charge: Charge = gratis,
        kinds: Mapping[str, Forward] = MappingProxyType({}),
    ) -> None:
        self.desk, self.records, self._charge, self._kinds = desk, records, charge, kinds

    async def run(self) -> None:
        """Look after all batches, until the server is being stopped."""
        while not self.desk.service.is_draining:
            ring = self.desk.bell.next()
            trouble = await self._pass()
            if trouble is None:
                self.desk.service.troubles.end("batches")
            else:
                self.desk.service.troubles.begin("batches", trouble)
            await asyncio.sleep(PASS_EVERY_S)
            await heard(ring, LOOK_EVERY_S)

    async def _pass(self) -> StorageError | None:
        """Bring every batch forward that can be; return why the first of the others has to wait."""
        found: list[StorageError] = []
        try:
            batches = await asyncio.to_thread(self.records.open_batches)
        except StorageError as error:
            return error
        for batch in batches:
            try:
                await self._try_forward(batch)
            except StorageError as error:
                found.append(error)
        return found[0] if found else None

    async def _try_forward(self, batch: BatchRecord) -> None:
        """Bring a batch forward; one that cannot be is failed.

        Raises:
            StorageError: The disk or a database is in trouble, so the batch has to wait.
        """
        try:
            await self._forward(batch)
        except StorageError:
            raise
        except Exception as error:
            if not isinstance(error, UnderpaintError):
                self.desk.service.notice("defect", batch=batch.id, reason=repr(error))
            mistake = Mistake(line=None, code="batch_failed", message=str(error))
            await self._drop(batch)
            await self.move(batch, "failed", errors=json.dumps([mistake.as_data()]))

    async def _forward(self, batch: BatchRecord) -> None:
        match batch.status:
            case "validating" | "in_progress" if batch.endpoint in self._kinds:
                await self._kinds[batch.endpoint](self, batch)
            case "validating":
                await self._validate(batch)
            case "in_progress":
                await self.collect(batch)
            case "cancelling":
                await self._cancel(batch)
            case "finalizing":
                await self._finalize(batch)

    async def move(self, batch: BatchRecord, status: Status, **values: Any) -> BatchRecord:
        """Bring a batch into another state and tell whoever looks at it.

        Raises:
            StorageError: It cannot be kept or told now.
        """
        moved = await asyncio.to_thread(self.records.move_batch, batch, status, **values)
        await self.tell(moved)
        return moved

    async def tell(self, batch: BatchRecord) -> None:
        """Tell whoever looks at a batch that it changed.

        Raises:
            StorageError: It cannot be told now.
        """
        if kind := FOR_GALLERY.get(batch.endpoint):
            body = json.dumps({kind: batch.id, "status": batch.status})
            await self.desk.do(lambda queue: queue.tell(batch.owner, f"{kind}.changed", body))

    async def _validate(self, batch: BatchRecord) -> None:
        mistakes, pictures = await asyncio.to_thread(self._mistakes, batch)
        if self._is_stopping:
            return
        if mistakes:
            errors = json.dumps([mistake.as_data() for mistake in mistakes[:SHOWN_ERRORS]])
            await self.move(batch, "failed", errors=errors)
            return
        if not await self._is_begun(batch):
            default = self.desk.service.catalog.default.name
            await self.desk.check_room(pictures * self.desk.service.dispatcher.cost_s(default))
        self._charge(batch.owner, pictures, batch.id)
        lines = cast(Iterator[tuple[int, Line]], read_lines(self.records.path(batch.input_file_id), batch.endpoint))
        while lot := await asyncio.to_thread(self._lot, batch, lines):
            if self._is_stopping or await self._is_given_up(batch):
                return
            submissions = [submission for _, _, submission in lot]
            jobs = await self.desk.do(lambda queue, submissions=submissions: queue.submit_all(submissions))
            rows = [
                LineRecord(batch=batch.id, line=number, custom_id=line.custom_id, job=job.id, outcome=None)
                for (number, line, _), (job, _) in zip(lot, jobs, strict=True)
            ]
            await asyncio.to_thread(self.records.add_lines, rows)
        await self.move(batch, "in_progress")

    @property
    def _is_stopping(self) -> bool:
        """Whether the server is being stopped; what is half done is done again by the next one."""
        return self.desk.service.is_draining

    async def _is_given_up(self, batch: BatchRecord) -> bool:
        """Tell whether somebody cancelled a batch since it was looked at."""
        return (await asyncio.to_thread(self.records.batch, batch.id, None)).status != batch.status

    def _lot(self, batch: BatchRecord, lines: Iterator[tuple[int, Line]]) -> list[tuple[int, Line, Submission]]:
        """Return the next lines and what is handed in for each."""
        lot = islice(lines, LOT_OF_EDITS if batch.endpoint == EDITS else LINES_AT_ONCE)
        return [(number, line, self._submission(batch, number, line)) for number, line in lot]

    async def _is_begun(self, batch: BatchRecord) -> bool:
        """Tell whether lines of a batch became jobs before the server was killed: they have their room already."""
        number, _ = next(read_lines(self.records.path(batch.input_file_id), batch.endpoint))
        return await self.desk.see(lambda queue: queue.is_known(batch.owner, _key_of(batch, number)))

    def _mistakes(self, batch: BatchRecord) -> tuple[list[Mistake], int]:
        """Return what is wrong with a batch's lines, the first mistakes are enough, and how many pictures they mean."""
        mistakes: list[Mistake] = []
        total = pictures = 0
        rest = self.desk.service.rest_mistakes
        for number, line in read_lines(self.records.path(batch.input_file_id), batch.endpoint, rest):
            total += 1
            pictures += 0 if isinstance(line, Mistake) else line.body.n or 1
            found = line if isinstance(line, Mistake) else self._cannot_be_drawn(batch, number, line)
            mistakes += [found] if found else []
            if len(mistakes) > SHOWN_ERRORS or self._is_stopping:
                break
        if not total:
            mistakes.append(Mistake(line=None, code="empty_file", message="the file holds no lines"))
        return mistakes, pictures

    def _cannot_be_drawn(self, batch: BatchRecord, number: int, line: Line) -> Mistake | None:
        try:
            self._submission(batch, number, line)
        except FieldError as error:
            return Mistake(line=number, code=error.code, message=str(error), param=f"body.{error.param}")
        return None

    def _submission(self, batch: BatchRecord, number: int, line: Line) -> Submission:
        request, given = self._asked(batch, line)
        return self.desk.submission(
            request,
            owner=batch.owner,
            given=given,
            job_class="background" if batch.endpoint == LIST else "batch",
            deadline_s=max(1.0, batch.expires_at - batch.created_at),
            idem_key=_key_of(batch, number),
            in_gallery=batch.endpoint == LIST and self.desk.gallery.is_on,
        )

    def _asked(self, batch: BatchRecord, line: Line) -> tuple[GenerationRequest, EditInput | None]:
        """Return what a line asks for; its picture is decoded."""
        fields = line.body.model_dump(exclude_unset=True, exclude={"images", "mask"})
        if not isinstance(line, EditLine):
            return GenerationRequest(**fields), None
        request = EditFields(**fields)
        files = files_of(line.body.images, line.body.mask, batch.owner, self.records, self.desk.kept_file)
        return request, self.desk.service.edit_input(request, *decoded(*files))

    async def collect(self, batch: BatchRecord) -> None:
        """Note the lines whose jobs are over; if all are, go on to write the answers.

        Raises:
            StorageError: It cannot be noted now.
        """
        after = waiting = 0
        while lot := await self._open_lines(batch, after):
            waiting += len(lot) - await settle(self.desk, self.records, batch, lot)
            after = lot[-1].line
            if waiting >= WAITING_SEEN:
                return
        if not waiting:
            await self._finalize(await self.move(batch, "finalizing"))

    async def _open_lines(self, batch: BatchRecord, after: int) -> list[LineRecord]:
        return await asyncio.to_thread(
            lambda: self.records.lines(batch.id, after=after, limit=LINES_AT_ONCE, is_open=True)
        )

    async def job(self, line: LineRecord) -> Job | None:
        """Return the job of a line; None if it is kept no longer."""
        return await job_of(self.desk, line)

    async def _cancel(self, batch: BatchRecord) -> None:
        await self._drop(batch)
        await self._collect_cancelled(batch)

    async def _drop(self, batch: BatchRecord) -> None:
        """Cancel the jobs of all lines that are not over."""
        after = 0
        while lot := await self._open_lines(batch, after):
            for line in lot:
                with contextlib.suppress(QueueError):
                    await self.desk.do(lambda queue, job=line.job: queue.cancel(job))
            after = lot[-1].line

    async def _collect_cancelled(self, batch: BatchRecord) -> None:
        while lot := await self._open_lines(batch, 0):
            await settle(self.desk, self.records, batch, lot, are_given_up=True)
        files = await self._answers(batch)
        await self.move(batch, "cancelled", **files)

    async def _finalize(self, batch: BatchRecord) -> None:
        if batch.status != "finalizing":
            return
        files = await self._answers(batch)
        counts = await asyncio.to_thread(self.records.counts, batch.id)
        is_late = counts["failed"] > 0 and time.time() > batch.expires_at
        await self.move(batch, "expired" if is_late else "completed", **files)

    async def _answers(self, batch: BatchRecord) -> dict[str, str | None]:
        """Write the files that a batch ends with; one for the gallery has none."""
        return {} if batch.endpoint in FOR_GALLERY else await write_answers(self.desk, self.records, batch)


def _key_of(batch: BatchRecord, number: int) -> str:
    """Return the idempotency key of a line's job."""
    return f"{batch.id}/{number}"
