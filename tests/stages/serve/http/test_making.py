"""Larger pictures and packs of stickers over HTTP."""

from __future__ import annotations

import io
import threading
import zipfile
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import FieldError, QueueFull
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.stages.serve.gallery.making import AT_ONCE, busy, check_amount

MARK_LEVELS = 1.0
"""By how much a mark in the pixels changes them at most, on average."""
UPSCALE, STICKERS = "/api/v1/upscale", "/api/v1/stickers"


@pytest.fixture(scope="module")
def heart(client) -> str:
    """A picture of the gallery."""
    body = {"request": {"prompt": "a red heart", "seed": 7}}
    job = client.post("/api/v1/jobs", json=body, headers={"idempotency-key": "making"}).json()["id"]
    with client.stream("GET", f"/api/v1/jobs/{job}/events") as events:
        events.read()
    return client.get(f"/api/v1/jobs/{job}").json()["images"][0]["pixel_sha256"]


@pytest.fixture(scope="module")
def file(client, heart) -> bytes:
    return client.get(f"/api/v1/images/{heart}").content


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGBA"))


@pytest.mark.parametrize("way", ["gallery", "upload"])
def test_a_picture_is_made_larger_as_the_library_does_and_says_what_drew_it(client, heart, file, way):
    if way == "gallery":
        answer = client.post(UPSCALE, json={"picture": heart, "size": 256})
    else:
        answer = client.post(UPSCALE, files={"file": ("x.png", file)}, data={"size": "256"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    difference = pixels(answer.content).astype(int) - upscaled(pixels(file), 256)
    assert np.abs(difference).mean() < MARK_LEVELS
    assert b"a red heart" in answer.content and b"compositeWithTrainedAlgorithmicMedia" in answer.content


@pytest.mark.parametrize(
    ("how", "status", "param"),
    [
        ({"json": {"picture": "0" * 64, "size": 256}}, 404, "pixel_sha256"),
        ({"json": {"picture": "0" * 64, "size": 0}}, 400, "size"),
        ({"json": {"picture": "0" * 64, "size": 4096}}, 400, "size"),
        ({"json": {"size": 256}}, 400, "picture"),
        ({"json": {"picture": "x", "size": 256}}, 400, "picture"),
        ({"json": {"picture": "0" * 64, "size": 256, "sise": 1}}, 400, "sise"),
        ({"data": {"size": "256"}, "files": {"mask": ("x.png", b"")}}, 400, "file"),
        ({"data": {"size": "many"}, "files": {"file": ("x.png", b"")}}, 400, "size"),
        ({"data": {"size": "9" * 5000}, "files": {"file": ("x.png", b"")}}, 400, "size"),
        ({"data": {"size": "256"}, "files": {"file": ("x.png", b"nonsense")}}, 400, "file"),
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, None),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, None),
        ({"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, 400, None),
    ],
)
def test_what_cannot_be_made_larger_is_refused(client, how, status, param):
    answer = client.post(UPSCALE, **how)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def pack(client: httpx2.Client, *pictures: str, **how: Any) -> httpx2.Response:
    return client.post(STICKERS, json={"pictures": list(pictures), "places": ["slack", "whatsapp"], **how})


def test_a_pack_holds_the_files_of_every_place(client, heart):
    answer = pack(client, heart, contour={"color": "white", "width": 10}, background="#ffeecc,#ff8800", title="Hearts")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        slack = next(name for name in names if name.startswith("slack/"))
        drawn = pixels(opened.read(slack))
        with zipfile.ZipFile(io.BytesIO(opened.read("whatsapp/pack.wastickers"))) as inner:
            assert inner.read("title.txt") == b"Hearts"
    assert drawn.shape == (128, 128, 4) and drawn[..., 3].min() == 255
    assert {name.partition("/")[0] for name in names} == {"slack", "whatsapp"}


@pytest.mark.parametrize(
    ("how", "status", "param"),
    [
        ({"places": ["nowhere"]}, 400, "places"),
        ({"places": []}, 400, "places"),
        ({"background": "/etc/hostname"}, 400, "background"),
        ({"background": "red,green,blue"}, 400, "background"),
        ({"contour": {"color": "glitter"}}, 400, "contour.color"),
        ({"contour": {"width": 1000}}, 400, "contour.width"),
        ({"pictures": ["0" * 64]}, 404, "pictures"),
    ],
)
def test_a_pack_that_cannot_be_made_is_refused(client, heart, how, status, param):
    answer = pack(client, heart, **how)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_a_picture_that_shows_nothing_makes_no_sticker(client):
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8)).save(buffer, "PNG")
    empty = client.post("/api/v1/gallery", files={"file": ("x.png", buffer.getvalue())}).json()["pixel_sha256"]
    answer = pack(client, empty)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "pictures")


def test_what_would_take_too_long_is_refused_before_it_is_begun():
    check_amount(["whatsapp"], 200)
    with pytest.raises(FieldError, match="megapixels"):
        check_amount(["redbubble"], 200)


def test_only_a_few_make_files_at_once_and_the_others_are_told_to_come_back():
    inside, leave = threading.Semaphore(0), threading.Event()

    def work() -> None:
        with busy():
            inside.release()
            leave.wait(60)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=60)
    with pytest.raises(QueueFull), busy():
        pass
    leave.set()
    for thread in threads:
        thread.join(60)
    with busy():
        pass


def test_every_place_that_is_named_is_known_and_every_size_can_be_made(client, heart):
    told = client.get("/api/v1/capabilities").json()
    assert {"whatsapp", "telegram", "slack"} <= {one["name"] for one in told["places"]}
    for place in told["places"]:
        check_amount([place["name"]], 1)
    for size in told["upscale_sizes"]:
        assert pixels(client.post(UPSCALE, json={"picture": heart, "size": size}).content).shape == (size, size, 4)
