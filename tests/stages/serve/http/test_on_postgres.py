"""A server whose jobs are in PostgreSQL: the same work, also when PostgreSQL goes away in the middle of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.stages.serve.queue.queue import open_queue

DRAW = "/v1/images/generations"
LINES = 6


def submit(client: Any, seed: int, n: int = 1) -> Any:
    body = {"request": {"prompt": "a cat", "seed": seed, "n": n}}
    return client.post("/api/v1/jobs", json=body, headers={"idempotency-key": f"k{seed}"})


def begin_batch(client: Any) -> str:
    lines = [
        {"custom_id": f"n{n}", "method": "POST", "url": DRAW, "body": {"prompt": "a cat", "seed": 100 + n, "n": 2}}
        for n in range(LINES)
    ]
    files = {"file": ("lines.jsonl", "\n".join(map(json.dumps, lines)).encode())}
    file = client.post("/v1/files", data={"purpose": "batch"}, files=files).json()["id"]
    asked = {"input_file_id": file, "endpoint": DRAW, "completion_window": "24h"}
    return client.post("/v1/batches", json=asked).json()["id"]


@pytest.mark.slow
def test_postgresql_that_ends_and_comes_back_in_the_middle_of_work_loses_none_of_it(
    start_server: Any, postgres_server: Any, postgres_place: str, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    server = start_server(tmp_path, UNDERPAINT_SERVE_JOBS=postgres_place).wait_until_ready()
    assert not (tmp_path / "jobs.sqlite").exists()
    with server.client() as client:
        batch = begin_batch(client)
        jobs = [submit(client, 10 * number, n=3).json()["id"] for number in range(8)]
        with client.stream("GET", f"/api/v1/jobs/{jobs[-1]}/events") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if "job.queued" in line)
            postgres_server.stop()
            refused = submit(client, 999)
            error = refused.json()["error"]
            assert (refused.status_code, error["code"]) == (503, "storage_busy")
            assert int(refused.headers["retry-after"]) >= 1 and "postgres" not in error["message"]
            assert client.post(DRAW, json={"prompt": "a cat"}).status_code == 200
            assert client.get("/metrics").status_code == 200
            eventually(lambda: any("does not answer" in why for why in client.get("/ready").json()["reasons"]))
            postgres_server.start()
            assert any("job.succeeded" in line for line in lines), "whoever listens hears the end"
        eventually(lambda: client.get("/ready").is_success)
        assert submit(client, 0, n=3).json()["id"] == jobs[0]
        done = eventually(lambda: _if_over(client.get(f"/v1/batches/{batch}").json()))
        eventually(lambda: not client.get("/api/v1/queue").json()["classes"])
    assert (done["status"], done["request_counts"]["completed"]) == ("completed", LINES)
    assert server.end() == 0
    assert not any('"defect"' in line or "Traceback" in line for line in server.lines), server.lines
    queue = open_queue(postgres_place)
    found = queue.jobs()
    assert [job.state for job in found] == ["succeeded"] * (len(jobs) + LINES)
    assert [job.failures for job in found] == [0] * len(found)
    for job in found:
        assert [event.name for event in queue.events(job.id)].count("job.succeeded") == 1
    queue.close()


def _if_over(batch: dict[str, Any]) -> dict[str, Any] | None:
    return batch if batch["status"] in ("completed", "failed", "expired", "cancelled") else None


@pytest.mark.slow
def test_a_server_without_its_postgresql_does_not_start_and_says_why(underpaint, tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERPAINT_SERVE_JOBS", f"postgresql://ann:secret@/db?host={tmp_path}")
    refused = underpaint("serve", "--port", 0, "--state", tmp_path / "state")
    assert (refused.code, "does not answer" in refused.stderr) == (6, True), refused.stderr
    assert "secret" not in refused.stderr and "Traceback" not in refused.stderr
