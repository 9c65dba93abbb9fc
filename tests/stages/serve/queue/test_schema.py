from __future__ import annotations

import sqlite3
from collections.abc import Callable

import psycopg
import pytest

from underpaint.core.errors import StoreDamaged
from underpaint.stages.serve.queue.database import Database, Session
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.queue.schema import STEPS, bring_up_to_date

CAT = Submission(owner="ann", request={"prompt": "a cat"})
NEXT = ("ALTER TABLE job ADD COLUMN note TEXT", "UPDATE job SET note = kind")


def database_of(queue: JobQueue) -> Database:
    return queue._database


def version(session: Session) -> str:
    return session.execute("SELECT value FROM setting WHERE name = 'version'")[0]["value"]


def test_an_older_queue_is_brought_up_to_date_with_its_jobs(queue: JobQueue) -> None:
    job, _ = queue.submit(CAT)
    database = database_of(queue)
    found = database.write(lambda session: bring_up_to_date(session, "here", [*STEPS, NEXT]))
    assert found == len(STEPS)
    assert database.read(version) == str(len(STEPS) + 1)
    assert database.read(lambda session: session.execute("SELECT note FROM job")) == [{"note": "generation"}]
    assert queue.get(job.id) == job
    again = database.write(lambda session: bring_up_to_date(session, "here", [*STEPS, NEXT]))
    assert again == len(STEPS) + 1


def test_a_step_that_fails_changes_nothing(queue: JobQueue) -> None:
    database = database_of(queue)

    def stopped(session: Session) -> None:
        bring_up_to_date(session, "here", [*STEPS, NEXT])
        raise KeyError("power cut")

    with pytest.raises(KeyError):
        database.write(stopped)
    assert database.read(version) == str(len(STEPS))
    queue.submit(CAT)
    assert "note" not in database.read(lambda session: session.execute("SELECT * FROM job"))[0]


def test_a_newer_queue_is_refused_and_left_alone(queue: JobQueue, open_again: Callable[..., JobQueue]) -> None:
    job, _ = queue.submit(CAT)
    database_of(queue).write(lambda session: session.execute("UPDATE setting SET value = '99' WHERE name = 'version'"))
    with pytest.raises(StoreDamaged, match=r"version 99.*update underpaint"):
        open_again()
    assert queue.get(job.id) == job
    assert database_of(queue).read(version) == "99"


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE setting"],
        ["DELETE FROM setting"],
        ["UPDATE setting SET value = 'two' WHERE name = 'version'"],
    ],
)
def test_tables_of_another_program_are_refused(
    queue: JobQueue, open_again: Callable[..., JobQueue], statements: list[str]
) -> None:
    for statement in statements:
        database_of(queue).write(lambda session, statement=statement: session.execute(statement))
    with pytest.raises(StoreDamaged, match="another program"):
        open_again()


def test_a_second_end_of_a_job_cannot_be_stored(queue: JobQueue) -> None:
    job, _ = queue.submit(CAT)
    queue.cancel(job.id)
    sql = "INSERT INTO job_event (job, seq, name, body, at) VALUES (:job, 99, 'job.succeeded', '{}', 0)"
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match=r"(?i)unique"):
        database_of(queue).write(lambda session: session.execute(sql, job=job.id))
    assert queue.get(job.id).state == "cancelled"
