from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import StorageError, StoreBusy, StoreDamaged
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import JobQueue, open_queue
from underpaint.stages.serve.queue.sqlite import READERS_KEPT, SqliteDatabase, SqliteSession

CAT = Submission(owner="ann", request={"prompt": "a cat"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture
def queue(path: Path) -> Iterator[JobQueue]:
    queue = open_queue(path, QueuePolicy(busy_s=0.1))
    yield queue
    queue.close()


def filled(path: Path, jobs: int = 60, letters: int = 3000) -> list[str]:
    queue = open_queue(path)
    large = Submission(owner="ann", request={"text": "x" * letters})
    ids = [job.id for job, _ in queue.submit_all([large] * jobs)]
    queue.close()
    return ids


def test_every_commit_is_flushed_to_the_disk(path: Path, queue: JobQueue) -> None:
    database = SqliteDatabase(path)
    assert database.write(lambda session: session.execute("PRAGMA synchronous")) == [{"synchronous": 2}]
    assert database.write(lambda session: session.execute("PRAGMA journal_mode")) == [{"journal_mode": "wal"}]
    database.close()


@pytest.mark.parametrize("limit", [400_000, 900_000])
def test_a_full_disk_is_an_error_and_loses_nothing(run_script: Callable[..., Any], path: Path, limit: int) -> None:
    finished = run_script("full_disk.py", path, limit)
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert "disk" in told["message"]
    assert len(told["before"]) > 3
    assert told["seen"] == told["before"]
    queue = open_queue(path)
    assert [job.id for job in queue.jobs(limit=1000)] == [*told["before"], told["after"]]
    queue.close()


def test_a_file_that_may_not_grow_says_that_the_disk_is_full(path: Path) -> None:
    database = SqliteDatabase(path)
    queue = JobQueue(database)
    database.write(lambda session: session.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(StorageError, match="the disk is full"):
        queue.submit_all([Submission(owner="ann", request={"text": "x" * 3000})] * 100)
    assert queue.jobs() == []
    database.write(lambda session: session.execute("PRAGMA max_page_count = 100000"))
    queue.submit(CAT)
    queue.close()


def test_a_locked_database_is_an_error_and_works_again_later(path: Path, queue: JobQueue) -> None:
    kept, _ = queue.submit(CAT)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="another process"):
        queue.submit(CAT)
    assert queue.jobs() == [kept], "readers do not wait"
    other.execute("ROLLBACK")
    other.close()
    queue.submit(CAT)
    assert len(queue.jobs()) == 2


@pytest.mark.parametrize("damage", ["overwritten", "cut", "text"])
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, damage: str) -> None:
    filled(path)
    content = path.read_bytes()
    middle = len(content) // 8192 * 4096
    path.write_bytes(
        {
            "overwritten": content[:middle] + b"\xa5" * 8192 + content[middle + 8192 :],
            "cut": content[:middle],
            "text": b"my shopping list\n" * 500,
        }[damage]
    )
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"jobs\.sqlite"):
        open_queue(path)
    assert path.read_bytes() == before


def test_when_one_has_waited_for_a_lock_in_vain_the_others_hardly_wait(path: Path) -> None:
    queue = open_queue(path, QueuePolicy(busy_s=2.0))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            queue.submit(CAT)
        waits.append(time.monotonic() - began)
    other.execute("ROLLBACK")
    assert waits[0] >= 2.0 and max(waits[1:]) < 1.5
    queue.submit(CAT)
    other.execute("BEGIN IMMEDIATE")
    freeing = threading.Timer(0.6, other.execute, ["ROLLBACK"])
    freeing.start()
    queue.submit(CAT)
    freeing.join()
    other.close()
    queue.close()


@pytest.mark.parametrize("what", ["moved", "removed", "replaced"])
def test_a_file_that_is_taken_away_accepts_nothing_until_it_is_back(
    path: Path, tmp_path: Path, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("underpaint.stages.serve.queue.sqlite.REOPEN_S", 0.0)
    kept, _ = queue.submit(CAT)
    (tmp_path / "away").mkdir()
    files = list(tmp_path.glob("jobs.sqlite*"))
    for file in files:
        file.rename(tmp_path / "away" / file.name)
    if what == "replaced":
        path.touch()
    for _ in range(3):
        with pytest.raises(StorageError, match=r"jobs\.sqlite"):
            queue.submit(CAT)
        with pytest.raises(StorageError, match=r"jobs\.sqlite"):
            queue.jobs()
    assert path.exists() == (what == "replaced"), "nothing begins a new queue in silence"
    if what == "removed":
        return
    for file in files:
        (tmp_path / "away" / file.name).replace(file)
    with contextlib.suppress(StorageError):
        queue.jobs()
    assert queue.jobs() == [kept]
    queue.submit(CAT)


def test_damage_under_a_running_queue_is_an_error_until_it_is_mended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("underpaint.stages.serve.queue.sqlite.REOPEN_S", 0.0)
    ids = filled(path, jobs=200, letters=20_000)
    queue = open_queue(path)
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (len(whole) - 4096))
    with pytest.raises(StoreDamaged, match="damaged"):
        queue.cancel(ids[100])
    with pytest.raises(StoreDamaged, match="damaged"):
        queue.submit(CAT)
    path.write_bytes(whole)
    queue.submit(CAT)
    assert [job.id for job in queue.jobs(limit=1000)][:-1] == ids
    queue.close()


