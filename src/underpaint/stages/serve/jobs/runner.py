"""Working on durable jobs: claim, draw, keep, finish; and put back what a server that stops cannot finish.

What goes wrong with the disk, the database or a model is held against no job: it waits until that is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from underpaint.core.errors import (
    ArtifactError,
    DeadlineExceeded,
    EngineLost,
    EngineUnavailable,
    LeaseLost,
    SetupError,
    StorageError,
    UnderpaintError,
)
from underpaint.core.installing import portable
from underpaint.stages.serve.asking.planning import Wish
from underpaint.stages.serve.dispatch.ticket import Ticket
from underpaint.stages.serve.engine.absences import Absences
from underpaint.stages.serve.engine.orders import MAX_PREVIEWS, Picture, Preview
from underpaint.stages.serve.gallery.cost import cost_of
from underpaint.stages.serve.gallery.drawn import drawn
from underpaint.stages.serve.gallery.picture import Entry
from underpaint.stages.serve.jobs.bell import heard
from underpaint.stages.serve.jobs.desk import LOOK_EVERY_S, JobDesk
from underpaint.stages.serve.jobs.patience import until_done
from underpaint.stages.serve.queue.job import Job, Lease
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.queue.worker_name import worker_name

AHEAD = 2
"""Jobs that are claimed at once, so that the device need not wait for the disk."""
AWAY = (ArtifactError, EngineUnavailable, SetupError)
"""What is wrong with a model, and not with the job."""


class JobRunner:
    """Draws the jobs of a desk.

    Args:
        desk: Where the jobs are.
    """

    def __init__(self, desk: JobDesk) -> None:
        self._desk, self._worker = desk, worker_name()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._leases: dict[str, Lease] = {}
        self._renewed_at = time.time()
        self._failing = Absences()
        self._notes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Claim and draw, until the server is being stopped."""
        beating = asyncio.create_task(self._beat())
        try:
            while not self._desk.service.is_draining:
                ring = self._desk.bell.next()
                jobs = await self._claim() if len(self._working) < AHEAD else []
                for job in jobs:
                    self._begin(job)
                if not jobs:
                    await heard(ring, LOOK_EVERY_S)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _claim(self) -> list[Job]:
        troubles, without = self._desk.service.troubles, self._passed_over()
        try:
            await self._renew_late()
            jobs = await self._desk.see(lambda queue: queue.claim(self._worker, without=without))
        except StorageError as error:
            troubles.begin("jobs", error)
        except Exception as error:
            self._desk.service.notice("defect", during="claiming", reason=repr(error))
        else:
            troubles.end("jobs")
            return jobs
        return []

    def _passed_over(self) -> list[str]:
        """Return the releases that could not be loaded, or failed while they drew, and are not tried again yet."""
        return [*self._desk.service.releases_away(), *self._failing.away()]

    async def _renew_late(self) -> None:
        """Renew leases that could not be for long, before somebody takes their jobs for lost."""
        if self._leases and abs(time.time() - self._renewed_at) > 2 * self._desk.queue.policy.heartbeat_s:
            await self._renew()

    def _begin(self, job: Job) -> None:
        self._leases[job.id] = job.lease
        task = self._working[job.id] = asyncio.create_task(self._work(job))
        self._desk.bell.ring()

        def ended(_task: asyncio.Task[None]) -> None:
            self._working.pop(job.id, None)
            self._leases.pop(job.id, None)
            self._desk.bell.ring()

        task.add_done_callback(ended)

    def interrupt(self, job: str) -> None:
        """Stop working on a job at once; its lease is gone."""
        if job in self._working:
            self._working[job].cancel()

    async def settle(self, timeout_s: float) -> None:
        """Let running jobs end, at most for so long, and put the others back into the queue."""
        if self._working:
            await asyncio.wait(self._working.values(), timeout=timeout_s)
        left = [(task, self._leases[job]) for job, task in self._working.items() if not task.done()]
        for task, lease in left:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(UnderpaintError):
                await self._desk.do(lambda queue, lease=lease: queue.release(lease, "the server is being stopped"))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._desk.queue.policy.heartbeat_s)
            try:
                await self._renew()
            except StorageError:
                continue
            except Exception as error:
                self._desk.service.notice("defect", during="renewing leases", reason=repr(error))

    async def _renew(self) -> None:
        leases = dict(self._leases)
        kept = await self._desk.see(lambda queue: queue.renew(list(leases.values())))
        self._renewed_at = time.time()
        for job in set(leases) - {lease.job for lease in kept}:
            self.interrupt(job)

    async def _write_down(self, what: Callable[[JobQueue], Any]) -> None:
        """Write down what came of a job, as soon as that can be done."""
        await until_done(self._desk.service.troubles, "results", lambda: self._desk.do(what))

    async def _work(self, job: Job) -> None:
        tickets: list[Ticket] = []
        try:
            result, device_s, entries = await self._draw(job, tickets)
            also = self._desk.gallery.entering(entries)
            self._failing.end(job.release or "")
            await self._write_down(lambda queue: queue.finish(job.lease, result, device_s, also))
        except LeaseLost:
            pass
        except Exception as error:
            with contextlib.suppress(LeaseLost):
                await self._give_up(job, error)
        finally:
            self._desk.service.dispatcher.cancel([ticket for ticket in tickets if not ticket.done.done()])

    async def _give_up(self, job: Job, error: Exception) -> None:
        """Write down why a job was not drawn."""
        if isinstance(error, DeadlineExceeded):
            await self._expire(job)
        elif isinstance(error, AWAY):
            if job.release not in self._passed_over():
                self._failing.begin(job.release or "")
            await self._write_down(lambda queue: queue.release(job.lease, portable(str(error))))
        elif isinstance(error, UnderpaintError):
            again = isinstance(error, EngineLost)
            await self._write_down(lambda queue: queue.fail(job.lease, str(error), again=again))
        else:
            self._desk.service.notice("defect", job=job.id, reason=repr(error))
            await self._write_down(lambda queue: queue.fail(job.lease, "a defect of the server", again=False))

    async def _expire(self, job: Job) -> None:
        """Let the queue end a job whose deadline passes."""
        await asyncio.sleep(max(0.0, (job.deadline_at or 0.0) - time.time()) + 0.01)
        await self._write_down(lambda queue: queue.sweep())

    async def _draw(self, job: Job, tickets: list[Ticket]) -> tuple[dict[str, Any], float, list[Entry]]:
        service = self._desk.service
        previews = MAX_PREVIEWS if self._desk.is_watched(job) else 0
        _, wish = self._desk.asked_for(job, previews=previews)
        tickets += service.submit(
            wish,
            owner=job.owner,
            job_class=job.job_class,
            priority=job.priority,
            deadline_at=job.deadline_at,
            on_preview=lambda preview: self._note_preview(job, preview),
            bounded=False,
        )
        images: list[dict[str, Any]] = []
        entries: list[Entry] = []
        for index, ticket in enumerate(tickets):
            picture = await ticket.done
            cost = cost_of(picture, service.config)
            images.append(await self._keep(job, index, picture, wish) | {"cost": cost.model_dump(mode="json")})
            entries.append(drawn(picture, wish.orders[index].output_format, wish.served, cost))
        device_s = sum(ticket.service_ms for ticket in tickets) / 1000
        return {"images": images, "words_cut": wish.words_cut}, device_s, entries

    async def _keep(self, job: Job, index: int, picture: Picture, wish: Wish) -> dict[str, Any]:
        """Put a picture on the disk and say that it is there."""
        service, image = self._desk.service, _image_of(index, picture, wish)
        await until_done(
            service.troubles,
            "pictures",
            lambda: asyncio.to_thread(service.store.put, picture.data, image["pixel_sha256"], image["output_format"]),
        )
        await self._tell(job, image, len(wish.orders))
        return image

    async def _tell(self, job: Job, image: dict[str, Any], num_images: int) -> None:
        """Note that a picture of a job is there; how far the job is may be missed where the disk is in trouble."""
        shown = {name: image[name] for name in ("url", "seed", "pixel_sha256")}
        noted = {"image_index": image["index"], **shown}
        await self._write_down(lambda queue: queue.note(job.lease, "job.image", noted))
        with contextlib.suppress(StorageError):
            step = {"step": image["index"] + 1, "num_steps": num_images, "image_index": image["index"]}
            await self._desk.do(lambda queue: queue.progress(job.lease, **step))

    def _note_preview(self, job: Job, preview: Preview) -> None:
        data = b64encode(preview.data).decode("ascii")
        body = {"step": preview.step, "num_steps": preview.num_steps, "b64_json": data}

        async def note() -> None:
            with contextlib.suppress(UnderpaintError):
                await self._desk.do(lambda queue: queue.note(job.lease, "job.preview", body))

        task = asyncio.create_task(note())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


def _image_of(index: int, picture: Picture, wish: Wish) -> dict[str, Any]:
    """Return a picture as the result of a job has it."""
    settings = picture.settings
    assert settings.pixel_sha256 is not None
    width, height = map(int, settings.size.split("x"))
    return {
        "index": index,
        "url": f"/api/v1/images/{settings.pixel_sha256}",
        "seed": settings.seed,
        "pixel_sha256": settings.pixel_sha256,
        "width": width,
        "height": height,
        "output_format": wish.orders[index].output_format,
        "words_read": picture.words_read,
        "words_dropped": picture.words_dropped,
        "engine": settings.engine,
    }
