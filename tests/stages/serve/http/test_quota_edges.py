"""Where quotas and keys end while work waits: a batch that asks for too much, a key that is revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits

DRAW = "/v1/images/generations"


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> KeyFile:
    return KeyFile(tmp_path_factory.mktemp("keys") / "serve.json")


@pytest.fixture(scope="module")
def keys(file: KeyFile) -> dict[str, str]:
    """Name to key: an operator, and users of whom two may have so many pictures a day."""
    limits = {"six": KeyLimits(pictures_per_day=6), "ten": KeyLimits(pictures_per_day=10)}
    return {
        name: file.create(name, role=role, limits=limits.get(name, KeyLimits()), now=0.0)[1]  # pyright: ignore[reportArgumentType]
        for name, role in {"ann": "operator", "bob": "user", "six": "user", "ten": "user"}.items()
    }


@pytest.fixture(scope="module")
def call(start_server: Any, tmp_path_factory: Any, keys: dict[str, str], file: KeyFile) -> Callable[..., Any]:
    """Send a request as somebody and return the answer: ``call("bob", "GET", "/v1/models")``."""
    server = start_server(tmp_path_factory.mktemp("state"), "--keys", file.path).wait_until_ready()

    def send(name: str, method: str, path: str, **how: Any) -> Any:
        with server.client() as client:
            return client.request(method, path, headers={"authorization": f"Bearer {keys[name]}"}, **how)

    return send


def begin_batch(call: Callable[..., Any], name: str, lines: int, n: int) -> str:
    rows = [
        {"custom_id": f"n{i}", "method": "POST", "url": DRAW, "body": {"prompt": "a cat", "seed": i, "n": n}}
        for i in range(lines)
    ]
    files = {"file": ("lines.jsonl", "\n".join(map(json.dumps, rows)).encode())}
    file = call(name, "POST", "/v1/files", data={"purpose": "batch"}, files=files).json()["id"]
    asked = {"input_file_id": file, "endpoint": DRAW, "completion_window": "24h"}
    return call(name, "POST", "/v1/batches", json=asked).json()["id"]


def over(call: Callable[..., Any], name: str, batch: str) -> Any:
    found = call(name, "GET", f"/v1/batches/{batch}").json()
    return found if found["status"] in ("completed", "failed") else None


@pytest.mark.slow
def test_a_batch_beyond_the_quota_draws_nothing_and_costs_nothing_and_one_within_it_is_drawn_whole(call, eventually):
    refused = begin_batch(call, "six", lines=4, n=2)
    found = eventually(lambda: over(call, "six", refused))
    assert (found["status"], found["request_counts"]["total"]) == ("failed", 0)
    assert "may have 6 pictures a day" in found["errors"]["data"][0]["message"]
    drawn = begin_batch(call, "six", lines=3, n=2)
    found = eventually(lambda: over(call, "six", drawn))
    assert (found["status"], found["request_counts"]["completed"]) == ("completed", 3)
    assert call("six", "POST", DRAW, json={"prompt": "a cat"}).status_code == 429


@pytest.mark.slow
def test_a_quota_that_others_use_up_while_a_batch_runs_takes_nothing_from_the_batch(call, eventually):
    call("ann", "POST", "/api/v1/queue/pause")
    batch = begin_batch(call, "ten", lines=3, n=2)
    eventually(lambda: call("ten", "GET", f"/v1/batches/{batch}").json()["status"] == "in_progress")
    assert call("ten", "POST", DRAW, json={"prompt": "a cat", "n": 4}).status_code == 200
    refused = call("ten", "POST", DRAW, json={"prompt": "a cat"})
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
    call("ann", "POST", "/api/v1/queue/resume")
    found = eventually(lambda: over(call, "ten", batch))
    assert (found["status"], found["request_counts"]["completed"]) == ("completed", 3)


@pytest.mark.slow
def test_what_a_key_handed_in_before_it_was_revoked_is_drawn_and_seen_by_operators_alone(
    call: Callable[..., Any], file: KeyFile, eventually: Callable[..., Any]
) -> None:
    call("ann", "POST", "/api/v1/queue/pause")
    job = call("bob", "POST", "/api/v1/jobs", json={"request": {"prompt": "a cat", "seed": 1}}).json()["id"]
    batch = begin_batch(call, "bob", lines=2, n=1)
    eventually(lambda: call("bob", "GET", f"/v1/batches/{batch}").json()["status"] == "in_progress")
    file.revoke("bob", now=1.0)
    eventually(lambda: call("bob", "GET", f"/api/v1/jobs/{job}").status_code == 401)
    assert call("bob", "POST", "/api/v1/jobs", json={"request": {"prompt": "a cat"}}).status_code == 401
    call("ann", "POST", "/api/v1/queue/resume")
    eventually(lambda: call("ann", "GET", f"/api/v1/jobs/{job}").json()["state"] == "succeeded")
    assert eventually(lambda: over(call, "ann", batch))["status"] == "completed"
