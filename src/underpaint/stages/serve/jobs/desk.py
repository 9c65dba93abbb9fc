"""Where jobs are handed in and asked after: the durable queue, off the event loop, and a bell that says it changed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from underpaint.core.errors import FieldError, StorageError
from underpaint.pipelines.planning import RANDOM_BITS, random_seed
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.planning import Wish
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batching.compatibility import batch_key
from underpaint.stages.serve.batching.fairness import JobClass
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.gallery.gallery import MB, Gallery
from underpaint.stages.serve.jobs.bell import Bell, heard
from underpaint.stages.serve.queue.job import MAX_REQUEST_BYTES, Event, Job, Submission
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.queue.telling import MAX_TOLD, Change, Place
from underpaint.stages.serve.service import Service

T = TypeVar("T")
THREADS = 16
"""Most that wait for the queue at once."""
LOOK_EVERY_S = 1.0
"""How soon the work of another process is seen."""
PICTURE = "picture"
"""Where the request of a job that edits holds its picture."""
MAX_PICTURE_BYTES = MAX_REQUEST_BYTES // 2
"""Most bytes of it; the prompt needs room too."""


class JobDesk:
    """The jobs of a server.

    Args:
        service: What plans and draws.
        queue: Where the jobs are kept.
    """

    def __init__(self, service: Service, queue: JobQueue) -> None:
        self.service, self.queue, self.bell = service, queue, Bell()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="jobs")
        self.gallery = gallery_of(service, queue)
        self.listeners: Counter[str] = Counter()

    async def do(self, work: Callable[[JobQueue], T]) -> T:
        """Do something with the queue that may change it."""
        result = await self.see(work)
        self.bell.ring()
        return result

    async def see(self, work: Callable[[JobQueue], T]) -> T:
        """Look at the queue; whoever waits for it keeps nothing else waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, self.queue)

    async def browse(self, work: Callable[[Gallery], T]) -> T:
        """Look at the gallery; whoever waits for it keeps nothing else waiting."""
        return await self.see(lambda _queue: work(self.gallery))

    async def curate(self, work: Callable[[Gallery], T]) -> T:
        """Do something with the gallery that may change it."""
        return await self.do(lambda _queue: work(self.gallery))

    def kept_file(self, digest: str, owner: str | None) -> bytes:
        """Return the file of a picture of the gallery.

        Args:
            digest: SHA-256 of its pixels.
            owner: Whose it must be; None for anybody's.

        Raises:
            FieldError: There is none, or its file is kept no longer.
        """
        picture = self.gallery.one(digest, owner, owner or "")
        data = self.service.store.read(digest, picture.output_format)
        if data is None:
            raise FieldError("the file of this picture is kept no longer", param="images", code="image_not_found")
        return data

    async def see_at_last(self, work: Callable[[JobQueue], T]) -> T:
        """Look at the queue as soon as that can be done.

        Raises:
            StorageError: It cannot, and the server is being stopped.
        """
        while True:
            try:
                return await self.see(work)
            except StorageError:
                if self.service.is_draining:
                    raise
            await asyncio.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Close the queue."""
        self.queue.close()
        self._threads.shutdown(wait=False)

    async def check_room(self, cost_s: float) -> None:
        """Refuse durable work that would wait for longer than anybody waits.

        Args:
            cost_s: Device-seconds that it will probably take.

        Raises:
            QueueFull: Too much waits already.
        """
        depth = await self.see(lambda queue: queue.depth())
        waiting_s = sum(states["waiting_s"] for states in depth.values())
        self.service.limits.check("batch", waiting_s, [cost_s])

    def submission(
        self,
        request: GenerationRequest,
        *,
        owner: str,
        given: EditInput | None = None,
        job_class: JobClass = "interactive",
        priority: int = 0,
        deadline_s: float | None = None,
        idem_key: str | None = None,
        in_gallery: bool = False,
    ) -> Submission:
        """Return what is handed in for a request: complete, the seed drawn and the model's weights named.

        Args:
            request: What is asked for.
            owner: Whose it is.
            given: The picture to edit; None to draw from words alone.
            job_class: Who goes first.
            priority: Among the owner's own.
            deadline_s: Seconds from now after which nobody needs it.
            idem_key: The same key of the same owner is the same job.
            in_gallery: Whether its pictures go into the owner's gallery.

        Raises:
            FieldError: A field cannot be used, or the prompt must not be drawn.
        """
        seed = request.seed if request.seed is not None else _seed_of(owner, idem_key)
        wish = self._wish(request.model_copy(update={"seed": seed}), owner, given)
        body = request.model_dump(mode="json", exclude_unset=True) | {"seed": seed, "model": wish.served.release}
        settings, unit_s = wish.settings, self.service.dispatcher.cost_s(wish.served.name)
        return Submission(
            owner=owner,
            kind="generation" if given is None else "edit",
            job_class=job_class,
            request=body if given is None else body | {PICTURE: _kept(given)},
            idem_key=idem_key,
            priority=priority,
            deadline_s=deadline_s,
            release=wish.served.release,
            batch_key=hashlib.sha256(batch_key(settings).encode()).hexdigest() if given is None else "",
            cost_s=min(86400.0, unit_s * len(wish.orders)),
            in_gallery=in_gallery,
        )

    def asked_for(self, job: Job, previews: int = 0) -> tuple[GenerationRequest, Wish]:
        """Return what a job asks for.

        Raises:
            FieldError: Its weights are served no longer.
        """
        fields = dict(job.request)
        picture = fields.pop(PICTURE, None)
        request = (EditFields if picture else GenerationRequest).model_validate(fields)
        given = None if picture is None else EditInput.model_validate(picture)
        return request, self._wish(request, job.owner, given, previews)

    def _wish(self, request: GenerationRequest, owner: str, given: EditInput | None, previews: int = 0) -> Wish:
        if given is None:
            return self.service.wish(request, owner, previews=previews)
        assert isinstance(request, EditFields)
        return self.service.edit_wish(request, owner, given)

    async def finished(self, job: str) -> Job:
        """Wait until a job is over and return it."""
        while True:
            ring = self.bell.next()
            found = await self.see(lambda queue: queue.get(job))
            if found.is_final:
                return found
            await heard(ring, LOOK_EVERY_S)

    async def follow(self, job: str, after: int) -> AsyncIterator[Event]:
        """Yield what happened to a job after the event of this number, and happens, until it or the server ends."""
        with self._listening(job):
            while not self.service.is_draining:
                ring, seen = self.bell.next(), after
                for event in await self.see_at_last(lambda queue, seen=seen: queue.events(job, seen)):
                    yield event
                    after = event.seq
                    if event.is_last:
                        return
                await heard(ring, LOOK_EVERY_S)

    def is_watched(self, job: Job) -> bool:
        """Tell whether somebody wants to see a job's unfinished pictures."""
        return any(self.listeners[name] > 0 for name in (job.id, _all_of(job.owner), _all_of(None)))

    async def changes(self, after: Place, owner: str | None, *, with_previews: bool) -> AsyncIterator[Change | None]:
        """Yield what changes after a place until the server ends; None and then no more if that place is forgotten.

        Args:
            after: The last place that was seen.
            owner: Whose changes; None for everybody's.
            with_previews: Whether unfinished pictures are made and told too.
        """
        with self._listening(_all_of(owner)) if with_previews else contextlib.nullcontext():
            while not self.service.is_draining:
                ring, seen = self.bell.next(), after
                told = await self.see_at_last(
                    lambda queue, seen=seen: queue.changes(seen, owner, with_previews=with_previews)
                )
                if told is None:
                    yield None
                    return
                for change in told:
                    yield change
                after = told.until
                if len(told) < MAX_TOLD:
                    await heard(ring, LOOK_EVERY_S)

    @contextlib.contextmanager
    def _listening(self, job: str) -> Iterator[None]:
        self.listeners[job] += 1
        try:
            yield
        finally:
            self.listeners[job] -= 1
            self.listeners += Counter[str]()

    async def eta_s(self, job: Job) -> tuple[int | None, float | None]:
        """Return how many jobs probably go before one, and in how many seconds it is probably finished."""
        if job.state == "running":
            return None, job.cost_s
        position = await self.see(lambda queue: queue.position(job.id))
        return position, None if position is None else (position + 1) * job.cost_s


