"""Servers that are stopped, killed and started again: nothing that was accepted is lost or done twice."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from underpaint.stages.serve.queue.queue import open_queue

JOBS = 16


def submit(client: httpx2.Client, number: int) -> str | None:
    try:
        answer = client.post(
            "/api/v1/jobs",
            json={"request": {"prompt": "a cat", "seed": number}},
            headers={"idempotency-key": f"k{number}"},
        )
    except httpx2.HTTPError:
        return None
    return answer.json()["id"] if answer.status_code in (200, 202) else None


def opened(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=60)


@pytest.mark.slow
def test_a_server_that_is_killed_again_and_again_draws_every_job_once(start_server, tmp_path):
    dice, accepted = random.Random(0), dict[int, str]()
    kills = 0
    while kills < 3:
        server = start_server(tmp_path).wait_until_ready()
        with opened(server.url) as client:
            for number in range(JOBS):
                if number not in accepted and (job := submit(client, number)):
                    accepted[number] = job
        time.sleep(dice.uniform(0.0, 1.0))
        server.end(signal.SIGKILL)
        kills += 1
    server = start_server(tmp_path).wait_until_ready()
    with opened(server.url) as client:
        end = time.monotonic() + 60
        while client.get("/api/v1/queue").json()["classes"] and time.monotonic() < end:
            time.sleep(0.1)
        views = [client.get(f"/api/v1/jobs/{job}").json() for job in accepted.values()]
        again = [submit(client, number) for number in accepted]
        for view in views:
            assert client.get(view["images"][0]["url"]).status_code == 200
    assert len(accepted) == JOBS and again == list(accepted.values())
    assert [(view["state"], view["images"][0]["seed"]) for view in views] == [("succeeded", n) for n in accepted]
    assert server.end() == 0
    queue = open_queue(tmp_path / "jobs.sqlite")
    for job in accepted.values():
        names = [event.name for event in queue.events(job)]
        assert names.count("job.succeeded") == 1 and names[-1] == "job.succeeded"
    queue.close()


@pytest.mark.slow
def test_a_batch_goes_on_after_a_kill_and_every_line_is_answered_once(start_server, tmp_path):
    body = {"prompt": "a cat", "n": 2}
    lines = [
        {"custom_id": f"n{number}", "method": "POST", "url": "/v1/images/generations", "body": {**body, "seed": number}}
        for number in range(12)
    ]
    server = start_server(tmp_path).wait_until_ready()
    sdk = server.openai()
    file = sdk.files.create(file=("lines.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = sdk.batches.create(input_file_id=file.id, endpoint="/v1/images/generations", completion_window="24h")
    for _ in range(2):
        time.sleep(0.7)
        server.end(signal.SIGKILL)
        server = start_server(tmp_path).wait_until_ready()
    sdk = server.openai()
    end = time.monotonic() + 60
    while (done := sdk.batches.retrieve(batch.id)).status != "completed" and time.monotonic() < end:
        time.sleep(0.1)
    assert (done.status, done.request_counts.completed) == ("completed", 12)
    answers = [json.loads(line) for line in sdk.files.content(str(done.output_file_id)).text.splitlines()]
    assert [answer["custom_id"] for answer in answers] == [line["custom_id"] for line in lines]
    seeds = [[one["underpaint"]["seed"] for one in answer["response"]["body"]["data"]] for answer in answers]
    assert seeds == [[number, number + 1] for number in range(12)]


@pytest.mark.slow
def test_a_server_that_is_stopped_answers_what_it_accepted_and_keeps_what_waits(start_server, tmp_path):
    server = start_server(tmp_path).wait_until_ready()
    answers: list[Any] = []

    def ask() -> None:
        with opened(server.url) as client:
            answers.append(client.post("/v1/images/generations", json={"prompt": "a cat", "n": 4}))

    with opened(server.url) as client:
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.3)
        client.post("/api/v1/queue/pause")
        jobs = [submit(client, number) for number in range(30)]
        with client.stream("GET", f"/api/v1/jobs/{jobs[-1]}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "id: 1"
            client.post("/api/v1/queue/resume")
            server.signal(signal.SIGTERM)
            assert not any("job.succeeded" in line for line in lines)
    asking.join()
    assert server.end() == 0
    assert answers[0].status_code == 200 and len(answers[0].json()["data"]) == 4
    queue = open_queue(tmp_path / "jobs.sqlite")
    states = {job: queue.get(str(job)).state for job in jobs}
    queue.close()
    assert set(states.values()) <= {"succeeded", "queued"} and "queued" in states.values()


@pytest.mark.slow
def test_a_pause_survives_a_restart_and_a_second_server_on_the_same_state_is_refused(
    start_server, underpaint, tmp_path
):
    server = start_server(tmp_path).wait_until_ready()
    with opened(server.url) as client:
        client.post("/api/v1/queue/pause")
        job = submit(client, 1)
    refused = underpaint("serve", "--port", 0, "--state", tmp_path)
    assert (refused.code, "used by another server" in refused.stderr) == (6, True)
    server.end()
    server = start_server(tmp_path).wait_until_ready()
    with opened(server.url) as client:
        assert client.get("/api/v1/queue").json()["paused"] is True
        assert client.get(f"/api/v1/jobs/{job}").json()["state"] == "queued"


def engine_of(server: Any) -> int:
    """Return the number of a server's engine process."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return int(children[0])


@pytest.mark.slow
def test_an_engine_that_is_killed_is_started_again_and_nobody_notices(start_server, tmp_path):
    import os

    server = start_server(tmp_path).wait_until_ready()
    sdk = server.openai()
    plain = sdk.images.generate(prompt="a cat", n=10, extra_body={"seed": 1})
    os.kill(engine_of(server), signal.SIGKILL)
    again = sdk.images.generate(prompt="a cat", n=10, extra_body={"seed": 1})
    assert [one.b64_json for one in again.data] == [one.b64_json for one in plain.data]
    with opened(server.url) as client:
        assert 'underpaint_engines_lost_total{model="stickers-64"} 1.0' in client.get("/metrics").text
    assert server.end() == 0
    assert any('"event": "engine_lost"' in line for line in server.lines)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["gone", pytest.param("changed", marks=pytest.mark.exhaustive)])
def test_a_model_that_goes_away_is_a_503_and_jobs_wait_for_it_to_come_back(
    start_server, tmp_path, tiny_model, make_tiny_model, what
):
    import os

    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    server = start_server(tmp_path / "state", "-m", f"tiny={model}", "--engine", "torch").wait_until_ready()
    model.rename(tmp_path / "away")
    if what == "changed":
        make_tiny_model(model, seed=1)
    os.kill(engine_of(server), signal.SIGKILL)
    with opened(server.url) as client:
        refused = client.post("/v1/images/generations", json={"prompt": "a cat"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "integrity_failure")
        assert str(tmp_path) not in refused.text
        assert int(refused.headers["retry-after-ms"]) > 0
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["model tiny: it cannot be loaded"])
        job = submit(client, 1)
        with client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if "job.queued" in line)
            if what == "changed":
                model.rename(tmp_path / "other")
            (tmp_path / "away").rename(model)
            assert any("job.succeeded" in line for line in lines)
        assert client.get("/ready").status_code == 200
    assert server.end() == 0
    assert any('"event": "model_unavailable"' in line and str(model) in line for line in server.lines)
