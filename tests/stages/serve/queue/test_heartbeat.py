from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from underpaint.stages.serve.queue.heartbeat import Heartbeat
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import JobQueue, open_queue

QUICK = QueuePolicy(lease_s=0.5, heartbeat_s=0.05, busy_s=0.05)
CAT = Submission(owner="ann", request={"prompt": "a cat"})


def until(condition: Callable[[], bool]) -> bool:
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.02)
    return False


def opened(place: str) -> JobQueue:
    return open_queue(place, QUICK)


def test_leases_last_as_long_as_the_heart_beats(place: str) -> None:
    queue = opened(place)
    queue.submit(CAT)
    (job,) = queue.claim("w")
    with Heartbeat(queue, [job.lease]) as heart:
        time.sleep(0.8)
        assert queue.sweep() == 0
        assert not heart.is_lost(job.lease)
    assert until(lambda: queue.sweep() == 1)
    queue.close()


def test_a_lost_lease_is_known_and_a_finished_job_is_not_lost(place: str) -> None:
    queue = opened(place)
    queue.submit_all([CAT, CAT])
    (cancelled,), (done,) = queue.claim("w"), queue.claim("w")
    with Heartbeat(queue, [cancelled.lease, done.lease]) as heart:
        heart.drop(done.lease)
        queue.finish(done.lease, {})
        queue.cancel(cancelled.id)
        assert until(lambda: heart.is_lost(cancelled.lease))
        assert not heart.is_lost(done.lease)
    queue.close()


def test_a_heart_beats_on_after_the_database_was_locked(tmp_path: Path) -> None:
    queue = opened(str(tmp_path / "jobs.sqlite"))
    queue.submit(CAT)
    (job,) = queue.claim("w")
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    with Heartbeat(queue, [job.lease]) as heart:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(0.2)
        other.execute("ROLLBACK")
        before = queue.get(job.id).lease_until or 0
        assert until(lambda: (queue.get(job.id).lease_until or 0) > before)
        assert not heart.is_lost(job.lease)
    other.close()
    queue.close()
