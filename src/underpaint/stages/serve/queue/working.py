"""What a worker says of its jobs: I am alive, I am so far, it is done, it went wrong. Each with its lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from underpaint.core.errors import InputError, LeaseLost
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.job import Job, Lease, job_of
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.transitions import Charges, change, charge, end, give_back, requeue, unused_s


def _holds(row: Row, lease: Lease) -> bool:
    return (row["lease_owner"], row["attempt"]) == (lease.worker, lease.attempt)


def _row_of(session: Session, lease: Lease, lock: str) -> Row:
    rows = session.execute(f"SELECT * FROM job WHERE id = :job {lock}", job=lease.job)
    if not rows:
        raise LeaseLost(f"job {lease.job} is no longer there; drop its result")
    return rows[0]


def fenced(row: Row, lease: Lease) -> Row:
    """Return a row if a lease still counts.

    Raises:
        LeaseLost: It does not; the message says why.
    """
    if row["state"] == "running" and _holds(row, lease):
        return row
    if _holds(row, lease) or row["state"] != "running":
        why = f"it is {row['state']}"
    else:
        why = f"attempt {row['attempt']} of {row['lease_owner']} has it"
    raise LeaseLost(
        f"{lease.worker} lost job {lease.job} (attempt {lease.attempt}): {why}; stop working on it and drop its result"
    )


def is_due(session: Session, lease: Lease, policy: QueuePolicy) -> bool:
    """Whether progress is worth an event again.

    Raises:
        LeaseLost: The worker no longer has the job.
    """
    row = fenced(_row_of(session, lease, ""), lease)
    return row["progress_at"] is None or abs(session.now() - row["progress_at"]) >= policy.progress_s


def renew(session: Session, leases: Sequence[Lease], policy: QueuePolicy) -> list[Lease]:
    """Renew leases and return those that still count."""
    until = session.now() + policy.lease_s
    return [
        lease
        for lease in sorted(leases, key=lambda lease: lease.job)
        if session.execute(
            "UPDATE job SET lease_until = :until WHERE id = :job AND state = 'running' AND lease_owner = :worker "
            "AND attempt = :attempt RETURNING id",
            until=until,
            job=lease.job,
            worker=lease.worker,
            attempt=lease.attempt,
        )
    ]


def advance(session: Session, lease: Lease, body: dict[str, int], policy: QueuePolicy) -> None:
    """Record how far a job is; that renews its lease too."""
    fenced(_row_of(session, lease, session.for_update), lease)
    now = session.now()
    change(
        session,
        lease.job,
        "job.progress",
        body,
        step=body["step"],
        num_steps=body["num_steps"],
        progress_at=now,
        lease_until=now + policy.lease_s,
    )


def note(session: Session, lease: Lease, name: str, body: dict[str, Any]) -> None:
    """Append an event of the worker's own, such as a picture that is ready."""
    fenced(_row_of(session, lease, session.for_update), lease)
    change(session, lease.job, name, body)


Also = Callable[[Session, Job], None]
"""What is done in the transaction in which a job is finished, with that job."""


def nothing(_session: Session, _job: Job) -> None:
    """Do nothing else."""


def finish(session: Session, lease: Lease, result: Any, device_s: float | None, also: Also = nothing) -> Job:
    """Record a job's result; the second time with the same lease changes nothing.

    Args:
        session: A transaction that writes.
        lease: The worker's lease.
        result: Anything that JSON can hold.
        device_s: Device-seconds that it took; None for as many as were charged.
        also: What is done in the same transaction.
    """
    row = _row_of(session, lease, session.for_update)
    if row["state"] == "succeeded" and _holds(row, lease):
        return job_of(row)
    fenced(row, lease)
    ended = end(session, lease.job, "succeeded", {}, result=json_text(result))
    if device_s is not None:
        charge(session, Charges(float, {(row["job_class"], row["owner"]): device_s - row["charged_s"]}))
    job = job_of(ended)
    also(session, job)
    return job


def json_text(value: Any) -> str:
    """Return a value as JSON.

    Raises:
        InputError: It holds something that JSON cannot.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a result is anything that JSON can hold ({error}); hand in numbers, text, lists") from None


def fail(session: Session, lease: Lease, reason: str, *, again: bool, policy: QueuePolicy) -> Job:
    """Record that an attempt went wrong.

    Args:
        session: A transaction that writes.
        lease: The worker's lease.
        reason: What went wrong; the job's ``error`` if it was the last attempt.
        again: Whether another attempt may go better.
        policy: The queue's numbers.
    """
    row = _row_of(session, lease, session.for_update)
    if row["state"] == "failed" and _holds(row, lease):
        return job_of(row)
    row = fenced(row, lease)
    return job_of(give_up(session, row, reason, again=again, policy=policy))


def give_up(session: Session, row: Row, reason: str, *, again: bool, policy: QueuePolicy) -> Row:
    """End an attempt that went wrong: the job waits and is tried again, or has failed."""
    failures = row["failures"] + 1
    if again and failures < policy.max_failures:
        return requeue(session, row, reason, session.now() + policy.backoff_after(failures), failures=failures)
    return end(session, row["id"], "failed", {"reason": reason}, error=reason, failures=failures)


def lose(session: Session, row: Row, policy: QueuePolicy) -> Row:
    """End an attempt whose worker was lost: the job is the next in its line again, unless that happened too often."""
    losses, reason = row["losses"] + 1, f"the worker {row['lease_owner']} was lost"
    if losses < policy.max_losses:
        return requeue(session, row, reason, session.now(), losses=losses)
    return end(session, row["id"], "failed", {"reason": reason}, error=reason, losses=losses)


def release(session: Session, lease: Lease, reason: str) -> Job:
    """Put a job back that the worker will not finish, through no fault of the job's."""
    row = fenced(_row_of(session, lease, session.for_update), lease)
    back = requeue(session, row, reason, session.now())
    give_back(session, row, unused_s(row, session.now()))
    return job_of(back)
