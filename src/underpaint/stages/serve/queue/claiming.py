"""Giving work to a worker: whose turn it is, what goes with it, and a lease on each.

A worker shows its lease with all it does. Only the latest attempt of a job that is running counts, so a worker that was
given up, and comes back, can change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from underpaint.stages.serve.batching.fairness import JobClass, Line, credit_after, lines_in_order
from underpaint.stages.serve.batching.filling import LineKey, Plan, Unit, fill, is_too_late
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.job import Job, job_of
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.transitions import Charges, change, charge, end

PlanOf = Callable[[Job], Plan]
"""How many jobs go together with a job, and how long they take."""

ORDER = "ORDER BY priority DESC, rank, seq"


class _Moment:
    """Which jobs may be started at the time of a claim.

    Those that wait for later do not, unless it is later than a job can rightly wait for: that time is of a wrong clock.
    """

    def __init__(self, session: Session, policy: QueuePolicy, without: Sequence[str]) -> None:
        self.now = session.now()
        passed_over = {f"without_{i}": release for i, release in enumerate(without)}
        self.values = {"now": self.now, "latest": self.now + policy.max_backoff_s, **passed_over}
        self.ready = "state = 'queued' AND (run_after <= :now OR run_after > :latest)"
        if passed_over:
            names = ", ".join(f":{name}" for name in passed_over)
            self.ready += f" AND (release_id IS NULL OR release_id NOT IN ({names}))"
        self.in_line = f"{self.ready} AND job_class = :job_class AND owner = :owner"


def claim(
    session: Session, worker: str, plan_of: PlanOf, policy: QueuePolicy, without: Sequence[str] = ()
) -> list[Job]:
    """Give a worker the next job and what may be worked on with it.

    Args:
        session: A transaction that writes.
        worker: Who will work.
        plan_of: How many jobs go together.
        policy: The queue's numbers.
        without: Releases whose jobs are passed over.

    Returns:
        The jobs, running; none if nothing waits or the queue is paused.
    """
    if is_paused(session):
        return []
    moment = _Moment(session, policy, without)
    lines, credit = _lines(session, moment), _credit(session)
    order = lines_in_order(lines, credit, moment.now)
    for line in order:
        while (head := _head(session, line, moment)) is not None:
            plan = plan_of(job_of(head))
            if is_too_late(head["deadline_at"], moment.now, plan.seconds(1)):
                end(session, head["id"], "expired", {"reason": "it could not have been finished in time"})
                continue
            rows = [head, *_companions(session, head, order, plan, moment)]
            share_s = plan.seconds(len(rows)) / len(rows)
            _settle(session, rows, share_s, credit, {line.job_class for line in lines}, moment.now)
            return [_start(session, row, worker, share_s, len(rows), moment.now + policy.lease_s) for row in rows]
    return []


def is_paused(session: Session) -> bool:
    """Whether nothing is given out."""
    return session.execute("SELECT value FROM setting WHERE name = 'paused'")[0]["value"] == "1"


def _lines(session: Session, moment: _Moment) -> list[Line]:
    head = f"SELECT cost_s FROM job WHERE {moment.ready} AND job_class = o.job_class AND owner = o.name {ORDER} LIMIT 1"
    rows = session.execute(
        f"SELECT * FROM (SELECT o.*, ({head}) AS cost_s FROM owner o) AS line WHERE cost_s IS NOT NULL",
        **moment.values,
    )
    return [
        Line(
            job_class=row["job_class"],
            owner=row["name"],
            virtual_s=row["virtual_s"],
            since=row["since"],
            cost_s=row["cost_s"],
        )
        for row in rows
    ]


def _credit(session: Session) -> dict[JobClass, float]:
    return {row["job_class"]: row["credit_s"] for row in session.execute("SELECT * FROM class_credit")}


def _head(session: Session, line: Line, moment: _Moment) -> Row | None:
    rows = session.execute(
        f"SELECT * FROM job WHERE {moment.in_line} {ORDER} LIMIT 1 {session.skip_locked}",
        job_class=line.job_class,
        owner=line.owner,
        **moment.values,
    )
    return rows[0] if rows else None


def _companions(session: Session, head: Row, order: Sequence[Line], plan: Plan, moment: _Moment) -> list[Row]:
    if not head["batch_key"] or plan.cap == 1:
        return []
    others: list[Row] = []
    for line in order[: 4 * plan.cap]:
        others += session.execute(
            f"SELECT * FROM job WHERE {moment.in_line} AND batch_key = :key {ORDER} LIMIT :cap",
            job_class=line.job_class,
            owner=line.owner,
            key=head["batch_key"],
            cap=plan.cap,
            **moment.values,
        )
    virtual_s: dict[LineKey, float] = {(line.job_class, line.owner): line.virtual_s for line in order}
    chosen = fill(_unit(head), map(_unit, others), virtual_s, plan, moment.now)[1:]
    return _locked(session, [unit.id for unit in chosen])


def _locked(session: Session, ids: Sequence[str]) -> list[Row]:
    if not ids:
        return []
    values = {f"id_{i}": job for i, job in enumerate(ids)}
    names = ", ".join(f":{name}" for name in values)
    sql = f"SELECT * FROM job WHERE state = 'queued' AND id IN ({names}) {session.skip_locked}"
    return sorted(session.execute(sql, **values), key=lambda row: ids.index(row["id"]))


def _unit(row: Row) -> Unit:
    return Unit(
        id=row["id"],
        owner=row["owner"],
        job_class=row["job_class"],
        key=row["batch_key"],
        arrived_at=row["created_at"],
        cost_s=row["cost_s"],
        deadline_at=row["deadline_at"],
        priority=row["priority"],
    )


def _settle(
    session: Session,
    rows: Sequence[Row],
    share_s: float,
    credit: dict[JobClass, float],
    present: set[JobClass],
    now: float,
) -> None:
    """Charge the owners and the classes for what they are about to get."""
    charges = Charges(float)
    after = dict(credit)
    for row in rows:
        charges[row["job_class"], row["owner"]] += share_s
        after = credit_after(after, served=row["job_class"], cost_s=share_s, present=present)
    charge(session, charges, since=now)
    for job_class, credit_s in after.items():
        if credit_s != credit.get(job_class, 0.0):
            session.execute(
                "INSERT INTO class_credit (job_class, credit_s) VALUES (:job_class, :credit_s) "
                "ON CONFLICT (job_class) DO UPDATE SET credit_s = excluded.credit_s",
                job_class=job_class,
                credit_s=credit_s,
            )


def _start(session: Session, row: Row, worker: str, share_s: float, batch_size: int, lease_until: float) -> Job:
    attempt = row["attempt"] + 1
    return job_of(
        change(
            session,
            row["id"],
            "job.started",
            {"attempt": attempt, "batch_size": batch_size, "release": row["release_id"]},
            state="running",
            attempt=attempt,
            lease_owner=worker,
            lease_until=lease_until,
            charged_s=share_s,
            started_at=session.now(),
        )
    )
