"""Durable jobs over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from underpaint.pipelines.picture_file import read_settings

REQUEST = {"prompt": "a red heart", "seed": 7}


def submit(client: httpx2.Client, *, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"idempotency-key": key}
    return client.post("/api/v1/jobs", json={"request": REQUEST, **body}, headers=headers)


def change(client: httpx2.Client, job: str, what: str, **body: Any) -> Any:
    return client.post(f"/api/v1/jobs/{job}/{what}", json=body or None)


def finished(client: httpx2.Client, job: str) -> Any:
    end = time.monotonic() + 30
    while (found := client.get(f"/api/v1/jobs/{job}").json())["finished_at"] is None:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def events(text: str) -> list[tuple[int, str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


@pytest.fixture
def paused(client) -> Iterator[httpx2.Client]:
    """A client of a server that gives out no jobs."""
    assert client.post("/api/v1/queue/pause").json()["paused"] is True
    yield client
    for job in client.get("/api/v1/jobs", params={"limit": 100}).json()["data"]:
        if job["finished_at"] is None:
            change(client, job["id"], "cancel")
    assert client.post("/api/v1/queue/resume").json()["paused"] is False


def test_a_job_is_accepted_drawn_and_its_pictures_are_those_of_a_plain_request(client, server, tmp_path):
    answer = submit(client, request={**REQUEST, "n": 2}, priority=3)
    job = answer.json()
    assert (answer.status_code, job["object"], job["kind"], job["priority"]) == (202, "job", "generation", 3)
    done = finished(client, job["id"])
    assert (done["state"], done["progress"]["images_done"], done["error"]) == ("succeeded", 2, None)
    plain = server.openai().images.generate(prompt="a red heart", n=2, extra_body={"seed": 7})
    assert [one["pixel_sha256"] for one in done["images"]] == [one.underpaint["pixel_sha256"] for one in plain.data]
    picture = client.get(done["images"][1]["url"])
    assert picture.headers["content-type"] == "image/png"
    (tmp_path / "picture.png").write_bytes(picture.content)
    assert read_settings(tmp_path / "picture.png").seed == 8 == done["images"][1]["seed"]


def test_the_events_of_a_job_are_numbered_and_taken_up_where_they_broke_off(client):
    job = submit(client).json()["id"]
    with client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
        seen = events(stream.read().decode())
    assert [number for number, _, _ in seen] == list(range(1, len(seen) + 1))
    names = [name for _, name, _ in seen]
    assert names[:2] == ["job.queued", "job.started"] and names[-1] == "job.succeeded"
    assert {"job.image", "job.progress"} <= set(names)
    image = next(data for _, name, data in seen if name == "job.image")
    assert client.get(image["url"]).status_code == 200
    again = client.get(f"/api/v1/jobs/{job}/events", headers={"last-event-id": "2"}).text
    assert events(again) == seen[2:]
    assert client.get(f"/api/v1/jobs/{job}/events", headers={"last-event-id": "x"}).status_code == 400


def test_the_same_key_is_the_same_job_and_another_request_with_it_is_refused(client):
    first, second = (
        submit(client, key="k1", request={"prompt": "a cat"}),
        submit(client, key="k1", request={"prompt": "a cat"}),
    )
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    other = submit(client, key="k1", request={"prompt": "a dog"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert other.headers["x-should-retry"] == "false"


def test_a_plain_request_with_a_key_is_drawn_once(server, client):
    sdk = server.openai()
    how: dict[str, Any] = {"prompt": "a cat", "n": 2, "extra_headers": {"idempotency-key": "once"}}
    first, second = sdk.images.generate(**how), sdk.images.generate(**how)
    assert [one.b64_json for one in first.data] == [one.b64_json for one in second.data]
    job = first.data[0].underpaint["job"]
    assert job == second.data[1].underpaint["job"]
    assert client.get(f"/api/v1/jobs/{job}").json()["attempt"] == 1
    with pytest.raises(openai.ConflictError):
        sdk.images.generate(**{**how, "n": 1})


def test_jobs_wait_are_moved_held_and_drawn_in_their_order(paused):
    first, second, third = (
        submit(paused, request={"prompt": f"a {what}"}).json()["id"] for what in ("cat", "dog", "cow")
    )

    def order() -> list[str]:
        waiting = paused.get("/api/v1/jobs", params={"state": "queued", "limit": 100}).json()["data"]
        return [job["id"] for job in sorted(waiting, key=lambda job: job["position"])]

    assert order() == [first, second, third]
    change(paused, third, "move", to="front")
    assert order() == [third, first, second]
    change(paused, third, "move", before=second)
    assert order() == [first, third, second]
    assert change(paused, first, "hold").json()["state"] == "held"
    assert order() == [third, second]
    assert change(paused, first, "hold").status_code == 409
    assert change(paused, first, "unhold").json()["position"] == 0
    assert change(paused, second, "cancel").json()["state"] == "cancelled"
    assert change(paused, second, "move", to="front").json()["error"]["code"] == "state_conflict"
    again = change(paused, second, "retry")
    assert (again.status_code, again.json()["parent"], again.json()["state"]) == (202, second, "queued")
    assert change(paused, first, "move").status_code == 400
    depth = paused.get("/api/v1/queue").json()
    assert depth["paused"] and depth["classes"]["interactive"]["queued"] == 3
    assert depth["classes"]["interactive"]["waiting_s"] > 0


def test_jobs_are_listed_by_pages(paused):
    ids = [submit(paused).json()["id"] for _ in range(5)]
    page = paused.get("/api/v1/jobs", params={"state": "queued", "limit": 2}).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == (ids[:2], True)
    rest = paused.get("/api/v1/jobs", params={"state": "queued", "limit": 3, "after": ids[1]}).json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == (ids[2:], False)
    assert paused.get("/api/v1/jobs", params={"after": "nothing"}).json()["error"]["param"] == "after"


def test_a_deadline_that_passes_in_the_queue_ends_the_job(paused):
    job = submit(paused, deadline_ms=200).json()["id"]
    assert finished(paused, job)["state"] == "expired"


def test_who_listens_to_a_job_sees_it_become(tiny_server):
    with tiny_server.client() as client:
        client.post("/api/v1/queue/pause")
        job = submit(client, request={"prompt": "a cat"}).json()["id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "id: 1"
            with tiny_server.client() as other:
                other.post("/api/v1/queue/resume")
            text = "\n".join(line for line in lines if "job.preview" in line or "job.succeeded" in line)
    assert text.count("job.preview") == 2 and text.endswith("job.succeeded")


def test_a_job_that_is_running_can_be_cancelled(client):
    job = submit(client, request={**REQUEST, "n": 10}).json()["id"]
    while client.get(f"/api/v1/jobs/{job}").json()["state"] == "queued":
        time.sleep(0.01)
    assert change(client, job, "cancel").json()["state"] == "cancelled"
    assert change(client, job, "cancel").json()["state"] == "cancelled"
    assert finished(client, submit(client).json()["id"])["state"] == "succeeded"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"request": {"prompt": "a cat", "stream": True}}, "request.stream", "unknown_field"),
        ({"request": {}}, "request.prompt", "missing_field"),
        ({"request": {"prompt": "a cat", "size": "1x1"}}, "size", "unsupported_size"),
        ({"kind": "edit"}, "images", "missing_field"),
        ({"kind": "drawing"}, "kind", "invalid_value"),
        ({"request": {"prompt": "a cat", "strength": 0.5}}, "strength", "unknown_field"),
        ({"request": {"prompt": "a cat", "images": [{"file_id": "x"}]}}, "images", "unknown_field"),
        ({"kind": "edit", "request": {"prompt": "a cat", "images": [{"file_id": "x"}]}}, "file_id", "file_not_found"),
        ({"priority": 11}, "priority", "invalid_value"),
    ],
)
def test_what_cannot_be_done_is_refused_when_it_is_handed_in(client, body, param, code):
    error = submit(client, **body).json()["error"]
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"request": {"prompt": "a cat", "size": "1x1", "style": "vivid", "strength": 0.5, "seam": 1}},
            ("only edits have the field 'strength'", "the field 'seam'", "got size '1x1'", "vivid"),
        ),
        (
            {"priority": 11, "request": {"prompt": "a cat", "n": 11, "style": "vivid", "seam": 1}},
            ("priority must be", "request.n must be", "only edits have the field 'seam'", "vivid"),
        ),
        (
            {"kind": "edit", "request": {"prompt": "a cat", "style": "vivid", "seam": 1}},
            ("the field 'images' is missing", "vivid", "seam means nothing"),
        ),
        (
            {"kind": "edit", "request": {"prompt": "a cat", "n": 11, "style": "vivid", "images": [{"file_id": "x"}]}},
            ("request.n must be", "vivid"),
        ),
        (
            {
                "kind": "edit",
                "request": {
                    "prompt": "a",
                    "images": [{"file_id": "file-nobody-has"}],
                    "mask": {"file_id": "file-nor-this"},
                },
            },
            ("file-nobody-has", "file-nor-this"),
        ),
    ],
)
def test_all_mistakes_of_a_job_come_in_one_answer(client, body, words):
    answer = submit(client, **body)
    message = answer.json()["error"]["message"]
    assert answer.status_code in (400, 404) and message.startswith(f"{len(words)} mistakes: (1) ")
    told = re.split(r"(?:: |; )\(\d\) ", message)[1:]
    assert len(told) == len(words) and all(any(one in line for line in told) for one in words)


def test_what_is_not_there_is_a_404(client):
    for path in ("/api/v1/jobs/nothing", "/api/v1/jobs/nothing/events"):
        assert client.get(path).json()["error"]["code"] == "job_not_found"
    assert change(client, "nothing", "cancel").status_code == 404
    assert client.get(f"/api/v1/images/{'0' * 64}").json()["error"]["code"] == "image_not_found"
    assert client.get("/api/v1/images/..%2f..%2fjobs.sqlite").status_code == 404


def test_a_picture_recalls_what_made_it(client, server):
    asked = {"prompt": "A red heart", "style": "flat", "seed": 11, "background": "opaque"}
    done = finished(client, submit(client, request=asked).json()["id"])["images"][0]
    data = client.get(done["url"]).content
    answer = client.post("/api/v1/recall", files={"file": ("heart.png", data)}).json()
    assert answer["is_served"] and answer["settings"]["pixel_sha256"] == done["pixel_sha256"]
    again = client.post("/v1/images/generations", json=answer["request"]).json()
    assert again["data"][0]["underpaint"]["pixel_sha256"] == done["pixel_sha256"]


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_of_ours_recalls_nothing(client, data):
    answer = client.post("/api/v1/recall", files={"file": ("heart.png", data)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert "/tmp" not in answer.text


def test_what_is_recalled_is_no_larger_than_what_is_edited(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", "/api/v1/recall")
    connection.putheader("content-length", str(64 * 2**20 + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "body_too_large")
    connection.close()