def _all_of(owner: str | None) -> str:
    """Return the name under which whoever looks at all jobs of an owner listens."""
    return f"all of {owner or 'everybody'}"


def gallery_of(service: Service, queue: JobQueue) -> Gallery:
    """Return the gallery of a server."""
    config = service.config
    return Gallery(
        queue.database,
        max_bytes=round(config.gallery_mb * MB),
        keep_deleted_s=config.keep_deleted_s,
    )


def _seed_of(owner: str, idem_key: str | None) -> int:
    """Return a seed: at random, or the same for the same idempotency key, so that both requests are the same."""
    if idem_key is None:
        return random_seed()
    digest = hashlib.sha256(f"{owner} {idem_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 2**RANDOM_BITS


def _kept(given: EditInput) -> dict[str, Any]:
    """Return a picture as a job keeps it.

    Raises:
        FieldError: It is too large.
    """
    if len(given.pixels) + len(given.inside or "") > MAX_PICTURE_BYTES:
        raise FieldError(
            f"a model of {given.side} pixels a side edits no picture in a job; use /v1/images/edits",
            param="image",
            code="image_too_large",
        )
    return given.model_dump(mode="json")


def images_of(job: Job) -> list[dict[str, Any]]:
    """Return the pictures of a job that succeeded; none of another."""
    return job.result["images"] if job.result else []
