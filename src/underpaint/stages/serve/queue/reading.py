"""What people may know of the queue: their jobs, their place in line, and what happened since they last looked."""

from __future__ import annotations

import json
from collections.abc import Sequence

from underpaint.core.errors import JobNotFound
from underpaint.stages.serve.queue.database import Session
from underpaint.stages.serve.queue.job import Event, Job, State, job_of

MAX_LISTED = 1000
"""Most jobs or events that are returned at once."""


def get(session: Session, job: str, owner: str | None) -> Job:
    """Return a job.

    Raises:
        JobNotFound: There is none, or it is another owner's.
    """
    rows = session.execute("SELECT * FROM job WHERE id = :job", job=job)
    if not rows or owner not in (None, rows[0]["owner"]):
        raise JobNotFound(f"there is no job {job!r:.80}; list the jobs to see which there are")
    return job_of(rows[0])


def is_known(session: Session, owner: str, idem_key: str, oldest: float) -> bool:
    """Tell whether a key of an owner means a job that was accepted at ``oldest`` or later."""
    rows = session.execute(
        "SELECT id FROM job WHERE owner = :owner AND idem_key = :idem_key AND created_at >= :oldest",
        owner=owner,
        idem_key=idem_key,
        oldest=oldest,
    )
    return bool(rows)


def listed(session: Session, owner: str | None, states: Sequence[State], after: int, limit: int) -> list[Job]:
    """Return jobs in the order of their acceptance.

    Args:
        session: A transaction.
        owner: Whose jobs; None for everybody's.
        states: In which states; empty for all.
        after: Only those accepted later than the one of this ``seq``.
        limit: Most jobs, 1 to 1,000.
    """
    wanted = {f"state_{i}": state for i, state in enumerate(states)}
    conditions = ["seq > :after"]
    if wanted:
        conditions.append(f"state IN ({', '.join(f':{name}' for name in wanted)})")
    if owner is not None:
        conditions.append("owner = :owner")
    rows = session.execute(
        f"SELECT * FROM job WHERE {' AND '.join(conditions)} ORDER BY seq LIMIT :limit",
        after=after,
        owner=owner or "",
        limit=min(limit, MAX_LISTED),
        **wanted,
    )
    return [job_of(row) for row in rows]


def position(session: Session, job: Job) -> int | None:
    """Return how many jobs will probably be started before a job is, or None if it does not wait.

    Everybody of its class moves on at the same pace, so of another owner's line as many go before it as of its own.
    """
    if job.state != "queued":
        return None
    rows = session.execute(
        "SELECT owner, count(*) AS waiting, sum(CASE WHEN priority > :priority OR (priority = :priority AND "
        "(rank < :rank OR (rank = :rank AND seq < :seq))) THEN 1 ELSE 0 END) AS ahead FROM job "
        "WHERE state = 'queued' AND job_class = :job_class GROUP BY owner",
        priority=job.priority,
        rank=job.rank,
        seq=job.seq,
        job_class=job.job_class,
    )
    mine = next((int(row["ahead"]) for row in rows if row["owner"] == job.owner), 0)
    return mine + sum(min(row["waiting"], mine) for row in rows if row["owner"] != job.owner)


def depth(session: Session) -> dict[str, dict[str, float]]:
    """Return, for each class with open jobs, how many are in each state and the device-seconds that wait."""
    rows = session.execute(
        "SELECT job_class, state, count(*) AS jobs, sum(cost_s) AS cost_s FROM job "
        "WHERE state IN ('queued', 'running', 'held') GROUP BY job_class, state"
    )
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        line = found.setdefault(row["job_class"], {"queued": 0, "running": 0, "held": 0, "waiting_s": 0.0})
        line[row["state"]] = row["jobs"]
        line["waiting_s"] += row["cost_s"] if row["state"] == "queued" else 0.0
    return found


def events(session: Session, job: str, after: int) -> list[Event]:
    """Return what happened to a job after an event, at most 1,000 events.

    Raises:
        JobNotFound: There is no such job.
    """
    rows = session.execute(
        "SELECT * FROM job_event WHERE job = :job AND seq > :after ORDER BY seq LIMIT :limit",
        job=job,
        after=after,
        limit=MAX_LISTED,
    )
    if not rows:
        get(session, job, None)
    return [Event(**{**row, "body": json.loads(row["body"])}) for row in rows]
