"""What became of lines is noted while their jobs are kept, since a batch is kept longer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from underpaint.stages.serve.batches.answer_files import job_of
from underpaint.stages.serve.batches.input_file import FOR_GALLERY
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord, Records
from underpaint.stages.serve.jobs.desk import JobDesk, images_of
from underpaint.stages.serve.queue.job import Job


async def settle(
    desk: JobDesk, records: Records, batch: BatchRecord, lines: Iterable[LineRecord], *, are_given_up: bool = False
) -> int:
    """Note the lines whose jobs are over, those for the gallery with their pictures, and return how many they are.

    Args:
        desk: Where the jobs are.
        records: Where the batch is kept.
        batch: The batch.
        lines: Some of its lines that have no outcome yet.
        are_given_up: Whether lines whose jobs are not over have failed too.

    Raises:
        StorageError: They cannot be noted now.
    """
    settled = [settled_line(batch, line, await job_of(desk, line), are_given_up=are_given_up) for line in lines]
    over = [line for line in settled if line.outcome is not None]
    await asyncio.to_thread(records.settle_lines, over)
    return len(over)


def settled_line(batch: BatchRecord, line: LineRecord, job: Job | None, *, are_given_up: bool = False) -> LineRecord:
    """Return a line with what became of it; as it was if its job is not over.

    Args:
        batch: Its batch.
        line: The line, without an outcome.
        job: Its job; None if that is kept no longer.
        are_given_up: Whether a line whose job is not over has failed too.
    """
    if job is not None and job.state == "succeeded":
        return replace(line, outcome="completed", images=images_of(job) if batch.endpoint in FOR_GALLERY else None)
    if job is None or job.is_final or are_given_up:
        return replace(line, outcome="failed")
    return line
