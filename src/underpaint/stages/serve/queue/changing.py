"""What people do with their jobs: cancel, hold, move up or down, try again; and stop the whole queue."""

from __future__ import annotations

import json
from typing import Literal

from underpaint.core.errors import InputError
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.job import Job, State, Submission, job_of
from underpaint.stages.serve.queue.submitting import accept, join_line
from underpaint.stages.serve.queue.telling import EVERYBODY, tell
from underpaint.stages.serve.queue.transitions import change, end, give_back, held_row, must_be, unused_s

MIN_GAP = 1e-9
"""Places closer than this are numbered anew."""
WAITING: tuple[State, ...] = ("queued", "held")


def cancel(session: Session, job: str, owner: str | None) -> Job:
    """Cancel a job that is not over; whoever works on it finds its lease lost.

    Raises:
        StateConflict: It is over.
    """
    row = held_row(session, job, owner)
    if row["state"] == "cancelled":
        return job_of(row)
    must_be(row, (*WAITING, "running"), "cancel")
    ended = end(session, job, "cancelled", {})
    if row["state"] == "running":
        give_back(session, row, unused_s(row, session.now()))
    return job_of(ended)


def hold(session: Session, job: str, owner: str | None) -> Job:
    """Keep a queued job from being started."""
    row = held_row(session, job, owner)
    must_be(row, ("queued",), "hold")
    return job_of(change(session, job, "job.held", {}, state="held"))


def unhold(session: Session, job: str, owner: str | None) -> Job:
    """Let a held job go on, from its old place."""
    row = held_row(session, job, owner)
    must_be(row, ("held",), "let go on")
    join_line(session, row["job_class"], row["owner"], session.now())
    return job_of(change(session, job, "job.queued", {}, state="queued"))


def retry(session: Session, job: str, new_id: str, owner: str | None) -> Job:
    """Make a new job of one that did not succeed, at the end of the line."""
    row = held_row(session, job, owner)
    must_be(row, ("failed", "cancelled", "expired"), "retry")
    asked_s = None if row["deadline_at"] is None else row["deadline_at"] - row["created_at"]
    again = Submission(
        owner=row["owner"],
        kind=row["kind"],
        job_class=row["job_class"],
        request=json.loads(row["request"]),
        priority=row["priority"],
        deadline_s=asked_s,
        release=row["release_id"],
        batch_key=row["batch_key"],
        cost_s=row["cost_s"],
        in_gallery=bool(row["in_gallery"]),
    )
    return job_of(accept(session, again, new_id, remembered_s=0.0, parent=job)[0])


def set_paused(session: Session, paused: bool) -> None:
    """Stop giving out work, or go on; what runs is not touched."""
    session.execute("UPDATE setting SET value = :value WHERE name = 'paused'", value="1" if paused else "0")
    tell(session, EVERYBODY, "queue.paused" if paused else "queue.resumed")


def move(session: Session, job: str, to: Literal["front", "back"] | None, before: str | None, owner: str | None) -> Job:
    """Move a waiting job within its owner's line; it takes over the priority of its new neighbor.

    Args:
        session: A transaction that writes.
        job: The job's id.
        to: One of the ends, or None.
        before: The job of the same line that it shall go before, or None.
        owner: Whose it must be; None for anybody's.

    Raises:
        InputError: Neither or both of ``to`` and ``before`` are given, or ``before`` is in another line.
        StateConflict: The job does not wait.
    """
    if (to is None) == (before is None):
        raise InputError(f"a job is moved to an end or before another one (got to={to!r}, before={before!r})")
    row = held_row(session, job, owner)
    must_be(row, WAITING, "move")
    others = [other for other in _line(session, row) if other["id"] != job]
    at = _slot(others, to, before)
    if 0 < at < len(others) and _gap(others[at - 1], others[at]) < 2 * MIN_GAP:
        others = _renumbered(session, others)
    priority, rank = _place(others, at, row)
    session.execute(
        "UPDATE job SET priority = :priority, rank = :rank WHERE id = :job", priority=priority, rank=rank, job=job
    )
    tell(session, row["owner"], "job.moved", job=job)
    return job_of(held_row(session, job, owner))


def _line(session: Session, row: Row) -> list[Row]:
    return session.execute(
        "SELECT id, priority, rank FROM job WHERE state IN ('queued', 'held') AND owner = :owner "
        "AND job_class = :job_class ORDER BY priority DESC, rank, seq",
        owner=row["owner"],
        job_class=row["job_class"],
    )


def _slot(others: list[Row], to: str | None, before: str | None) -> int:
    if before is None:
        return 0 if to == "front" else len(others)
    places = [i for i, other in enumerate(others) if other["id"] == before]
    if not places:
        raise InputError(f"job {before!r:.80} does not wait in the same line; name another waiting job of its owner")
    return places[0]


def _gap(left: Row, right: Row) -> float:
    return right["rank"] - left["rank"] if left["priority"] == right["priority"] else 1.0


def _renumbered(session: Session, others: list[Row]) -> list[Row]:
    last = session.execute("SELECT max(rank) AS last FROM job")[0]["last"]
    numbered = [{**other, "rank": last + 1.0 + i} for i, other in enumerate(others)]
    for other in numbered:
        session.execute("UPDATE job SET rank = :rank WHERE id = :job", rank=other["rank"], job=other["id"])
    return numbered


def _place(others: list[Row], at: int, row: Row) -> tuple[int, float]:
    """Return the priority and the rank of a place among the others."""
    if not others:
        return row["priority"], row["rank"]
    if at == len(others):
        return others[-1]["priority"], others[-1]["rank"] + 1.0
    right = others[at]
    if at == 0 or others[at - 1]["priority"] != right["priority"]:
        return right["priority"], right["rank"] - 1.0
    return right["priority"], (others[at - 1]["rank"] + right["rank"]) / 2
