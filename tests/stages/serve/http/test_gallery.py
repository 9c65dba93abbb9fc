"""The gallery over HTTP, and the one stream of all that changes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from PIL import Image

from underpaint.pipelines.picture_file import attach, encode, pixel_digest, read_picture
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits, Role

PATH = "/api/v1/gallery"


class Stream:
    """The events of a server, read beside the test.

    Args:
        server: The server.
        headers: Of the request.
        query: Of the request.
    """

    def __init__(self, server: Any, headers: dict[str, str] | None = None, **query: str) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self._changed = threading.Condition()
        self._client = server.client(timeout=120)
        self._how = {"headers": headers, "params": query}
        self._is_closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        self.until("open")
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._client.close()

    def _read(self) -> None:
        try:
            self._listen()
        except Exception:
            if not self._is_closing:
                raise

    def _listen(self) -> None:
        with self._client.stream("GET", "/api/v1/events", **self._how) as answer:
            self._socket = answer.extensions["network_stream"].get_extra_info("socket")
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, colon, value = line.partition(": ")
                fields |= {name: value} if colon and name else {}
                if not line and "data" in fields:
                    with self._changed:
                        self.seen.append((fields["event"], fields["id"], json.loads(fields["data"])))
                        self._changed.notify_all()
                    fields = {}

    def until(self, name: str, count: int = 1) -> list[tuple[str, str, Any]]:
        """Wait until an event of this name came so often, and return all events."""
        with self._changed:
            came = self._changed.wait_for(lambda: [one[0] for one in self.seen].count(name) >= count, 60)
            assert came, self.seen
            return list(self.seen)


@pytest.fixture(scope="module")
def other(start_server, tmp_path_factory):
    """A server with a gallery of its own."""
    return start_server(tmp_path_factory.mktemp("gallery")).wait_until_ready()


@pytest.fixture
def at(other) -> Iterator[httpx2.Client]:
    """A client of a server whose gallery is empty."""
    with other.client() as opened:
        yield opened
        digests = [one["pixel_sha256"] for one in opened.get(PATH, params={"limit": 200}).json()["data"]]
        if digests:
            act(opened, "delete", *digests)
        opened.delete(f"{PATH}/bin")


def act(client: httpx2.Client, action: str, *digests: str) -> Any:
    return client.post(f"{PATH}/actions", json={"action": action, "pictures": list(digests)})


def drawn(client: httpx2.Client, prompt: str = "a red heart", **request: Any) -> list[str]:
    """Draw in a job and return the digests of the pixels."""
    asked = {"request": {"prompt": prompt, "seed": 7, **request}}
    job = client.post("/api/v1/jobs", json=asked).json()
    with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as events:
        events.read()
    return [one["pixel_sha256"] for one in client.get(f"/api/v1/jobs/{job['id']}").json()["images"]]


def listed(client: httpx2.Client, **query: Any) -> Any:
    return client.get(PATH, params=query).json()


def test_what_a_job_drew_is_in_the_gallery_with_all_that_draws_it_again(at):
    (digest,) = drawn(at, style="flat", background="opaque")
    answer = listed(at)
    (picture,) = answer["data"]
    assert (answer["total"], answer["has_more"], answer["next"]) == (1, False, None)
    assert 0 < answer["used_bytes"] <= answer["max_bytes"]
    assert (picture["pixel_sha256"], picture["kind"], picture["parent"]) == (digest, "generation", None)
    assert {"prompt": "a red heart", "seed": 7, "style": "flat", "model": "stickers-64"}.items() <= picture[
        "settings"
    ].items()
    assert at.get(picture["url"]).headers["content-type"] == "image/png"
    again = at.post("/v1/images/generations", json=picture["request"]).json()
    assert picture["is_served"] and again["data"][0]["underpaint"]["pixel_sha256"] == digest
    cost = picture["cost"]
    assert cost["ms"] > 0 and cost["joules_low"] < cost["joules"] < cost["joules_high"]
    assert cost["kwh"] == pytest.approx(cost["joules"] / 3.6e6) and cost["money"] is None
    job = at.get(f"/api/v1/jobs/{picture['job']}").json()
    assert job["images"][0]["cost"] == cost


def test_pages_are_taken_up_where_the_last_one_ended(at):
    digests = drawn(at, n=5)
    first = listed(at, limit=2)
    second = listed(at, limit=2, before=first["next"])
    third = listed(at, limit=2, before=second["next"])
    pages = [[one["pixel_sha256"] for one in page["data"]] for page in (first, second, third)]
    assert [*pages[0], *pages[1], *pages[2]] == digests[::-1]
    assert (first["total"], first["has_more"], third["has_more"]) == (5, True, False)
    assert at.get(PATH, params={"before": "x"}).json()["error"]["param"] == "before"


def test_pictures_are_found_by_words_and_by_what_was_said_of_them(at):
    heart, cat = *drawn(at), *drawn(at, "a Black Cat")
    assert [one["pixel_sha256"] for one in listed(at, search="cat bl")["data"]] == [cat]
    said = at.patch(f"{PATH}/{heart}", json={"favorite": True, "rating": 4, "note": "for Ann"}).json()
    assert (said["favorite"], said["rating"], said["note"]) == (True, 4, "for Ann")
    assert [one["pixel_sha256"] for one in listed(at, favorite="true")["data"]] == [heart]
    assert [one["pixel_sha256"] for one in listed(at, search="ANN")["data"]] == [heart]
    assert at.patch(f"{PATH}/{heart}", json={"rating": None}).json()["rating"] is None
    assert at.get(f"{PATH}/{heart}").json()["note"] == "for Ann"


def test_what_is_deleted_can_be_brought_back_and_what_is_erased_cannot(at):
    one, two = drawn(at, n=2)
    done = at.delete(f"{PATH}/{one}").json()
    assert done["changed"] == [one]
    assert [listed(at, deleted=deleted)["total"] for deleted in (False, True)] == [1, 1]
    assert at.get(f"/api/v1/images/{one}").status_code == 200
    assert at.post(f"{PATH}/{one}/restore").json()["changed"] == [one]
    both = act(at, "delete", one, two, "0" * 64).json()
    assert (both["changed"], both["missing"]) == ([one, two], ["0" * 64])
    assert act(at, "restore", *both["changed"]).json()["changed"] == [one, two]
    at.delete(f"{PATH}/{one}", params={"forever": "true"})
    assert at.get(f"{PATH}/{one}").json()["error"]["code"] == "image_not_found"
    assert at.post(f"{PATH}/{one}/restore").status_code == 404
    at.delete(f"{PATH}/{two}")
    assert at.delete(f"{PATH}/bin").json()["erased"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("PATCH", "/" + "0" * 64, {"rating": 6}, "rating"),
        ("PATCH", "/" + "0" * 64, {"title": "x"}, "title"),
        ("POST", "/actions", {"action": "burn", "pictures": ["0" * 64]}, "action"),
        ("POST", "/actions", {"action": "delete", "pictures": []}, "pictures"),
        ("POST", "/actions", {"action": "delete", "pictures": ["x"]}, "pictures.0"),
    ],
)
def test_mistakes_are_named(client, method, path, body, param):
    answer = client.request(method, f"{PATH}{path}", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_picture_that_is_brought_keeps_its_settings_if_they_are_its_own(at, tmp_path):
    (digest,) = drawn(at, "a Black Cat")
    file = at.get(f"/api/v1/images/{digest}").content
    at.delete(f"{PATH}/{digest}", params={"forever": "true"})
    answer = at.post(PATH, files={"file": ("holiday.png", file)})
    picture = answer.json()
    assert (answer.status_code, picture["pixel_sha256"], picture["kind"]) == (201, digest, "brought")
    assert (picture["settings"]["prompt"], picture["settings"]["seed"], picture["note"]) == ("a Black Cat", 7, None)
    assert picture["is_served"] and picture["job"] is picture["cost"] is None
    (tmp_path / "picture.png").write_bytes(at.get(picture["url"]).content)
    kept = read_picture(tmp_path / "picture.png")
    assert pixel_digest(kept) == digest
    kept.putpixel((0, 0), (1, 2, 3, 255))
    changed = at.post(PATH, files={"file": ("my ../cat.png", encode(kept))}).json()
    assert (changed["settings"], changed["request"], changed["note"]) == ({"prompt": ""}, None, "cat")
    assert changed["pixel_sha256"] == pixel_digest(kept)


def test_of_a_picture_that_is_brought_nothing_is_kept_but_pixels(at):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret"
    Image.new("RGB", (30, 20), "red").save(buffer, "JPEG", exif=exif, comment=b"secret")
    picture = at.post(PATH, files={"file": ("x.jpg", buffer.getvalue())}).json()
    assert (picture["width"], picture["height"], picture["output_format"]) == (30, 20, "png")
    assert b"secret" not in at.get(picture["url"]).content


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 400), (b"nonsense", 400), (b"\x89PNG\r\n\x1a\n", 400), (b"x" * (20 * 10**6 + 1), 413)],
)
def test_what_is_no_picture_or_too_large_is_not_brought(client, data, status):
    answer = client.post(PATH, files={"file": ("x.png", data)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, "file")


def test_settings_that_no_database_holds_are_left_out(at, tmp_path):
    (digest,) = drawn(at)
    (tmp_path / "picture.png").write_bytes(at.get(f"/api/v1/images/{digest}").content)
    kept = read_picture(tmp_path / "picture.png")
    made = kept.info["underpaint"].model_copy(update={"prompt": "a\0b"})
    picture = at.post(PATH, files={"file": ("x.png", encode(attach(kept, made)))}).json()
    assert (picture["pixel_sha256"], picture["settings"]) == (digest, {"prompt": ""})


def test_one_stream_tells_all_that_changes_and_is_taken_up_where_it_broke_off(other, at):
    with Stream(other) as stream:
        (digest,) = drawn(at)
        at.patch(f"{PATH}/{digest}", json={"rating": 2})
        at.post("/api/v1/queue/pause")
        at.post("/api/v1/queue/resume")
        seen = stream.until("queue.resumed")
    names = [name for name, _, _ in seen]
    assert names[:3] == ["open", "job.queued", "job.started"]
    assert names[-5:] == ["job.succeeded", "gallery.added", "gallery.changed", "queue.paused", "queue.resumed"]
    assert len({place for _, place, _ in seen}) == len(seen)
    job = next(data["job"] for name, _, data in seen if name == "job.queued")
    assert {data["job"] for name, _, data in seen if name.startswith("job.")} == {job}
    assert [data["pictures"] for name, _, data in seen if name.startswith("gallery.")] == [[digest]] * 2
    third = seen[3][1]
    with Stream(other, {"last-event-id": third}) as again:
        assert again.until("queue.resumed")[1:] == seen[4:]


def test_a_stream_of_another_life_of_the_server_begins_anew(other, at):
    assert at.get("/api/v1/events", headers={"last-event-id": "x"}).json()["error"]["param"] == "Last-Event-ID"
    with Stream(other, {"last-event-id": f"{10**12}-{10**12}"}) as stream:
        stream.until("reset")
        drawn(at)
        assert [name for name, _, _ in stream.until("gallery.added")][:3] == ["open", "reset", "job.queued"]


def test_unfinished_pictures_come_to_those_who_ask_for_them(tiny_server):
    with Stream(tiny_server, previews="true") as stream, tiny_server.client() as client:
        client.post("/api/v1/jobs", json={"request": {"prompt": "a cat", "seed": 3}})
        names = [name for name, _, _ in stream.until("gallery.added")]
    assert names.count("job.preview") >= 2


def test_a_user_sees_and_hears_of_its_own_pictures_alone(start_server, tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    roles: dict[str, Role] = {"ann": "user", "bob": "user", "eve": "operator"}
    keys = {name: file.create(name, role=role, limits=KeyLimits(), now=0.0)[1] for name, role in roles.items()}
    server = start_server(tmp_path / "state", "--keys", file.path).wait_until_ready()
    clients = {name: server.client(headers={"authorization": f"Bearer {key}"}) for name, key in keys.items()}
    try:
        assert clients["ann"].get("/api/v1/capabilities").json()["role"] == "user"
        with Stream(server, {"authorization": f"Bearer {keys['bob']}"}) as stream:
            (heart,) = drawn(clients["ann"])
            (cat,) = drawn(clients["bob"], "a cat")
            heard = {data.get("owner") for _, _, data in stream.until("gallery.added")} - {None}
        assert [one["pixel_sha256"] for one in listed(clients["ann"])["data"]] == [heart]
        assert [one["pixel_sha256"] for one in listed(clients["eve"])["data"]] == [cat, heart]
        assert clients["bob"].get(f"{PATH}/{heart}").status_code == 404
        files = {name: one.get(f"/api/v1/images/{heart}").status_code for name, one in clients.items()}
        assert files == {"ann": 200, "bob": 404, "eve": 200}
        again = {"prompt": "a red heart", "seed": 7}
        clients["bob"].post("/v1/images/generations", json=again, headers={"idempotency-key": "1"})
        assert clients["bob"].get(f"/api/v1/images/{heart}").status_code == 200
        assert act(clients["bob"], "erase", heart).json()["missing"] == [heart]
        assert heard == {listed(clients["bob"])["data"][0]["owner"]}
    finally:
        for one in clients.values():
            one.close()


def test_who_has_no_room_is_told_before_anything_is_drawn_and_programs_draw_on(start_server, tmp_path):
    server = start_server(tmp_path, UNDERPAINT_SERVE_GALLERY_MB="0.02").wait_until_ready()
    with server.client() as client:
        drawn(client, n=2)
        answer = client.post("/api/v1/jobs", json={"request": {"prompt": "a cat", "n": 2}})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "gallery_full")
        assert answer.headers["x-should-retry"] == "false"
        headers = {"idempotency-key": "1"}
        assert client.post("/v1/images/generations", json={"prompt": "a cat"}, headers=headers).status_code == 200
        assert listed(client)["total"] == 2
        act(client, "delete", *[one["pixel_sha256"] for one in listed(client)["data"]])
        assert client.post("/api/v1/jobs", json={"request": {"prompt": "a cat"}}).status_code == 202


def test_without_a_gallery_nothing_that_is_brought_is_kept(start_server, tmp_path):
    server = start_server(tmp_path, UNDERPAINT_SERVE_GALLERY_MB="0").wait_until_ready()
    image, buffer = Image.new("RGBA", (8, 8), "red"), io.BytesIO()
    image.save(buffer, "PNG")
    with server.client() as client:
        answer = client.post(PATH, files={"file": ("x.png", buffer.getvalue())})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "gallery_full")
        assert client.get(f"/api/v1/images/{pixel_digest(image)}").status_code == 404
        assert listed(client)["total"] == 0


def test_the_gallery_survives_the_server(start_server, tmp_path):
    server = start_server(tmp_path).wait_until_ready()
    with server.client() as client:
        (digest,) = drawn(client)
        client.patch(f"{PATH}/{digest}", json={"favorite": True})
        before = listed(client)
    server.end(9)
    server = start_server(tmp_path).wait_until_ready()
    with server.client() as client:
        assert listed(client) == before and before["total"] == 1
        assert client.get(before["data"][0]["url"]).status_code == 200


def archive(client: httpx2.Client, *digests: str, **how: Any) -> httpx2.Response:
    return client.post(f"{PATH}/archive", json={"pictures": list(digests), **how})


def test_a_zip_holds_the_files_and_all_that_is_known_of_them(at):
    heart, formula = *drawn(at, style="flat"), *drawn(at, "=1+1 a cat")
    at.patch(f"{PATH}/{heart}", json={"note": "for, Ann", "rating": 5})
    answer = archive(at, formula, "0" * 64, heart)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="underpaint-pictures.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert names == ["0001-1-1-a-cat-7.png", "0002-a-red-heart-7.png", "pictures.json", "pictures.csv"]
        assert opened.read(names[1]) == at.get(f"/api/v1/images/{heart}").content
        known = json.loads(opened.read("pictures.json"))
        rows = list(csv.DictReader(io.StringIO(opened.read("pictures.csv").decode())))
    assert known["missing"] == ["0" * 64]
    assert [one["pixel_sha256"] for one in known["pictures"]] == [formula, heart]
    assert known["pictures"][1]["settings"] == {
        name: value
        for name, value in listed(at, search="heart")["data"][0]["settings"].items()
        if name not in ("model", "release")
    } | {"model": "stickers-64"}
    assert [row["prompt"] for row in rows] == ["'=1+1 a cat", "a red heart"]
    assert (rows[1]["file"], rows[1]["note"], rows[1]["rating"], rows[1]["seed"]) == (names[1], "for, Ann", "5", "7")


def test_a_sheet_shows_the_pictures_and_says_that_a_model_drew_them(at):
    digests = drawn(at, n=5)
    answer = archive(at, *digests, **{"as": "sheet"})
    assert answer.headers["content-type"] == "image/png" and b"trainedAlgorithmicMedia" in answer.content
    with Image.open(io.BytesIO(answer.content)) as sheet:
        assert sheet.width > 3 * 128 and sheet.height > 2 * 128
    too_many = archive(at, *[f"{number:064x}" for number in range(256)], digests[0], **{"as": "sheet"})
    assert (too_many.status_code, too_many.json()["error"]["param"]) == (400, "pictures")


def test_an_archive_of_nothing_is_a_404(client):
    assert archive(client, "0" * 64).json()["error"]["code"] == "image_not_found"


@pytest.mark.parametrize("way", ["job", "at once"])
def test_a_picture_of_the_gallery_is_edited_by_its_name_and_known_as_the_parent(at, way):
    (digest,) = drawn(at)
    request = {"prompt": "a red heart", "seed": 1, "strength": 0.4, "images": [{"pixel_sha256": digest}]}
    if way == "at once":
        assert at.post("/v1/images/edits", json=request).status_code == 200
        return
    job = at.post("/api/v1/jobs", json={"kind": "edit", "request": request}).json()["id"]
    with at.stream("GET", f"/api/v1/jobs/{job}/events") as events:
        events.read()
    (picture,) = listed(at, job=job)["data"]
    assert (picture["kind"], picture["parent"]) == ("edit", digest)
    assert picture["request"]["strength"] == 0.4


@pytest.mark.parametrize(
    ("named", "param", "code"),
    [
        ({"pixel_sha256": "0" * 64}, "pixel_sha256", "image_not_found"),
        ({"pixel_sha256": "x"}, "images.0.pixel_sha256", "invalid_value"),
        ({"pixel_sha256": "0" * 64, "file_id": "file-1"}, "images.0", "invalid_value"),
        ({}, "images.0", "invalid_value"),
    ],
)
def test_what_names_no_picture_of_the_gallery_is_refused(client, named, param, code):
    error = client.post("/v1/images/edits", json={"prompt": "a cat", "images": [named]}).json()["error"]
    assert (error["param"], error["code"]) == (param, code)
