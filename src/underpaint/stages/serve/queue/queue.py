"""The job queue as its users see it: each method is one transaction, done when it returns."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from underpaint.adapters.psycopg import PostgresDatabase
from underpaint.core.errors import InputError
from underpaint.stages.serve.batching.filling import Plan, alone
from underpaint.stages.serve.queue import changing, claiming, reading, sweeping, telling, working
from underpaint.stages.serve.queue.database import Database
from underpaint.stages.serve.queue.job import Event, Job, Lease, State, Submission, job_of
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.schema import bring_up_to_date
from underpaint.stages.serve.queue.sqlite import SqliteDatabase, always
from underpaint.stages.serve.queue.submitting import accept
from underpaint.stages.serve.queue.worker_name import is_gone

NOTES = ("job.preview", "job.image")
"""Events that a worker may add."""


def _new_id() -> str:
    return f"job-{secrets.token_hex(12)}"


def _alone(job: Job) -> Plan:
    return alone(job.cost_s)


class JobQueue:
    """Jobs that survive their processes. Safe for threads; after a fork, open it again.

    Args:
        database: Where the jobs are kept; closed with the queue.
        policy: The queue's numbers.
        gone: Whether a worker is surely dead.

    Raises:
        StoreDamaged: The database is of a newer version or another program's.
    """

    def __init__(
        self, database: Database, policy: QueuePolicy | None = None, gone: Callable[[str], bool] = is_gone
    ) -> None:
        self.policy = policy or QueuePolicy()
        self._database, self._gone = database, gone
        self._swept = float("-inf")
        database.write(lambda session: bring_up_to_date(session, database.place))

    @property
    def database(self) -> Database:
        """Where the jobs are kept, and what belongs to them."""
        return self._database

    def submit(self, submission: Submission) -> tuple[Job, bool]:
        """Accept a job, for good; return it, and whether it is new or known by its idempotency key.

        Raises:
            IdempotencyConflict: The owner used the key for another request.
        """
        return self.submit_all([submission])[0]

    def submit_all(self, submissions: Sequence[Submission]) -> list[tuple[Job, bool]]:
        """Accept several jobs, or none of them."""
        named = [(_new_id(), submission) for submission in submissions]

        def work(session: Any) -> list[tuple[Job, bool]]:
            known_s = self.policy.idempotency_s
            accepted = [accept(session, asked, job, remembered_s=known_s) for job, asked in named]
            return [(job_of(row), new) for row, new in accepted]

        return self._database.write(work)

    def get(self, job: str, owner: str | None = None) -> Job:
        """Return a job.

        Args:
            job: Its id.
            owner: Whose it must be; None for anybody's.

        Raises:
            JobNotFound: There is none, or it is another owner's.
        """
        return self._database.read(lambda session: reading.get(session, job, owner))

    def is_known(self, owner: str, idem_key: str) -> bool:
        """Tell whether an idempotency key means a job already, so that handing it in again asks for nothing new.

        Args:
            owner: Whose key it is.
            idem_key: The key.
        """
        return self._database.read(
            lambda session: reading.is_known(session, owner, idem_key, session.now() - self.policy.idempotency_s)
        )

    def jobs(
        self, owner: str | None = None, states: Sequence[State] = (), after: int = 0, limit: int = 100
    ) -> list[Job]:
        """Return jobs in the order of their acceptance; ``after`` is the last ``seq`` seen."""
        return self._database.read(lambda session: reading.listed(session, owner, states, after, limit))

    def position(self, job: str, owner: str | None = None) -> int | None:
        """Return how many jobs will probably be started before a job is; None if it does not wait."""
        return self._database.read(lambda session: reading.position(session, reading.get(session, job, owner)))

    def depth(self) -> dict[str, dict[str, float]]:
        """Return, for each class with open jobs, how many are in each state and the device-seconds that wait."""
        return self._database.read(reading.depth)

    def cancel(self, job: str, owner: str | None = None) -> Job:
        """Cancel a job that is not over; whoever works on it finds its lease lost."""
        return self._database.write(lambda session: changing.cancel(session, job, owner))

    def hold(self, job: str, owner: str | None = None) -> Job:
        """Keep a queued job from being started."""
        return self._database.write(lambda session: changing.hold(session, job, owner))

    def unhold(self, job: str, owner: str | None = None) -> Job:
        """Let a held job go on, from its old place."""
        return self._database.write(lambda session: changing.unhold(session, job, owner))

    def move(
        self,
        job: str,
        *,
        to: Literal["front", "back"] | None = None,
        before: str | None = None,
        owner: str | None = None,
    ) -> Job:
        """Move a waiting job within its owner's line, to an end or before another one."""
        return self._database.write(lambda session: changing.move(session, job, to, before, owner))

    def retry(self, job: str, owner: str | None = None) -> Job:
        """Make a new job of one that failed, expired or was cancelled; its ``parent`` is the old one."""
        new_id = _new_id()
        return self._database.write(lambda session: changing.retry(session, job, new_id, owner))

    def pause(self) -> None:
        """Give out no more work, over restarts too, until ``resume``; what runs goes on."""
        self._database.write(lambda session: changing.set_paused(session, True))

    def resume(self) -> None:
        """Give out work again."""
        self._database.write(lambda session: changing.set_paused(session, False))

    def is_paused(self) -> bool:
        """Whether no work is given out."""
        return self._database.read(claiming.is_paused)

    def claim(self, worker: str, plan_of: claiming.PlanOf = _alone, without: Sequence[str] = ()) -> list[Job]:
        """Give a worker the next job and what may be worked on with it; none if there is nothing to do.

        Args:
            worker: Its name, from ``worker_name``.
            plan_of: How many jobs go together with a job, and how long they take; by default one.
            without: Releases whose jobs are passed over, since nobody can work on them now.
        """
        if time.monotonic() - self._swept >= self.policy.sweep_s:
            self.sweep()
        return self._database.write(lambda session: claiming.claim(session, worker, plan_of, self.policy, without))

    def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Renew leases and return those that still count; stop working on the others."""
        return self._database.write(lambda session: working.renew(session, leases, self.policy))

    def progress(self, lease: Lease, *, step: int, num_steps: int, image_index: int = 0) -> None:
        """Say how far a job is; what comes too often is not written down.

        Raises:
            LeaseLost: The job was cancelled or taken away: stop.
        """
        body = {"image_index": image_index, "step": step, "num_steps": num_steps}
        if self._database.read(lambda session: working.is_due(session, lease, self.policy)):
            self._database.write(lambda session: working.advance(session, lease, body, self.policy))

    def note(self, lease: Lease, name: str, body: dict[str, Any]) -> None:
        """Append an event of the worker's own to its job: ``job.preview`` or ``job.image``.

        Raises:
            LeaseLost: The job was cancelled or taken away: stop.
        """
        if name not in NOTES:
            raise InputError(f"a worker may add the events {' and '.join(NOTES)} (got {name!r:.80})")
        self._database.write(lambda session: working.note(session, lease, name, body))

    def finish(
        self, lease: Lease, result: Any, device_s: float | None = None, also: working.Also = working.nothing
    ) -> Job:
        """Record a job's result, once; again with the same lease changes nothing.

        Args:
            lease: The worker's lease.
            result: Anything that JSON can hold.
            device_s: Device-seconds that it took; None for as many as were charged.
            also: What is done in the same transaction, with the job that is finished.

        Raises:
            LeaseLost: The job was cancelled or taken away: drop the result.
        """
        return self._database.write(lambda session: working.finish(session, lease, result, device_s, also))

    def fail(self, lease: Lease, reason: str, *, again: bool = True) -> Job:
        """Record that an attempt went wrong; the job waits and is tried again, or has failed."""
        return self._database.write(
            lambda session: working.fail(session, lease, reason, again=again, policy=self.policy)
        )

    def release(self, lease: Lease, reason: str = "the worker stops") -> Job:
        """Put a job back that the worker will not finish, through no fault of the job's."""
        return self._database.write(lambda session: working.release(session, lease, reason))

    def sweep(self) -> int:
        """End what is too late, put back what lost its worker; return how many. ``claim`` does so by itself."""
        swept = self._database.write(lambda session: sweeping.sweep(session, self.policy, self._gone))
        self._swept = time.monotonic()
        return swept

    def forget(self) -> int:
        """Remove a lot of the finished jobs that are kept no longer; return how many. Call it now and then."""
        return self._database.write(lambda session: sweeping.forget(session, self.policy))

    def events(self, job: str, after: int = 0) -> list[Event]:
        """Return what happened to a job after the event of this number."""
        return self._database.read(lambda session: reading.events(session, job, after))

    def last_change(self) -> telling.Place:
        """Return the place in the line of changes behind which nothing is told yet."""
        return self._database.read(telling.last)

    def tell(self, owner: str, name: str, body: str) -> None:
        """Put a change of something else of an owner's into the line of changes; what there is to say is JSON."""
        self._database.write(lambda session: telling.tell(session, owner, name, body))

    def changes(
        self, after: telling.Place, owner: str | None = None, *, with_previews: bool = False
    ) -> telling.Told | None:
        """Return what changed after a place, some of it if that is much; None if not all of it is kept any more."""
        return self._database.read(lambda session: telling.told(session, after, owner, with_previews))

    def follow(self, job: str, after: int = 0, stop: threading.Event | None = None) -> Iterator[Event]:
        """Yield what happened to a job after the event of this number, and what happens, until it is over.

        Args:
            job: Its id.
            after: The last event that was seen.
            stop: Ends it early when set.
        """
        while stop is None or not stop.is_set():
            for event in self.events(job, after):
                yield event
                if event.is_last:
                    return
                after = event.seq
            self.wait(1.0)

    def wait(self, timeout_s: float) -> None:
        """Wait until something may have happened, at most for so long."""
        self._database.wait(timeout_s)

    def close(self) -> None:
        """Close the database; what was accepted is on the disk."""
        self._database.close()


def open_queue(
    place: str | Path,
    policy: QueuePolicy | None = None,
    clock: Callable[[], float] | None = None,
    *,
    is_ours: Callable[[], bool] = always,
) -> JobQueue:
    """Open a queue, or begin one.

    Args:
        place: The path of a SQLite file, or the address of a PostgreSQL database, ``postgresql://...``.
        policy: The queue's numbers.
        clock: Tells the seconds since 1970; None for the machine's clock, or the server's.
        is_ours: As in ``SqliteDatabase``.

    Raises:
        MissingDependency: It is in PostgreSQL, and psycopg is not installed.
        StorageError: It cannot be opened, is damaged, or of another version.
    """
    policy = policy or QueuePolicy()
    if str(place).startswith(("postgresql://", "postgres://")):
        database: Database = PostgresDatabase(str(place), busy_s=policy.busy_s, clock=clock)
    else:
        database = SqliteDatabase(Path(place), busy_s=policy.busy_s, clock=clock or time.time, is_ours=is_ours)
    try:
        return JobQueue(database, policy)
    except BaseException:
        database.close()
        raise
