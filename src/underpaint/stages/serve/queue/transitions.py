"""Every change of a job: its row and its event, together."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from underpaint.core.errors import JobNotFound, StateConflict
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.job import State
from underpaint.stages.serve.queue.telling import tell

Charges = defaultdict[tuple[str, str], float]
"""Class and owner to device-seconds to charge; negative ones are given back."""


def change(session: Session, job: str, event: str, body: dict[str, Any], **columns: Any) -> Row:
    """Change a job's columns, append an event, and return the row.

    Args:
        session: A transaction that writes.
        job: The job's id.
        event: The event's name.
        body: What the event says.
        columns: New values, by the name of the column.
    """
    changes = "".join(f"{name} = :{name}, " for name in columns)
    (row,) = session.execute(
        f"UPDATE job SET {changes}events = events + 1 WHERE id = :the_job RETURNING *", the_job=job, **columns
    )
    record(session, row, event, body)
    return row


def record(session: Session, row: Row, event: str, body: dict[str, Any]) -> None:
    """Write down the latest event of a job, whose number its row has, and wake who waits."""
    session.execute(
        "INSERT INTO job_event (job, seq, name, body, at) VALUES (:job, :seq, :name, :body, :at)",
        job=row["id"],
        seq=row["events"],
        name=event,
        body=json.dumps(body, allow_nan=False),
        at=session.now(),
    )
    tell(session, row["owner"], event, job=row["id"], seq=row["events"])


def end(session: Session, job: str, state: State, body: dict[str, Any], **columns: Any) -> Row:
    """Bring a job to a final state."""
    at = session.now()
    return change(session, job, f"job.{state}", body, state=state, finished_at=at, lease_until=None, **columns)


def requeue(session: Session, row: Row, reason: str, run_after: float, **counts: int) -> Row:
    """Put a job that was running back to its place in its line.

    Args:
        session: A transaction that writes.
        row: The job.
        reason: Why; it stands in the event.
        run_after: When it may be started again.
        counts: New values of ``failures`` or ``losses``.
    """
    body = {"attempt": row["attempt"], "reason": reason}
    return change(
        session,
        row["id"],
        "job.requeued",
        body,
        state="queued",
        run_after=run_after,
        lease_until=None,
        charged_s=0.0,
        step=None,
        num_steps=None,
        **counts,
    )


def held_row(session: Session, job: str, owner: str | None) -> Row:
    """Return a job's row and keep others from changing it.

    Args:
        session: A transaction that writes.
        job: The job's id.
        owner: Whose it must be; None for anybody's.

    Raises:
        JobNotFound: There is none, or it is another owner's.
    """
    rows = session.execute(f"SELECT * FROM job WHERE id = :job {session.for_update}", job=job)
    if not rows or owner not in (None, rows[0]["owner"]):
        raise JobNotFound(f"there is no job {job!r:.80}; list the jobs to see which there are")
    return rows[0]


def must_be(row: Row, states: tuple[State, ...], what: str) -> None:
    """Refuse what a job's state does not allow.

    Raises:
        StateConflict: The job is in none of these states.
    """
    if row["state"] not in states:
        raise StateConflict(f"job {row['id']} is {row['state']}; to {what} it, it must be {' or '.join(states)}")


def charge(session: Session, charges: Charges, **columns: float) -> None:
    """Add device-seconds to the owners' virtual times, in one order for all, so that nobody waits in a circle."""
    changes = "".join(f", {name} = :{name}" for name in columns)
    for (job_class, owner), seconds in sorted(charges.items()):
        session.execute(
            f"UPDATE owner SET virtual_s = virtual_s + :seconds{changes} "
            "WHERE job_class = :job_class AND name = :owner",
            seconds=seconds,
            job_class=job_class,
            owner=owner,
            **columns,
        )


def give_back(session: Session, row: Row, seconds: float) -> None:
    """Give device-seconds that a job was charged, but did not use, back to its owner."""
    charge(session, Charges(float, {(row["job_class"], row["owner"]): -seconds}))


def unused_s(row: Row, now: float) -> float:
    """Return what a running job was charged and will not use if it stops now."""
    return min(row["charged_s"], max(0.0, row["charged_s"] - (now - row["started_at"])))