def test_a_file_that_lost_its_content_is_not_taken_for_a_new_one(path: Path) -> None:
    queue = open_queue(path)
    queue.submit(CAT)
    log = path.with_name("jobs.sqlite-wal").read_bytes()
    queue.close()
    path.write_bytes(b"")
    path.with_name("jobs.sqlite-wal").write_bytes(log)
    with pytest.raises(StoreDamaged, match="lost its content"):
        open_queue(path)
    assert path.with_name("jobs.sqlite-wal").read_bytes() == log


def test_a_place_that_cannot_hold_a_database_is_an_error(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing" / "jobs.sqlite"):
        with pytest.raises(StorageError, match="cannot be read or written"):
            open_queue(place)


def test_a_log_that_a_kill_cut_short_is_read_up_to_the_last_whole_commit(path: Path, tmp_path: Path) -> None:
    queue = open_queue(path)
    ids = [queue.submit(CAT)[0].id for _ in range(5)]
    copy, log = tmp_path / "copy.sqlite", path.with_name("jobs.sqlite-wal").read_bytes()
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.sqlite-wal").write_bytes(log[:-100])
    queue.close()
    again = open_queue(copy)
    assert [job.id for job in again.jobs()] == ids[:4]
    again.close()


def test_what_fails_in_a_group_does_not_harm_the_others(path: Path) -> None:
    database = SqliteDatabase(path)
    queue = JobQueue(database)
    gate, outcomes = threading.Event(), {}

    def write(name: str, work: Callable[[Any], Any]) -> threading.Thread:
        def run() -> None:
            try:
                outcomes[name] = database.write(work)
            except (StorageError, ValueError) as error:
                outcomes[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def raising(session: Any) -> None:
        session.execute("INSERT INTO setting (name, value) VALUES ('lost', '1')")
        raise ValueError("no")

    threads = [write("slow", lambda session: gate.wait())]
    threads += [write("error", raising), write("sql", lambda session: session.execute("SELECT * FROM nowhere"))]
    threads += [write(f"good {i}", lambda session: session.execute("SELECT 1 AS one")) for i in range(5)]
    gate.set()
    for thread in threads:
        thread.join()
    assert [outcomes[f"good {i}"] for i in range(5)] == [[{"one": 1}]] * 5
    assert isinstance(outcomes["error"], ValueError)
    assert isinstance(outcomes["sql"], StorageError)
    assert database.read(lambda session: session.execute("SELECT name FROM setting WHERE name = 'lost'")) == []
    queue.submit(CAT)
    queue.close()


def test_threads_share_flushes_and_none_gets_anothers_job(queue: JobQueue) -> None:
    accepted: list[str] = []

    def submit() -> None:
        accepted.extend(queue.submit(CAT)[0].id for _ in range(10))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(accepted)) == 80
    assert {job.id for job in queue.jobs(limit=1000)} == set(accepted)


def test_a_closed_queue_says_so(path: Path) -> None:
    queue = open_queue(path)
    queue.close()
    queue.close()
    with pytest.raises(StorageError, match="was closed"):
        queue.submit(CAT)


def test_what_breaks_a_rule_of_the_tables_is_a_defect_and_no_trouble_of_the_disk(path: Path, queue: JobQueue) -> None:
    kept, _ = queue.submit(CAT)
    with pytest.raises(sqlite3.IntegrityError):
        queue.database.write(lambda session: session.execute("INSERT INTO job SELECT * FROM job"))
    assert queue.get(kept.id) == kept and queue.submit(CAT)[1]


def test_an_error_that_lasts_is_a_new_one_for_everybody(path: Path, queue: JobQueue) -> None:
    path.rename(path.with_name("away"))
    lengths, errors = list[int](), list[StorageError]()
    for _ in range(4):
        with pytest.raises(StorageError) as caught:
            queue.submit(CAT)
        errors.append(caught.value)
        lengths.append(len(caught.traceback))
    assert len(set(map(id, errors))) == len(errors) and lengths[-1] == lengths[-2]
    path.with_name("away").rename(path)


def test_however_many_read_at_one_time_few_connections_stay_open(path: Path) -> None:
    database = SqliteDatabase(path)
    everybody = threading.Barrier(16)
    opened: list[sqlite3.Connection] = []

    def look(session: SqliteSession) -> None:
        everybody.wait(30)
        opened.append(session._connection)

    threads = [threading.Thread(target=database.read, args=(look,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(opened)) == 16
    assert sum(map(is_open, opened)) == READERS_KEPT
    assert database.read(lambda session: session.now()) > 0
    database.close()
    assert not any(map(is_open, opened))


def is_open(connection: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
        return True
    return False
