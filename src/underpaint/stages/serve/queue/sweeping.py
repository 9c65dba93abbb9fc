"""Looking after what nobody looks after: lost workers, passed deadlines, and what is old enough to forget."""

from __future__ import annotations

from collections.abc import Callable

from underpaint.stages.serve.queue.database import ROWS_AT_ONCE, Row, Session
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.submitting import HAS_WORK
from underpaint.stages.serve.queue.telling import forget as forget_changes
from underpaint.stages.serve.queue.transitions import Charges, charge, end
from underpaint.stages.serve.queue.working import lose


def sweep(session: Session, policy: QueuePolicy, is_gone: Callable[[str], bool]) -> int:
    """End what is too late, and put back what lost its worker.

    A lease that ends later than any lease given now would was given while the clock was ahead; it is cut to that.

    Args:
        session: A transaction that writes.
        policy: The queue's numbers.
        is_gone: Whether a worker is surely dead, whatever its lease says.

    Returns:
        How many jobs were put back or ended.
    """
    now, charges, touched = session.now(), Charges(float), 0
    for row in session.execute(f"SELECT * FROM job WHERE state = 'running' ORDER BY id {session.skip_locked}"):
        if _let_go(session, row, now, policy, is_gone):
            charges[row["job_class"], row["owner"]] -= row["charged_s"]
            touched += 1
    late = session.execute(
        "SELECT id FROM job WHERE deadline_at <= :now AND finished_at IS NULL AND state IN ('queued', 'held') "
        f"ORDER BY id {session.skip_locked}",
        now=now,
    )
    for row in late:
        end(session, row["id"], "expired", {"reason": "its deadline passed while it waited"})
    charge(session, charges)
    return touched + len(late)


def _let_go(session: Session, row: Row, now: float, policy: QueuePolicy, is_gone: Callable[[str], bool]) -> bool:
    if row["deadline_at"] is not None and row["deadline_at"] <= now:
        end(session, row["id"], "expired", {"reason": "its deadline passed while it ran"})
        return True
    if row["lease_until"] <= now or is_gone(row["lease_owner"]):
        lose(session, row, policy)
        return True
    if row["lease_until"] > now + policy.lease_s:
        session.execute(
            "UPDATE job SET lease_until = :until WHERE id = :job", until=now + policy.lease_s, job=row["id"]
        )
    return False


def forget(session: Session, policy: QueuePolicy) -> int:
    """Remove finished jobs that are kept no longer, a lot at a time, and owners who have none.

    Returns:
        How many jobs were removed; call again while it is not 0.
    """
    now = session.now()
    forget_changes(session, now - policy.keep_changes_s)
    session.execute(
        "UPDATE job SET idem_key = NULL "
        "WHERE finished_at <= :before AND created_at <= :before AND idem_key IS NOT NULL",
        before=now - policy.idempotency_s,
    )
    removed = session.execute(
        "DELETE FROM job WHERE seq IN "
        "(SELECT seq FROM job WHERE finished_at <= :before ORDER BY finished_at LIMIT :lot) RETURNING seq",
        before=now - policy.keep_finished_s,
        lot=ROWS_AT_ONCE,
    )
    session.execute(
        f"DELETE FROM owner WHERE since <= :before AND NOT ({HAS_WORK}) "
        "AND NOT EXISTS (SELECT 1 FROM job WHERE job.owner = owner.name AND job.job_class = owner.job_class)",
        before=now - policy.keep_finished_s,
    )
    return len(removed)
