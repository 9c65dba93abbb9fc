"""The files that a batch ends with: the answers of its lines, and the errors of those that have none."""

from __future__ import annotations

import asyncio
import json
import tempfile
from typing import Any, BinaryIO, cast

from underpaint.core.errors import FieldError, QueueError, StorageError, UnderpaintError
from underpaint.stages.serve.answering.jobs import answer_of
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord, Records
from underpaint.stages.serve.disk import disk_errors
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Job

LINES_AT_ONCE = 200
"""Lines that are looked up at once."""


async def job_of(desk: JobDesk, line: LineRecord) -> Job | None:
    """Return the job of a line; None if it is kept no longer.

    Args:
        desk: Where jobs are.
        line: The line.
    """
    try:
        return await desk.see(lambda queue: queue.get(line.job))
    except QueueError:
        return None


async def write_answers(desk: JobDesk, records: Records, batch: BatchRecord) -> dict[str, str | None]:
    """Write the file of answers and that of errors, and return their ids; None where there would be nothing in one.

    Args:
        desk: Where the jobs of the lines are.
        records: Where the files are kept.
        batch: The batch; its files take the place of those that a killed server wrote.

    Raises:
        StorageError: They cannot be written now, or a picture cannot be read.
    """
    folder = records.folder
    with (
        disk_errors(folder),
        tempfile.TemporaryFile(dir=folder) as answers,
        tempfile.TemporaryFile(dir=folder) as errors,
    ):
        after = 0
        while lot := await asyncio.to_thread(
            lambda after=after: records.lines(batch.id, after=after, limit=LINES_AT_ONCE)
        ):
            for line in lot:
                good, text = await _answer(desk, batch, line)
                (answers if good else errors).write(text)
            after = lot[-1].line
        return {
            "output_file_id": await _kept(records, batch, "output", answers),
            "error_file_id": await _kept(records, batch, "errors", errors),
        }


async def _answer(desk: JobDesk, batch: BatchRecord, line: LineRecord) -> tuple[bool, bytes]:
    """Return whether a line has an answer, and its row; where a disk is in trouble it has none yet."""
    row: dict[str, Any] = {"id": f"batch_req_{line.job}", "custom_id": line.custom_id, "response": None, "error": None}
    job = await job_of(desk, line)
    try:
        if job is None:
            raise FieldError("this job is kept no longer", param="job", code="job_not_found")
        body = (await answer_of(desk, job, batch.base)).model_dump(mode="json")
        row["response"] = {"status_code": 200, "request_id": line.job, "body": body}
    except StorageError:
        raise
    except UnderpaintError as error:
        code = getattr(error, "code", f"job_{job.state if job else 'missing'}")
        row["error"] = {"code": code, "message": str(error)}
    return row["error"] is None, (json.dumps(row, ensure_ascii=False) + "\n").encode()


async def _kept(records: Records, batch: BatchRecord, what: str, file: Any) -> str | None:
    if file.tell() == 0:
        return None
    file.seek(0)
    name, content = f"{batch.id}_{what}.jsonl", cast(BinaryIO, file)
    record = await asyncio.to_thread(records.add_file, batch.owner, "batch_output", name, content, name)
    return record.id
