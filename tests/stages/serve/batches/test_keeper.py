"""Laws of batches whose server is killed or stopped while it makes jobs of their lines."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from underpaint.core.errors import InputError, StorageError, StoreMoved
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord, Records
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.dispatch.limits import Limits
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Job
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.security.quotas import Quotas
from underpaint.stages.serve.service import Service

ENDPOINT = "/v1/images/generations"
LINES, PICTURES = 3, 2


class KilledError(BaseException):
    """What ends a server between two of its steps."""


class Killed(Records):
    """Records of a server that is killed before it notes the lines of a batch."""

    def add_lines(self, lines: object) -> None:
        raise KilledError


@pytest.fixture
def service(tiny_model: Path, tmp_path: Path) -> Iterator[Service]:
    made = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path))
    made.limits = Limits(backlog_s={"interactive": 1.0, "batch": LINES * PICTURES * 1.5, "background": 1.0})
    yield made


def begun(records: Records) -> BatchRecord:
    lines = [
        {"custom_id": str(n), "method": "POST", "url": ENDPOINT, "body": {"prompt": "a cat", "n": PICTURES, "seed": n}}
        for n in range(LINES)
    ]
    file = records.add_file("ann", "batch", "lines", io.BytesIO("\n".join(map(json.dumps, lines)).encode()))
    batch, _ = records.add_batch(
        owner="ann", input_file_id=file.id, endpoint=ENDPOINT, metadata=None, base="b", created_at=0, expires_at=86400
    )
    return batch


def test_a_batch_that_is_taken_up_again_costs_no_more_and_finds_the_room_that_it_had(service, tmp_path):
    quotas, queue = Quotas(tmp_path / "quotas.sqlite"), open_queue(tmp_path / "jobs.sqlite")

    async def run() -> list[LineRecord]:
        service.dispatcher = Dispatcher(service.pool)
        desk = JobDesk(service, queue)

        def charge(owner: str, pictures: int, batch: str) -> None:
            quotas.take(owner, pictures, 10, name=batch)

        def keeper(records: Records) -> BatchKeeper:
            return BatchKeeper(desk, records, charge)

        records = Killed(tmp_path)
        batch = begun(records)
        for _ in range(2):
            with pytest.raises(KilledError):
                await keeper(records)._try_forward(batch)
        records.close()
        records = Records(tmp_path)
        await keeper(records)._try_forward(batch)
        assert (after := records.batch(batch.id, None)).status == "in_progress", after.errors
        lines = records.lines(batch.id, limit=9)
        records.close()
        return lines

    lines = asyncio.run(run())
    assert [line.job for line in lines] == [job.id for job in queue.jobs()] and len(lines) == LINES
    assert quotas.used("ann") == LINES * PICTURES
    queue.close()
    quotas.close()


def test_a_server_that_is_stopped_leaves_the_lines_of_a_batch_to_the_next(service, tmp_path):
    charged: list[str] = []
    queue, records = open_queue(tmp_path / "jobs.sqlite"), Records(tmp_path)

    async def run(batch: BatchRecord) -> None:
        service.dispatcher = Dispatcher(service.pool)
        await BatchKeeper(JobDesk(service, queue), records, lambda _o, _p, batch: charged.append(batch))._forward(batch)

    batch = begun(records)
    service.drain()
    asyncio.run(run(batch))
    assert (records.batch(batch.id, None).status, queue.jobs(), charged) == ("validating", [], [])
    service.is_draining = False
    asyncio.run(run(batch))
    assert (records.batch(batch.id, None).status, len(queue.jobs()), charged) == ("in_progress", LINES, [batch.id])
    records.close()
    queue.close()


class Refusing(Records):
    """Records of a batch of which something cannot be done when some of its lines are jobs already."""

    def add_lines(self, lines: object) -> None:
        super().add_lines(lines)  # pyright: ignore[reportArgumentType]
        raise InputError("a picture was deleted meanwhile")


def test_of_a_batch_that_fails_half_way_nothing_is_drawn(service, tmp_path):
    queue, records = open_queue(tmp_path / "jobs.sqlite"), Refusing(tmp_path)

    async def run(batch: BatchRecord) -> None:
        service.dispatcher = Dispatcher(service.pool)
        await BatchKeeper(JobDesk(service, queue), records)._try_forward(batch)

    batch = begun(records)
    asyncio.run(run(batch))
    failed = records.batch(batch.id, None)
    assert failed.status == "failed" and failed.errors is not None and "deleted" in failed.errors[0]["message"]
    assert [job.state for job in queue.jobs()] == ["cancelled"] * LINES
    records.close()
    queue.close()


def test_a_picture_that_cannot_be_read_now_is_waited_for_and_is_no_error_of_its_line(service, tmp_path):
    queue, records = open_queue(tmp_path / "jobs.sqlite"), Records(tmp_path)
    pictures, away = tmp_path / "pictures", tmp_path / "away"

    async def run(batch: BatchRecord) -> BatchRecord:
        service.dispatcher = Dispatcher(service.pool)
        keeper = BatchKeeper(JobDesk(service, queue), records)
        await keeper._try_forward(batch)
        while claimed := queue.claim("w"):
            for job in claimed:
                queue.finish(job.lease, {"images": [kept(job, index) for index in range(PICTURES)], "words_cut": 0})
        pictures.rename(away)
        with pytest.raises(StoreMoved):
            await keeper._try_forward(records.batch(batch.id, None))
        assert records.batch(batch.id, None).status == "finalizing"
        away.rename(pictures)
        await keeper._try_forward(records.batch(batch.id, None))
        return records.batch(batch.id, None)

    def kept(job: Job, index: int) -> dict[str, object]:
        digest = hashlib.sha256(f"{job.id} {index}".encode()).hexdigest()
        service.store.put(b"picture", digest)
        said = {"pixel_sha256": digest, "output_format": "png", "engine": "torch"}
        return {"index": index, "seed": 1, "words_read": 1, "words_dropped": 0, **said}

    done = asyncio.run(run(begun(records)))
    assert (done.status, done.error_file_id) == ("completed", None)
    rows = list(map(json.loads, records.path(str(done.output_file_id)).read_text().splitlines()))
    assert [row["custom_id"] for row in rows] == [str(n) for n in range(LINES)]
    assert all(len(row["response"]["body"]["data"]) == PICTURES for row in rows)
    records.close()
    queue.close()


class Awaiting(Records):
    """Records of which one file cannot be reached now."""

    away = ""

    def path(self, file: str) -> Path:
        if file == self.away:
            raise StoreMoved("it is gone; put it back")
        return super().path(file)


def test_a_batch_that_has_to_wait_for_the_disk_keeps_no_other_waiting(service, tmp_path):
    queue, records = open_queue(tmp_path / "jobs.sqlite"), Awaiting(tmp_path)
    service.limits = Limits()

    async def run() -> StorageError | None:
        service.dispatcher = Dispatcher(service.pool)
        return await BatchKeeper(JobDesk(service, queue), records)._pass()

    waiting, other = begun(records), begun(records)
    records.away = waiting.input_file_id
    assert isinstance(asyncio.run(run()), StoreMoved)
    assert [records.batch(one.id, None).status for one in (waiting, other)] == ["validating", "in_progress"]
    records.away = ""
    assert asyncio.run(run()) is None
    assert records.batch(waiting.id, None).status == "in_progress"
    records.close()
    queue.close()
