"""A database that is locked, damaged or emptied: told as it is, nothing accepted is lost, over when it is over."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from underpaint.stages.serve.backend import JOBS
from underpaint.stages.serve.batches.records import BATCHES
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import open_queue

DRAW = "/v1/images/generations"
PAGE_BYTES = 4096


def submit(client: httpx2.Client, seed: int) -> Any:
    return client.post("/api/v1/jobs", json={"request": {"prompt": "a cat", "seed": seed}})


def code_of(answer: Any) -> str:
    error = answer.json()["error"]
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1, answer.text
    assert "sqlite" not in error["message"] and "/" not in error["message"]
    return error["code"]


def reasons(client: httpx2.Client) -> list[str]:
    return client.get("/ready").json()["reasons"]


def filled(path: Path, jobs: int = 200) -> list[str]:
    """Make a queue of held jobs that is larger than what a connection keeps in memory, and return their ids."""
    queue = open_queue(path)
    asked = Submission(owner="ann", request={"prompt": "a cat", "seed": 1, "note": "x" * 20_000})
    ids = [queue.hold(job.id).id for job, _ in queue.submit_all([asked] * jobs)]
    queue.close()
    return ids


@pytest.mark.slow
def test_a_database_that_another_process_locks_is_a_503_while_pictures_are_drawn_and_jobs_wait(
    start_server: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    server = start_server(tmp_path).wait_until_ready()
    other = sqlite3.connect(tmp_path / JOBS, isolation_level=None)
    with server.client() as client:
        jobs = [submit(client, seed).json()["id"] for seed in range(4)]
        other.execute("BEGIN IMMEDIATE")
        assert code_of(submit(client, 9)) == "storage_busy"
        began = time.monotonic()
        for _ in range(5):
            assert code_of(submit(client, 9)) == "storage_busy"
        assert time.monotonic() - began < 5 * 5, "nobody waits as long as the first one"
        assert client.post(DRAW, json={"prompt": "a cat", "seed": 9}).status_code == 200
        assert client.get(f"/api/v1/jobs/{jobs[0]}").status_code == 200, "readers do not wait"
        eventually(lambda: any("is held by another process" in reason for reason in reasons(client)))
        other.execute("ROLLBACK")
        eventually(lambda: client.get("/ready").is_success)
        jobs.append(submit(client, 9).json()["id"])
        eventually(lambda: not client.get("/api/v1/queue").json()["classes"])
        views = [client.get(f"/api/v1/jobs/{job}").json() for job in jobs]
    other.close()
    assert [(view["state"], view["attempt"]) for view in views] == [("succeeded", 1)] * len(jobs)
    assert server.end() == 0


@pytest.mark.slow
def test_a_database_that_is_damaged_while_it_is_used_is_a_503_until_it_is_mended(
    start_server: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    ids = filled(tmp_path / JOBS)
    server = start_server(tmp_path).wait_until_ready()
    whole = (tmp_path / JOBS).read_bytes()
    with server.client() as client:
        with (tmp_path / JOBS).open("r+b") as file:
            file.seek(PAGE_BYTES)
            file.write(b"\xa5" * (len(whole) - PAGE_BYTES))
        codes = {code_of(client.get(f"/api/v1/jobs/{job}")) for job in ids[50:150:20]}
        assert codes == {"storage_damaged"}
        eventually(lambda: "jobs: the database is damaged" in reasons(client))
        assert code_of(submit(client, 1)) == "storage_damaged"
        assert client.post(DRAW, json={"prompt": "a cat"}).status_code == 200
        with (tmp_path / JOBS).open("r+b") as file:
            file.write(whole)
        eventually(lambda: client.get("/ready").is_success)
        assert client.get(f"/api/v1/jobs/{ids[100]}").json()["state"] == "held"
        assert submit(client, 1).status_code == 202
    assert server.end() == 0


@pytest.mark.parametrize("name", [JOBS, BATCHES])
@pytest.mark.parametrize("damage", ["overwritten", "cut", "emptied", "text"])
def test_a_server_does_not_start_on_a_damaged_database_and_leaves_it_as_it_is(
    underpaint: Callable[..., Any], whole_state: Path, tmp_path: Path, name: str, damage: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for file in whole_state.iterdir():
        (state / file.name).write_bytes(file.read_bytes())
    content = (state / name).read_bytes()
    middle = len(content) // (2 * PAGE_BYTES) * PAGE_BYTES
    noise = b"\xa5" * PAGE_BYTES
    (state / name).write_bytes(
        {
            "overwritten": content[:middle] + noise + content[middle + PAGE_BYTES :],
            "cut": content[:middle],
            "emptied": b"",
            "text": b"my shopping list\n" * 500,
        }[damage]
    )
    before = (state / name).read_bytes()
    refused = underpaint("serve", "--port", 0, "--state", state)
    assert (refused.code, str(state / name) in refused.stderr) == (6, True), refused.stderr
    assert "Traceback" not in refused.stderr
    assert (state / name).read_bytes() == before


@pytest.fixture(scope="module")
def whole_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The databases of a server that was in use."""
    from underpaint.stages.serve.batches.records import Records

    state = tmp_path_factory.mktemp("whole")
    filled(state / JOBS, jobs=20)
    records = Records(state)
    for number in range(200):
        records.add_batch(
            owner="ann",
            input_file_id="x" * 200,
            endpoint=DRAW,
            metadata={"note": "x" * 500},
            base=f"b{number}",
            created_at=0,
            expires_at=1,
        )
    records.close()
    records.folder.rmdir()
    return state
