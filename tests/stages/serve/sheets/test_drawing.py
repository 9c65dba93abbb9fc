"""Laws of drawing a sheet: each picture once, within the sheet's time, and known for as long as the sheet is kept."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.pipelines.picture_file import pixel_digest
from underpaint.stages.serve.batches.input_file import SHEET
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import SHEETS, WINDOW_S
from underpaint.stages.serve.batches.records import BatchRecord, Records
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.http.sheet_schema import SheetView, sheet_view
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Job
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.drawing import draw_sheet
from underpaint.stages.serve.sheets.handing_in import hand_in
from underpaint.stages.serve.sheets.plan import SheetPlan, pictures_of

MOODS = ["happy", "sad"]


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tiny_model: Path, tmp_path: Path, clock: Clock) -> Iterator[Callable[[], BatchKeeper]]:
    """What looks after sheets, as a server that was started anew would have it."""
    service = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path))
    queue, records = open_queue(tmp_path / "jobs.sqlite", QueuePolicy(sweep_s=0.0), clock), Records(tmp_path)

    def made() -> BatchKeeper:
        service.dispatcher = Dispatcher(service.pool)
        return BatchKeeper(JobDesk(service, queue), records, kinds={SHEET: draw_sheet})

    yield made
    records.close()
    queue.close()


def begun(keeper: BatchKeeper) -> BatchRecord:
    plan = SheetPlan(
        subject="a cat",
        pictures=pictures_of("a cat", MOODS),
        model=keeper.desk.service.catalog.default.release,
        style=None,
        seed=3,
        guidance=None,
        same=0.3,
    )
    batch, is_new = hand_in(plan, keeper, "ann", "b", sheet_id=SHEETS.id_of("ann", "k"), digest="d")
    assert is_new
    return batch


async def forward(keeper: BatchKeeper, batch: BatchRecord) -> BatchRecord:
    await keeper._try_forward(keeper.records.batch(batch.id, None))
    return keeper.records.batch(batch.id, None)


def draw(keeper: BatchKeeper) -> list[Job]:
    """Finish all jobs that wait, each with a picture of its own, and return them."""
    claimed: list[Job] = []
    while lot := keeper.desk.queue.claim("w"):
        claimed += lot
        for job in lot:
            shade = sum(job.id.encode()) % 256
            image = Image.fromarray(np.full((64, 64, 4), (shade, 90, 20, 255), dtype=np.uint8))
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            digest = pixel_digest(image)
            keeper.desk.service.store.put(buffer.getvalue(), digest)
            known: dict[str, Any] = {"index": 0, "url": f"/{digest}", "seed": 3, "width": 64, "height": 64}
            keeper.desk.queue.finish(job.lease, {"images": [{**known, "pixel_sha256": digest, "output_format": "png"}]})
    return claimed


async def view(keeper: BatchKeeper, batch: BatchRecord) -> SheetView:
    lines = keeper.records.lines(batch.id, limit=9)
    return sheet_view(batch, {line.line: (line, await keeper.job(line)) for line in lines})


def test_a_sheet_is_known_with_its_pictures_when_its_jobs_are_forgotten(make, clock):
    async def run() -> tuple[SheetView, SheetView]:
        keeper = make()
        batch = await forward(keeper, begun(keeper))
        assert len(draw(keeper)) == 1
        await forward(keeper, batch)
        assert len(draw(keeper)) == len(MOODS)
        before = await view(keeper, await forward(keeper, batch))
        clock.now += 8 * 86400
        while keeper.desk.queue.forget():
            pass
        assert keeper.desk.queue.jobs() == []
        return before, await view(keeper, keeper.records.batch(batch.id, None))

    before, after = asyncio.run(run())
    assert before.status == "completed" and before.counts.completed == 1 + len(MOODS) and before.counts.failed == 0
    assert all(one.image is not None for one in before.pictures)
    assert after == before


def test_a_server_that_is_killed_before_it_notes_the_pictures_hands_the_same_ones_in_again(make, clock):
    async def run() -> tuple[BatchRecord, int]:
        keeper = make()
        batch = await forward(keeper, begun(keeper))
        draw(keeper)
        clock.now += 60
        noted, keeper.records.add_lines = keeper.records.add_lines, killed
        with pytest.raises(KeyboardInterrupt):
            await forward(keeper, batch)
        keeper.records.add_lines = noted
        clock.now += 60
        again = make()
        after = await forward(again, batch)
        return after, len(again.desk.queue.jobs())

    def killed(_lines: object) -> None:
        raise KeyboardInterrupt

    batch, num_jobs = asyncio.run(run())
    assert (batch.status, batch.errors, num_jobs) == ("in_progress", None, 1 + len(MOODS))


def test_no_picture_of_a_sheet_waits_for_longer_than_the_sheet(make, clock):
    async def run() -> tuple[list[float | None], BatchRecord]:
        keeper = make()
        batch = await forward(keeper, begun(keeper))
        clock.now += WINDOW_S / 2
        draw(keeper)
        await forward(keeper, batch)
        return [job.deadline_at for job in keeper.desk.queue.jobs() if job.kind == "edit"], batch

    deadlines, batch = asyncio.run(run())
    assert len(deadlines) == len(MOODS)
    assert all(at is not None and abs(at - batch.expires_at) < 2 for at in deadlines)


def test_a_sheet_whose_time_is_over_says_so_and_draws_nothing(make, monkeypatch):
    keeper_batch: list[BatchRecord] = []

    async def run() -> list[Job]:
        keeper = make()
        batch = begun(keeper)
        monkeypatch.setattr("underpaint.stages.serve.sheets.drawing.time.time", lambda: batch.expires_at + 1.0)
        keeper_batch.append(await forward(keeper, batch))
        return keeper.desk.queue.jobs()

    assert asyncio.run(run()) == []
    (batch,) = keeper_batch
    assert batch.status == "failed" and batch.errors is not None and "in time" in batch.errors[0]["message"]
