"""Working on durable jobs: claim, draw, keep, finish; and put back what a server that stops cannot finish."""

from __future__ import annotations

import asyncio
import contextlib
import time
from base64 import b64encode
from typing import Any

from underpaint.core.errors import ArtifactError, DeadlineExceeded, EngineLost, LeaseLost, StorageError, UnderpaintError
from underpaint.stages.serve.asking.planning import Wish
from underpaint.stages.serve.dispatch.ticket import Ticket
from underpaint.stages.serve.engine.orders import MAX_PREVIEWS, Picture, Preview
from underpaint.stages.serve.gallery.cost import cost_of
from underpaint.stages.serve.gallery.drawn import drawn
from underpaint.stages.serve.gallery.picture import Entry
from underpaint.stages.serve.jobs.bell import heard
from underpaint.stages.serve.jobs.desk import LOOK_EVERY_S, JobDesk
from underpaint.stages.serve.queue.job import Job, Lease
from underpaint.stages.serve.queue.worker_name import worker_name

AHEAD = 2
"""Jobs that are claimed at once, so that the device need not wait for the disk."""
AGAIN = (EngineLost, StorageError, ArtifactError)
"""What may go better at another attempt."""


class JobRunner:
    """Draws the jobs of a desk.

    Args:
        desk: Where the jobs are.
    """

    def __init__(self, desk: JobDesk) -> None:
        self._desk, self._worker = desk, worker_name()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._leases: dict[str, Lease] = {}
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
        try:
            return await self._desk.see(lambda queue: queue.claim(self._worker))
        except StorageError as error:
            self._desk.service.notice("jobs_unreachable", reason=str(error))
        except Exception as error:
            self._desk.service.notice("defect", during="claiming", reason=repr(error))
        return []

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
            leases = dict(self._leases)
            with contextlib.suppress(StorageError):
                kept = await self._desk.see(lambda queue, leases=leases: queue.renew(list(leases.values())))
                for job in set(leases) - {lease.job for lease in kept}:
                    self.interrupt(job)

    async def _work(self, job: Job) -> None:
        tickets: list[Ticket] = []
        try:
            result, device_s, entries = await self._draw(job, tickets)
            also = self._desk.gallery.entering(entries)
            await self._desk.do(lambda queue: queue.finish(job.lease, result, device_s, also))
        except LeaseLost:
            pass
        except DeadlineExceeded:
            await self._expire(job)
        except UnderpaintError as error:
            reason, again = str(error), isinstance(error, AGAIN)
            with contextlib.suppress(LeaseLost, StorageError):
                await self._desk.do(lambda queue: queue.fail(job.lease, reason, again=again))
        except Exception as error:
            self._desk.service.notice("defect", job=job.id, reason=repr(error))
            with contextlib.suppress(LeaseLost, StorageError):
                await self._desk.do(lambda queue: queue.fail(job.lease, "a defect of the server", again=False))
        finally:
            self._desk.service.dispatcher.cancel([ticket for ticket in tickets if not ticket.done.done()])

    async def _expire(self, job: Job) -> None:
        """Let the queue end a job whose deadline passes."""
        await asyncio.sleep(max(0.0, (job.deadline_at or 0.0) - time.time()) + 0.01)
        await self._desk.do(lambda queue: queue.sweep())

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
        order, settings = wish.orders[index], picture.settings
        digest = settings.pixel_sha256
        assert digest is not None
        await asyncio.to_thread(self._desk.service.store.put, picture.data, digest, order.output_format)
        width, height = map(int, settings.size.split("x"))
        image = {
            "index": index,
            "url": f"/api/v1/images/{digest}",
            "seed": settings.seed,
            "pixel_sha256": digest,
            "width": width,
            "height": height,
            "output_format": order.output_format,
            "words_read": picture.words_read,
            "words_dropped": picture.words_dropped,
            "engine": settings.engine,
        }
        shown = {name: image[name] for name in ("url", "seed", "pixel_sha256")}

        def note(queue: Any) -> None:
            queue.note(job.lease, "job.image", {"image_index": index, **shown})
            queue.progress(job.lease, step=index + 1, num_steps=len(wish.orders), image_index=index)

        await self._desk.do(note)
        return image

    def _note_preview(self, job: Job, preview: Preview) -> None:
        data = b64encode(preview.data).decode("ascii")
        body = {"step": preview.step, "num_steps": preview.num_steps, "b64_json": data}

        async def note() -> None:
            with contextlib.suppress(UnderpaintError):
                await self._desk.do(lambda queue: queue.note(job.lease, "job.preview", body))

        task = asyncio.create_task(note())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
