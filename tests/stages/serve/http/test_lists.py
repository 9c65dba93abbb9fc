"""Lists over HTTP: checked as a whole, drawn in their order, followed, cancelled, taken home."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from underpaint.stages.serve.http import lists
from underpaint.stages.serve.lists.looking import Looking
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits

PATH = "/api/v1/batch-list"


def hand_in(client: httpx2.Client, text: str, **how: Any) -> httpx2.Response:
    return client.post(PATH, json={"text": text, **how})


def test_a_list_is_drawn_in_the_background_and_its_pictures_are_in_the_gallery(at, over):
    text = "prompt,seed,style,n\na red heart,7,,\na cat,3,flat,2\n\na dog,,,\n"
    answer = hand_in(at, text, name="for Ann", common={"style": "cartoon"})
    found = answer.json()
    assert (answer.status_code, found["name"], found["counts"]["total"], found["pictures"]) == (202, "for Ann", 3, 4)
    assert found["eta_ms"] > 0
    done = over(at, f"{PATH}/{found['id']}")
    assert (done["status"], done["counts"], done["eta_ms"]) == (
        "completed",
        {"total": 3, "completed": 3, "failed": 0},
        None,
    )
    rows = at.get(f"{PATH}/{found['id']}/rows").json()["data"]
    assert [(row["row"], row["line"], row["outcome"]) for row in rows] == [
        (1, 2, "completed"),
        (2, 3, "completed"),
        (3, 5, "completed"),
    ]
    asked = [row["job"]["request"] for row in rows]
    assert [one["style"] for one in asked] == ["cartoon", "flat", "cartoon"]
    assert [one["seed"] for one in asked[:2]] == [7, 3]
    pictures = at.get("/api/v1/gallery", params={"job": rows[1]["job"]["id"]}).json()
    assert pictures["total"] == 2
    alone = at.post("/v1/images/generations", json={"prompt": "a red heart", "seed": 7, "style": "cartoon"}).json()
    assert alone["data"][0]["underpaint"]["pixel_sha256"] == rows[0]["job"]["images"][0]["pixel_sha256"]
    with zipfile.ZipFile(io.BytesIO(at.post(f"{PATH}/{found['id']}/archive", json={}).content)) as opened:
        names = opened.namelist()
        assert names[0] == "0001-a-red-heart-7.png" and len(names) == 6
        again = opened.read("pictures.csv").decode()
    check = at.post(f"{PATH}/check", json={"text": again}).json()
    assert (check["rows"], check["pictures"], check["num_mistakes"]) == (4, 4, 0), check
    sheet = at.post(f"{PATH}/{found['id']}/archive", json={"as": "sheet"})
    assert sheet.headers["content-type"] == "image/png"


def test_every_mistake_of_a_list_has_its_line_and_nothing_is_drawn(at):
    text = "prompt,seed,style,n\na cat,x,,\na cat,1,oil,\n,1,,\na cat,1,,11\na cat,1,,1\na swastika,1,,\n"
    before = len(at.get("/api/v1/jobs", params={"limit": 100}).json()["data"])
    check = at.post(f"{PATH}/check", json={"text": text}).json()
    told = {(one["line"], one["param"], one["code"]) for one in check["mistakes"]}
    assert told == {
        (2, "seed", "invalid_value"),
        (3, "style", "invalid_value"),
        (4, "prompt", "missing_field"),
        (5, "n", "invalid_value"),
        (7, "prompt", "moderation_blocked"),
    }
    assert (check["rows"], check["pictures"], check["num_mistakes"]) == (6, 1, 5)
    assert check["first"] == [{"prompt": "a cat", "seed": 1, "n": 1}]
    refused = hand_in(at, text)
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, "text")
    assert error["message"].startswith("5 mistakes: line 2: seed")
    assert all(f"line {line}: " in error["message"] for line in (2, 3, 4, 5, 7))
    assert len(at.get("/api/v1/jobs", params={"limit": 100}).json()["data"]) == before


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"text": ""}, 400, "text"),
        ({"text": "prompt,seed\n"}, 400, "text"),
        ({"text": "a\n" * 10_001}, 413, "text"),
        ({"text": "a cat", "common": {"styl": "flat"}}, 400, "common.styl"),
        ({}, 400, "text"),
    ],
)
def test_what_is_no_list_is_refused(at, body, status, param):
    answer = at.post(PATH, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_numbers_of_lines_say_where_they_must_lie_and_more_stickers_of_a_line_what_to_do(at):
    text = "prompt,n,seed,style\na cat,11,x,oil\na dog,2.5,-1,\na fox,10,7,"
    first, second, *rest = at.post(f"{PATH}/check", json={"text": text}).json()["mistakes"]
    assert first["line"] == 2 and second["line"] == 3 and rest == []
    assert "n must be a whole number between 1 and 10, got 11; write the line several times" in first["message"]
    assert "seed must be a whole number between 0 and 9007199254740991, got 'x'" in first["message"]
    assert "unknown style 'oil'" in first["message"] and first["message"].startswith("3 mistakes: ")
    assert "got '2.5'" in second["message"] and "got -1" in second["message"]


def test_a_list_that_is_cancelled_keeps_what_is_finished(at, over):
    at.post("/api/v1/queue/pause")
    name = hand_in(at, "a cat\na dog\n").json()["id"]
    answer = at.post(f"{PATH}/{name}/cancel").json()
    assert answer["status"] in ("cancelling", "cancelled")
    done = over(at, f"{PATH}/{name}")
    assert (done["status"], done["counts"]["completed"]) == ("cancelled", 0)
    at.post("/api/v1/queue/resume")
    refused = at.post(f"{PATH}/{name}/archive", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "state_conflict")
    assert "it is cancelled; hand it in again" in refused.json()["error"]["message"]


def test_the_archive_of_a_list_whose_pictures_were_taken_away_is_not_found(at, over):
    name = hand_in(at, "a lemon").json()["id"]
    over(at, f"{PATH}/{name}")
    (row,) = at.get(f"{PATH}/{name}/rows").json()["data"]
    digest = row["job"]["images"][0]["pixel_sha256"]
    assert at.delete(f"/api/v1/gallery/{digest}", params={"forever": True}).status_code == 200
    gone = at.post(f"{PATH}/{name}/archive", json={})
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "image_not_found")


def test_lists_and_batches_are_listed_apart(at, over):
    first = hand_in(at, "a cat").json()["id"]
    second = hand_in(at, "a dog").json()["id"]
    listed = at.get(PATH, params={"limit": 1}).json()
    assert ([one["id"] for one in listed["data"]], listed["has_more"]) == ([second], True)
    assert at.get(PATH, params={"after": second, "limit": 1}).json()["data"][0]["id"] == first
    assert at.get("/v1/batches").json()["data"] == []
    assert at.get(PATH, params={"after": "nothing"}).json()["error"]["param"] == "after"
    line = {"custom_id": "1", "method": "POST", "url": "/v1/images/generations", "body": {"prompt": "a cat"}}
    file = at.post("/v1/files", files={"file": ("a.jsonl", json.dumps(line))}, data={"purpose": "batch"}).json()["id"]
    body = {"input_file_id": file, "endpoint": "/v1/images/generations", "completion_window": "24h"}
    batch = at.post("/v1/batches", json=body).json()["id"]
    for what in ("", "/rows"):
        assert at.get(f"{PATH}/{batch}{what}").json()["error"]["code"] == "list_not_found"
    for one in (first, second):
        over(at, f"{PATH}/{one}")


def test_the_same_key_is_the_same_list_and_another_list_with_it_is_refused(at, over):
    headers = {"idempotency-key": "friday"}
    first = at.post(PATH, json={"text": "a cat"}, headers=headers)
    again = at.post(PATH, json={"text": "a cat"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    other = at.post(PATH, json={"text": "a dog"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    over(at, f"{PATH}/{first.json()['id']}")


def test_a_list_beyond_the_day_s_quota_is_refused_at_once(start_server, tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    _, key = file.create("ann", role="user", limits=KeyLimits(pictures_per_day=3), now=0.0)
    server = start_server(tmp_path / "state", "--keys", file.path).wait_until_ready()
    with server.client(headers={"authorization": f"Bearer {key}"}) as client:
        refused = hand_in(client, "prompt,n\na cat,4\n")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "key_rate_limited")
        assert client.get(PATH).json()["data"] == []
        assert hand_in(client, "prompt,n\na cat,3\n").status_code == 202
        assert hand_in(client, "a dog").status_code == 429


def events_of(client: httpx2.Client, body: dict[str, Any]) -> list[tuple[str, Any]]:
    with client.stream("POST", f"{PATH}/check", params={"progress": "true"}, json=body) as stream:
        lines = [line for line in stream.iter_lines() if line.startswith(("event: ", "data: "))]
    return [(name[7:], json.loads(data[6:])) for name, data in zip(lines[::2], lines[1::2], strict=True)]


def test_a_long_check_tells_how_far_it_is_and_finds_the_same(at):
    body = {"text": "\n".join(f"a cat with {n} hats" for n in range(1500))}
    *progress, (name, found) = events_of(at, body)
    assert {name for name, _ in progress} == {"progress"} and {told["of"] for _, told in progress} == {1500}
    rows = [told["rows"] for _, told in progress]
    assert rows and rows == sorted(rows)
    assert (name, found) == ("checked", at.post(f"{PATH}/check", json=body).json())


def told(found: Callable[[], Awaitable[Any]], steps: Callable[[int, Looking], None]) -> list[tuple[str, Any]]:
    """Return the events of a check; before each of them but the first, something is done."""

    async def run() -> list[bytes]:
        looking, seen = Looking(), []
        async for event in lists._told(_awaited(found), looking, 9, "r"):
            seen.append(event)
            steps(len(seen), looking)
        assert looking.is_unwanted
        return seen

    lines = [event.decode().split("\n")[:2] for event in asyncio.run(run())]
    return [(name[7:], json.loads(data[6:])) for name, data in lines]


async def _awaited(found: Callable[[], Awaitable[Any]]) -> Any:
    return await found()


def test_while_a_list_is_looked_through_it_is_told_how_far_that_is(monkeypatch):
    monkeypatch.setattr(lists, "PACE_S", 0.001)
    barrier = asyncio.Event()

    async def found() -> dict[str, int]:
        await barrier.wait()
        return {"rows": 9}

    def steps(number: int, looking: Looking) -> None:
        looking.rows = number
        if number == 3:
            barrier.set()

    events = told(found, steps)
    assert [rows["rows"] for name, rows in events[:3] if name == "progress"] == [0, 1, 2]
    assert events[-1] == ("checked", {"rows": 9})


def test_a_defect_in_a_check_is_its_last_event_and_is_written_down(caplog):
    async def found() -> None:
        raise ZeroDivisionError

    events = told(found, lambda _number, _looking: None)
    assert events[-1][0] == "error" and events[-1][1]["error"]["type"] == "server_error"
    assert "defect" in caplog.text and "ZeroDivisionError" in caplog.text


def test_a_check_that_fails_tells_why_as_its_last_event(at):
    (name, data) = events_of(at, {"text": "a\n" * 10_001})[-1]
    assert (name, data["error"]["code"]) == ("error", "list_too_large")


def test_a_check_tells_how_lines_are_read(at):
    text = "a cat\n" + "a very " * 14 + "big cat\neine katze\n"
    hints = at.post(f"{PATH}/check", json={"text": text}).json()["hints"]
    assert [(one["line"], bool(one["unread"]), one["is_foreign"]) for one in hints] == [
        (2, True, False),
        (3, False, True),
    ]


def test_a_list_says_how_many_of_its_rows_are_in_line(at, over):
    found = hand_in(at, "a cat\na dog").json()
    assert over(at, f"{PATH}/{found['id']}")["in_line"] == 2
