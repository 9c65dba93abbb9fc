from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from underpaint.core.errors import StoreBusy
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import JobQueue, open_queue

CAT = Submission(owner="ann", request={"prompt": "a cat"})


@pytest.fixture
def queue(postgres_place: str) -> Any:
    queue = open_queue(postgres_place, QueuePolicy(busy_s=0.3))
    yield queue
    queue.close()


def test_a_server_that_was_killed_comes_back_with_all_jobs(queue: JobQueue, postgres_server: Any) -> None:
    ids = [queue.submit(CAT)[0].id for _ in range(5)]
    (job,) = queue.claim("w")
    postgres_server.process.send_signal(signal.SIGQUIT)
    postgres_server.process.wait()
    with pytest.raises(StoreBusy, match="does not answer"):
        queue.submit(CAT)
    queue.wait(0.01)
    postgres_server.start()
    assert queue.finish(job.lease, {"n": 1}).state == "succeeded"
    assert [job.id for job in queue.jobs()] == ids
    queue.submit(CAT)


def test_a_lock_that_another_process_keeps_is_an_error(queue: JobQueue, postgres_place: str) -> None:
    import psycopg

    job, _ = queue.submit(CAT)
    with psycopg.connect(postgres_place) as other:
        other.execute("SELECT * FROM job FOR UPDATE")
        assert queue.claim("w") == [], "a job that is being changed is left out"
        with pytest.raises(StoreBusy, match="another process"):
            queue.cancel(job.id)
        other.rollback()
    assert queue.cancel(job.id).state == "cancelled"


def test_whoever_waits_is_woken_by_another_process(queue: JobQueue, postgres_place: str) -> None:
    job, _ = queue.submit(CAT)
    seen: list[str] = []
    follower = threading.Thread(target=lambda: seen.extend(event.name for event in queue.follow(job.id)))
    follower.start()
    other = open_queue(postgres_place)
    other.cancel(job.id)
    follower.join(timeout=5)
    other.close()
    assert seen == ["job.queued", "job.cancelled"]


def test_the_time_is_the_servers(queue: JobQueue, postgres_place: str) -> None:
    import psycopg

    with psycopg.connect(postgres_place) as other:
        (now,) = other.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone() or (0,)
    assert 0 <= queue.submit(CAT)[0].created_at - float(now) < 5


def test_what_breaks_a_rule_of_the_tables_is_a_defect_and_no_trouble_of_the_database(queue: JobQueue) -> None:
    import psycopg

    kept, _ = queue.submit(CAT)
    with pytest.raises(psycopg.IntegrityError):
        queue.database.write(lambda session: session.execute("UPDATE job SET owner = NULL"))
    assert queue.get(kept.id) == kept and queue.submit(CAT)[1]
