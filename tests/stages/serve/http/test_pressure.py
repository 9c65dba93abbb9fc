"""More than can be drawn: what is refused says when to come back, and nothing else happens."""

from __future__ import annotations

import threading
import time
from typing import Any

import openai
import pytest


@pytest.mark.slow
def test_under_too_much_work_there_are_pictures_and_429_and_nothing_else(start_server, tmp_path):
    server = start_server(tmp_path, UNDERPAINT_SERVE_BACKLOG_S="0.3").wait_until_ready()
    seen: list[Any] = []

    def ask(number: int) -> None:
        with server.client() as client:
            body = {"prompt": "a cat", "n": 2, "seed": number}
            seen.append(client.post("/v1/images/generations", json=body))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in seen} == {200, 429}
    for answer in seen:
        if answer.status_code == 429:
            error = answer.json()["error"]
            assert (error["type"], error["code"]) == ("rate_limit_error", "queue_full")
            assert 250 <= int(answer.headers["retry-after-ms"]) <= 60_000
            assert int(answer.headers["retry-after"]) >= 1
    patient = server.openai(max_retries=5)
    began = time.monotonic()
    assert patient.images.generate(prompt="a cat", n=2).data and time.monotonic() - began < 30


@pytest.mark.slow
def test_models_are_loaded_when_they_are_asked_for_and_make_room_for_each_other(start_server, tmp_path):
    models = ("-m", "one=stickers-64", "-m", "two=stickers-64")
    server = start_server(tmp_path, *models, "--memory", 300).wait_until_ready()
    sdk = server.openai()

    def loaded() -> set[str]:
        with server.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return {
            line.split('"')[1]
            for line in lines
            if line.startswith("underpaint_model_loaded{") and line.endswith(" 1.0")
        }

    assert loaded() == {"one"}
    first = sdk.images.generate(prompt="a cat", model="two", extra_body={"seed": 1})
    assert loaded() == {"two"}
    again = sdk.images.generate(prompt="a cat", extra_body={"seed": 1})
    assert loaded() == {"one"}
    digests = {answer.data[0].underpaint["pixel_sha256"] for answer in (first, again)}
    assert len(digests) == 1
    with pytest.raises(openai.NotFoundError):
        sdk.images.generate(prompt="a cat", model="three")


@pytest.mark.slow
def test_in_a_full_queue_what_is_known_by_its_key_is_answered_and_what_is_new_is_refused(start_server, tmp_path):
    server = start_server(tmp_path, UNDERPAINT_SERVE_BATCH_BACKLOG_S="0.001").wait_until_ready()
    with server.client() as client:
        client.post("/api/v1/queue/pause")

        def submit(key: str) -> Any:
            body = {"request": {"prompt": "a cat"}}
            return client.post("/api/v1/jobs", json=body, headers={"idempotency-key": key})

        first = submit("first")
        assert (first.status_code, submit("second").json()["error"]["code"]) == (202, "queue_full")
        again = submit("first")
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        cancelled = client.post(f"/api/v1/jobs/{first.json()['id']}/cancel").json()["id"]
        assert submit("third").status_code == 202
        refused = client.post(f"/api/v1/jobs/{cancelled}/retry")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
