"""Accepting jobs: each once, at the end of its owner's line."""

from __future__ import annotations

from typing import Any

from underpaint.core.config import canonical_json
from underpaint.core.errors import IdempotencyConflict
from underpaint.stages.serve.batching.fairness import starting_time
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.transitions import record

NEW = {
    "state": "queued",
    "charged_s": 0.0,
    "attempt": 0,
    "failures": 0,
    "events": 1,
}
COLUMNS = (
    "id", "parent", "owner", "idem_key", "body_digest", "kind", "job_class", "priority", "cost_s", "in_gallery",
    "release_id", "batch_key", "request", "created_at", "run_after", "deadline_at", *NEW,
)  # fmt: skip
INSERT = (
    f"INSERT INTO job ({', '.join(COLUMNS)}, rank) "
    f"SELECT {', '.join(f':{name}' for name in COLUMNS)}, coalesce(max(rank), 0) + 1 FROM job "
    "WHERE true ON CONFLICT DO NOTHING RETURNING *"
)
HAS_WORK = (
    "EXISTS (SELECT 1 FROM job WHERE state = 'queued' AND job_class = owner.job_class AND job.owner = owner.name) "
    "OR EXISTS (SELECT 1 FROM job WHERE state = 'running' AND job_class = owner.job_class AND job.owner = owner.name)"
)


def accept(
    session: Session, submission: Submission, job: str, *, remembered_s: float, parent: str | None = None
) -> tuple[Row, bool]:
    """Accept a submission, or find the job that it is already.

    Args:
        session: A transaction that writes.
        submission: What is asked for.
        job: An id for it that nothing else has; doing this twice with the same one is the same job.
        remembered_s: How long idempotency keys are remembered.
        parent: The job that it tries again.

    Returns:
        The row, and whether it is new.

    Raises:
        IdempotencyConflict: The owner used the key for something else.
    """
    now = session.now()
    known = None if submission.idem_key is None else _known(session, submission, job, now - remembered_s)
    if known is None:
        join_line(session, submission.job_class, submission.owner, now)
        for row in session.execute(INSERT, **_values(submission, job, now), parent=parent):
            record(session, row, "job.queued", {})
            return row, True
        known = _known(session, submission, job, now - remembered_s)
        assert known is not None
    if known["body_digest"] != submission.body_digest:
        raise IdempotencyConflict(
            f"the idempotency key {submission.idem_key!r:.80} was used for another request (job {known['id']}); "
            "send the same request, or another key"
        )
    return known, False


def _known(session: Session, submission: Submission, job: str, oldest: float) -> Row | None:
    rows = session.execute(
        "SELECT * FROM job WHERE id = :job OR (owner = :owner AND idem_key = :idem_key)",
        job=job,
        owner=submission.owner,
        idem_key=submission.idem_key,
    )
    if rows and rows[0]["id"] != job and rows[0]["created_at"] < oldest:
        session.execute("UPDATE job SET idem_key = NULL WHERE id = :job", job=rows[0]["id"])
        return None
    return rows[0] if rows else None


def _values(submission: Submission, job: str, now: float) -> dict[str, Any]:
    asked = submission.model_dump(exclude={"request", "release", "deadline_s"})
    return {
        **NEW,
        **asked,
        "id": job,
        "body_digest": submission.body_digest,
        "in_gallery": int(submission.in_gallery),
        "release_id": submission.release,
        "request": canonical_json(submission.request),
        "created_at": now,
        "run_after": now,
        "deadline_at": None if submission.deadline_s is None else now + submission.deadline_s,
    }


def join_line(session: Session, job_class: str, owner: str, now: float) -> None:
    """Let an owner's line begin, unless it has work already."""
    mine = session.execute(
        f"SELECT virtual_s FROM owner WHERE job_class = :job_class AND name = :owner AND ({HAS_WORK})",
        job_class=job_class,
        owner=owner,
    )
    if mine:
        return
    everybody = session.execute(
        f"SELECT name, virtual_s, CASE WHEN {HAS_WORK} THEN 1 ELSE 0 END AS active FROM owner "
        "WHERE job_class = :job_class",
        job_class=job_class,
    )
    virtual_s = starting_time(
        next((row["virtual_s"] for row in everybody if row["name"] == owner), 0.0),
        [row["virtual_s"] for row in everybody if row["active"]],
        [row["virtual_s"] for row in everybody],
    )
    session.execute(
        "INSERT INTO owner (job_class, name, virtual_s, since) VALUES (:job_class, :owner, :virtual_s, :now) "
        "ON CONFLICT (job_class, name) DO UPDATE SET virtual_s = excluded.virtual_s, since = excluded.since",
        job_class=job_class,
        owner=owner,
        virtual_s=virtual_s,
        now=now,
    )
