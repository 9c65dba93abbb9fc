"""A disk that is full, a folder that is read-only or gone: told as it is, held against no job, over when it is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from underpaint.stages.serve.queue.queue import open_queue

DISK_MB = 8
DRAW = "/v1/images/generations"


def submit(client: httpx2.Client, seed: int, n: int = 1) -> Any:
    body = {"request": {"prompt": "a cat", "seed": seed, "n": n}}
    return client.post("/api/v1/jobs", json=body, headers={"idempotency-key": f"k{seed}"})


def refused(answer: Any, code: str) -> None:
    """Check that an answer is a refusal for now, in the documented form, that does not say where things are kept."""
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (503, "server_error", code), answer.text
    assert 250 <= int(answer.headers["retry-after-ms"]) <= 60_000 and int(answer.headers["retry-after"]) >= 1
    assert "/" not in error["message"] and "try again later" in error["message"]


def drawn_once(state: Path, jobs: list[str]) -> None:
    """Check that jobs were drawn once, and that nothing was held against them."""
    queue = open_queue(state / "jobs.sqlite")
    for job in jobs:
        found = queue.get(job)
        assert (found.state, found.failures, found.losses) == ("succeeded", 0, 0)
        assert [event.name for event in queue.events(job)].count("job.succeeded") == 1
    queue.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be mounted by root alone")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free, and return the file that takes them."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.slow
def test_a_full_disk_is_a_503_and_what_was_accepted_is_drawn_when_there_is_room(
    start_server: Any, small_disk: Path, eventually: Callable[..., Any]
) -> None:
    state, temporary = small_disk / "state", small_disk / "tmp"
    temporary.mkdir()
    server = start_server(state, TMPDIR=str(temporary)).wait_until_ready()
    with server.client() as client:
        picture = {"files": {"image": ("a.png", b"x" * 3 * 2**20)}, "data": {"prompt": "a cat"}}
        assert client.post("/v1/images/edits", **picture).status_code == 400
        accepted = [submit(client, seed, n=4).json()["id"] for seed in range(0, 40, 10)]
        filler = fill(small_disk)
        eventually(lambda: submit(client, 100).status_code == 503)
        refused(submit(client, 100), "storage_full")
        for size in (10_000, 3 * 2**20):
            form = {"files": {"file": ("a.jsonl", b"x" * size)}, "data": {"purpose": "batch"}}
            refused(client.post("/v1/files", **form), "storage_full")
        refused(client.post("/v1/images/edits", **picture), "storage_full")
        refused(client.post("/api/v1/recall", files={"file": ("a.png", b"x" * 50_000)}), "storage_full")
        refused(client.post(DRAW, json={"prompt": "a cat", "seed": 9, "response_format": "url"}), "storage_full")
        assert client.post(DRAW, json={"prompt": "a cat", "seed": 9}).status_code == 200
        ready = client.get("/ready")
        assert ready.status_code == 503 and "the state folder cannot be written" in ready.json()["reasons"]
        assert client.get("/health").status_code == 200 and client.get("/metrics").status_code == 200
        filler.unlink()
        eventually(lambda: client.get("/ready").is_success)
        accepted.append(submit(client, 100).json()["id"])
        eventually(lambda: not client.get("/api/v1/queue").json()["classes"])
    assert server.end() == 0
    assert not any('"defect"' in line or "Traceback" in line for line in server.lines), server.lines
    drawn_once(state, accepted)


@pytest.mark.slow
def test_a_server_that_is_killed_on_a_full_disk_starts_on_it_and_works_when_there_is_room(
    start_server: Any, small_disk: Path, eventually: Callable[..., Any]
) -> None:
    server = start_server(small_disk / "state").wait_until_ready()
    with server.client() as client:
        client.post("/api/v1/queue/pause")
        accepted = [submit(client, seed).json()["id"] for seed in range(3)]
    filler = fill(small_disk)
    server.end(signal.SIGKILL)
    server = start_server(small_disk / "state")
    with server.client(transport=httpx2.HTTPTransport(retries=20)) as client:
        assert client.get("/ready").json()["reasons"] == ["the state folder cannot be written"]
        assert client.post(DRAW, json={"prompt": "a cat"}).status_code == 200
        refused(client.post("/api/v1/queue/resume"), "storage_full")
        filler.unlink()
        eventually(lambda: client.get("/ready").is_success)
        assert client.post("/api/v1/queue/resume").json()["paused"] is False
        eventually(lambda: not client.get("/api/v1/queue").json()["classes"])
    assert server.end() == 0
    drawn_once(small_disk / "state", accepted)


@pytest.mark.slow
def test_a_batch_waits_for_room_to_write_its_answers(
    start_server: Any, small_disk: Path, eventually: Callable[..., Any]
) -> None:
    server = start_server(small_disk / "state").wait_until_ready()
    with server.client() as client:
        line = (
            '{"custom_id": "a", "method": "POST", "url": "/v1/images/generations", '
            '"body": {"prompt": "a cat", "n": 10, "seed": 1}}'
        )
        client.post("/api/v1/queue/pause")
        files = {"file": ("a.jsonl", line.encode())}
        file = client.post("/v1/files", data={"purpose": "batch"}, files=files).json()["id"]
        asked = {"input_file_id": file, "endpoint": DRAW, "completion_window": "24h"}
        batch = client.post("/v1/batches", json=asked).json()["id"]
        eventually(lambda: client.get(f"/v1/batches/{batch}").json()["status"] == "in_progress")
        client.post("/api/v1/queue/resume")
        filler = fill(small_disk)
        eventually(lambda: client.get("/ready").json()["reasons"])
        filler.unlink()
        done = eventually(lambda: _if_over(client.get(f"/v1/batches/{batch}").json()))
        assert (done["status"], done["request_counts"]["completed"]) == ("completed", 1)
        content = client.get(f"/v1/files/{done['output_file_id']}/content")
        assert content.text.count('"b64_json"') == 10
    assert server.end() == 0


def _if_over(batch: dict[str, Any]) -> dict[str, Any] | None:
    return batch if batch["status"] in ("completed", "failed", "expired", "cancelled") else None


@pytest.mark.slow
def test_a_state_folder_that_is_moved_away_accepts_nothing_until_it_is_back(
    start_server: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    state, away = tmp_path / "state", tmp_path / "away"
    server = start_server(state).wait_until_ready()
    with server.client() as client:
        client.post("/api/v1/queue/pause")
        job = submit(client, 1).json()["id"]
        state.rename(away)
        refused(submit(client, 2), "storage_failed")
        refused(client.get(f"/api/v1/jobs/{job}"), "storage_failed")
        files = {"file": ("a.jsonl", b"x")}
        refused(client.post("/v1/files", data={"purpose": "batch"}, files=files), "storage_failed")
        refused(client.post(DRAW, json={"prompt": "a cat", "response_format": "url"}), "storage_failed")
        refused(client.get(f"/api/v1/images/{'0' * 64}"), "storage_failed")
        assert client.post(DRAW, json={"prompt": "a cat"}).status_code == 200
        reasons = eventually(lambda: _with(client, "state folder: what was in use was moved, removed or replaced"))
        assert "the state folder cannot be written" in reasons
        assert not state.exists(), "nothing is begun anew where it was"
        away.rename(state)
        eventually(lambda: client.get("/ready").is_success)
        assert client.get("/api/v1/queue").json()["paused"] is True
        client.post("/api/v1/queue/resume").raise_for_status()
        second = submit(client, 2).json()["id"]
        eventually(lambda: not client.get("/api/v1/queue").json()["classes"])
    assert server.end() == 0
    drawn_once(state, [job, second])


def _with(client: httpx2.Client, reason: str) -> list[str] | None:
    found = client.get("/ready").json()["reasons"]
    return found if reason in found else None


@pytest.mark.slow
def test_a_state_folder_that_is_removed_ends_no_server_and_another_start_begins_anew(
    start_server: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    state = tmp_path / "state"
    server = start_server(state).wait_until_ready()
    with server.client() as client:
        shutil.rmtree(state)
        refused(submit(client, 1), "storage_failed")
        eventually(lambda: not client.get("/ready").is_success)
        assert client.post(DRAW, json={"prompt": "a cat"}).status_code == 200
    assert server.end() == 0 and not state.exists()
    with start_server(state).wait_until_ready().client() as client:
        assert submit(client, 1).status_code == 202


@pytest.fixture
def freeze(tmp_path: Path) -> Iterator[Callable[[Path, bool], None]]:
    """Let nothing be made or removed in a folder, as on a disk that is mounted read-only."""
    frozen: set[Path] = set()

    def change(folder: Path, on: bool) -> None:
        command = ["chattr", "+i" if on else "-i", folder]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("folders cannot be made immutable here")
        frozen.add(folder) if on else frozen.discard(folder)

    yield change
    for folder in list(frozen):
        change(folder, False)


@pytest.mark.slow
def test_a_state_folder_that_becomes_read_only_keeps_its_jobs_waiting(
    start_server: Any, tmp_path: Path, eventually: Callable[..., Any], freeze: Callable[[Path, bool], None]
) -> None:
    state = tmp_path / "state"
    server = start_server(state).wait_until_ready()
    with server.client() as client:
        freeze(state / "pictures", True)
        freeze(state, True)
        accepted = [submit(client, seed).json()["id"] for seed in range(3)]
        reasons = eventually(lambda: _with(client, "pictures: it cannot be written or read"))
        assert "the state folder cannot be written" in reasons
        assert {client.get(f"/api/v1/jobs/{job}").json()["state"] for job in accepted} <= {"running", "queued"}
        refused(client.post(DRAW, json={"prompt": "a dog", "response_format": "url"}), "storage_failed")
        freeze(state, False)
        freeze(state / "pictures", False)
        eventually(lambda: client.get("/ready").is_success and not client.get("/api/v1/queue").json()["classes"])
    assert server.end() == 0
    drawn_once(state, accepted)
