"""Edits over HTTP, as the real OpenAI client asks for them."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import Any

import numpy as np
import openai
import pytest
from PIL import Image, ImageDraw

SIDE = 32


def drawing() -> Image.Image:
    image = Image.new("RGBA", (SIDE, SIDE))
    ImageDraw.Draw(image).ellipse((4, 4, 27, 27), fill=(200, 30, 30, 255))
    return image


def left_open() -> Image.Image:
    """A mask whose left half is transparent."""
    mask = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, SIDE // 2, SIDE))
    return mask


def file(image: Image.Image, kind: str = "PNG") -> tuple[str, bytes]:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"picture.{kind.lower()}", buffer.getvalue()


def pixels(answer: Any) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one.b64_json)))) for one in answer.data]


@pytest.fixture(scope="module")
def sdk(tiny_server) -> openai.OpenAI:
    return tiny_server.openai()


def test_a_picture_is_drawn_anew_and_the_same_seed_is_the_same(sdk):
    how: dict[str, Any] = {"image": file(drawing()), "prompt": "a red apple", "n": 2, "extra_body": {"seed": 5}}
    first, second = sdk.images.edit(**how), sdk.images.edit(**how)
    assert [one.b64_json for one in first.data] == [one.b64_json for one in second.data]
    assert [one.underpaint["seed"] for one in first.data] == [5, 6]
    assert first.data[0].b64_json != first.data[1].b64_json
    usage = first.usage
    assert (first.size, usage.input_tokens_details.image_tokens, usage.output_tokens) == ("32x32", 16, 32)
    assert usage.input_tokens == usage.input_tokens_details.text_tokens + 16
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


def test_outside_the_mask_nothing_changes(start_server, tmp_path, tiny_model):
    server = start_server(tmp_path, "-m", f"tiny={tiny_model}", "--engine", "torch", "--watermark", "none")
    answer = (
        server.wait_until_ready()
        .openai()
        .images.edit(image=file(drawing()), mask=file(left_open()), prompt="a cat", extra_body={"seed": 1})
    )
    (edited,) = pixels(answer)
    original = np.asarray(drawing())
    assert (edited[:, SIDE // 2 :] == original[:, SIDE // 2 :]).all()
    assert (edited[:, : SIDE // 2] != original[:, : SIDE // 2]).any()


def test_files_may_be_one_or_in_a_list_and_a_form_or_json(sdk, tiny_server):
    name, data = file(drawing())
    wanted = sdk.images.edit(image=(name, data), prompt="a cat", extra_body={"seed": 2}).data[0].b64_json
    listed = sdk.images.edit(image=[(name, data)], prompt="a cat", extra_body={"seed": 2})
    assert listed.data[0].b64_json == wanted
    uploaded = sdk.files.create(file=(name, data), purpose="vision").id
    address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    with tiny_server.client() as client:
        for image in ({"file_id": uploaded}, {"image_url": address}):
            answer = client.post("/v1/images/edits", json={"images": [image], "prompt": "a cat", "seed": 2})
            assert answer.json()["data"][0]["b64_json"] == wanted


def test_the_less_is_kept_the_more_changes(sdk):
    original = np.asarray(drawing()).astype(int)

    def change(strength: float) -> float:
        answer = sdk.images.edit(image=file(drawing()), prompt="a cat", extra_body={"seed": 3, "strength": strength})
        return float(np.abs(pixels(answer)[0].astype(int) - original).mean())

    assert change(0.0) != change(1.0)
    free = sdk.images.generate(prompt="a cat", extra_body={"seed": 3})
    edited = sdk.images.edit(image=file(drawing()), prompt="a cat", extra_body={"seed": 3, "strength": 1.0})
    assert (pixels(edited)[0] == pixels(free)[0]).all()


def test_an_edit_comes_as_a_stream_too(sdk):
    how: dict[str, Any] = {"image": file(drawing()), "prompt": "a cat", "extra_body": {"seed": 4}}
    events = list(sdk.images.edit(stream=True, **how))
    assert [one.type for one in events] == ["image_edit.completed"]
    assert events[0].b64_json == sdk.images.edit(**how).data[0].b64_json


def test_unfinished_pictures_of_an_edit_are_refused_and_not_left_out_silently(sdk):
    how: dict[str, Any] = {"image": file(drawing()), "prompt": "a cat", "stream": True}
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.images.edit(partial_images=2, **how)
    error: Any = refused.value.body
    assert (error["param"], error["code"]) == ("partial_images", "unsupported_parameter")
    assert [one.type for one in sdk.images.edit(partial_images=0, **how)] == ["image_edit.completed"]


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"image": ("x.png", b"nonsense")}, "image", "invalid_value"),
        ({"image": [file(drawing())] * 2}, "image", "unsupported_parameter"),
        ({"mask": file(left_open().resize((8, 8)))}, "mask", "invalid_value"),
        ({"mask": file(left_open().convert("RGB"), "JPEG")}, "mask", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"extra_body": {"strength": 2}}, "strength", "invalid_value"),
        ({"extra_body": {"colour": "red"}}, "colour", "unknown_field"),
        ({"prompt": openai.omit}, "prompt", "missing_field"),
    ],
)
def test_what_cannot_be_done_names_its_field(sdk, change, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.images.edit(**{"image": file(drawing()), "prompt": "a cat", **change})
    error: Any = refused.value.body
    assert (error["param"], error["code"]) == (param, code)


def test_all_mistakes_of_a_form_come_in_one_answer_the_missing_picture_too(tiny_server):
    with tiny_server.client() as client:
        form = {"mask": file(left_open())}
        error = client.post("/v1/images/edits", files=form, data={"promt": "a cat", "strength": "2"}).json()["error"]
        alone = client.post("/v1/images/edits", files=form, data={"prompt": "a cat"}).json()["error"]
    assert (error["param"], error["code"]) == ("image", "missing_field") == (alone["param"], alone["code"])
    assert error["message"].startswith("4 mistakes: (1) the field 'image' is missing; ")
    assert "the field 'prompt' is missing" in error["message"] and "did you mean 'prompt'?" in error["message"]
    assert "strength must be less than or equal to 1 (got 2.0)" in error["message"]
    assert alone["message"] == "the field 'image' is missing"


def test_all_that_is_wrong_with_words_picture_mask_and_stream_comes_in_one_answer(sdk, tiny_server):
    how: dict[str, Any] = {"image": ("x.png", b"nonsense"), "mask": file(left_open().convert("RGB"), "JPEG")}
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.images.edit(**how, prompt="a cat", size="1x1", stream=True, n=2, partial_images=1)  # pyright: ignore
    error: Any = refused.value.body
    assert (error["param"], error["code"]) == ("partial_images", "unsupported_parameter")
    assert error["message"].startswith("5 mistakes: (1) an edit shows no unfinished pictures")
    for words in ("(2) a stream shows one picture", "no PNG, JPEG or WebP", "a mask must be a PNG", "got size '1x1'"):
        assert words in error["message"]
    with tiny_server.client() as client:
        form = {"prompt": "a cat", "n": "11", "style": "vivid", "seam": "1"}
        error = client.post("/v1/images/edits", files={"image": how["image"]}, data=form).json()["error"]
        body = {**form, "n": 11, "seam": 1, "images": [address(drawing())]}
        in_json = client.post("/v1/images/edits", json=body).json()["error"]
    assert (error["param"], error["code"]) == ("n", "invalid_value") == (in_json["param"], in_json["code"])
    assert error["message"].startswith("4 mistakes: (1) n must be less than or equal to 10")
    assert in_json["message"].startswith("3 mistakes: (1) n must be less than or equal to 10")
    for words in ("vivid", "seam means nothing without a mask"):
        assert words in error["message"] and words in in_json["message"]


def test_a_mask_sent_as_text_is_told_as_that_and_hides_neither_a_missing_picture_nor_makes_up_a_mistake(tiny_server):
    form = {"prompt": "a cat", "mask": "mask.png", "seam": "2"}
    with tiny_server.client() as client:
        picture = {"image": file(drawing())}
        alone = client.post("/v1/images/edits", files=picture, data=form).json()["error"]
        no_image = client.post("/v1/images/edits", files={"other": file(drawing())}, data=form).json()["error"]
        as_text = client.post("/v1/images/edits", files=picture, data={"image": "x"} | form).json()["error"]
    assert (alone["param"], alone["message"]) == (
        "mask",
        "the field 'mask' must be a file, got text; send the picture itself",
    )
    assert (no_image["param"], no_image["code"]) == ("image", "missing_field")
    assert no_image["message"].startswith("3 mistakes: (1) the field 'image' is missing; (2) the field 'mask' must be ")
    assert no_image["message"].endswith("the field 'other' must be text, got a file; files are image, image[], mask")
    assert as_text["message"].startswith("2 mistakes: ") and "missing" not in as_text["message"]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"image_url": "https://example.org/x.png"}, "remote_url_disabled"),
        ({}, "invalid_value"),
        ({"file_id": "x"}, "file_not_found"),
    ],
)
def test_the_server_fetches_nothing(tiny_server, image, code):
    with tiny_server.client() as client:
        answer = client.post("/v1/images/edits", json={"images": [image], "prompt": "a cat"})
    assert answer.json()["error"]["code"] == code


def address(image: Image.Image) -> dict[str, str]:
    return {"image_url": f"data:image/png;base64,{base64.b64encode(file(image)[1]).decode()}"}


ASKED: dict[str, Any] = {"prompt": "a cat", "seed": 2, "n": 2, "guidance": 2.0, "negative_prompt": "a dog"}


def test_an_edit_in_a_job_is_that_of_a_plain_request_and_its_pixels_are_not_shown(sdk, tiny_server):
    with tiny_server.client() as client:
        request = {**ASKED, "strength": 0.8, "images": [address(drawing())], "mask": address(left_open())}
        plain = client.post("/v1/images/edits", json=request).json()["data"]
        body = {"kind": "edit", "request": request}
        first, again = (
            client.post("/api/v1/jobs", json=body, headers={"idempotency-key": "edit"}).json() for _ in range(2)
        )
        assert (first["kind"], first["id"]) == ("edit", again["id"])
        other = {**body, "request": {**request, "mask": None}}
        refused = client.post("/api/v1/jobs", json=other, headers={"idempotency-key": "edit"})
        assert refused.json()["error"]["code"] == "idempotency_conflict"
        with client.stream("GET", f"/api/v1/jobs/{first['id']}/events") as stream:
            stream.read()
        done = client.get(f"/api/v1/jobs/{first['id']}").json()
        assert done["state"] == "succeeded" and list(done["request"]["picture"]) == ["sha256"]
        drawn = [client.get(one["url"]).content for one in done["images"]]
    assert drawn == [base64.b64decode(one["b64_json"]) for one in plain]


def test_a_plain_edit_with_a_key_is_drawn_once(sdk, tiny_server):
    how: dict[str, Any] = {"image": file(drawing()), "prompt": "a cat", "extra_headers": {"idempotency-key": "plain"}}
    first, second = sdk.images.edit(**how), sdk.images.edit(**how)
    assert first.data[0].b64_json == second.data[0].b64_json
    job = first.data[0].underpaint["job"]
    assert job is not None and job == second.data[0].underpaint["job"]
    with pytest.raises(openai.ConflictError):
        sdk.images.edit(**{**how, "image": file(left_open())})


def begin(sdk: openai.OpenAI, *bodies: dict[str, Any]) -> str:
    """Begin a batch of edits and return its id when it has ended."""
    lines = [
        {"custom_id": f"line {number}", "method": "POST", "url": "/v1/images/edits", "body": body}
        for number, body in enumerate(bodies)
    ]
    lot = sdk.files.create(file=("lines.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = sdk.batches.create(input_file_id=lot.id, endpoint="/v1/images/edits", completion_window="24h")
    end = time.monotonic() + 60
    while sdk.batches.retrieve(batch.id).status not in ("completed", "failed"):
        assert time.monotonic() < end
        time.sleep(0.1)
    return batch.id


def test_the_edits_of_a_batch_are_those_of_plain_requests(sdk, tiny_server):
    kept = sdk.files.create(file=file(drawing()), purpose="vision").id
    bodies: list[dict[str, Any]] = [
        {**ASKED, "images": [{"file_id": kept}], "mask": address(left_open())},
        {"prompt": "a dog", "seed": 3, "strength": 0.4, "images": [address(drawing())], "response_format": "b64_json"},
    ]
    done = sdk.batches.retrieve(begin(sdk, *bodies))
    assert (done.status, done.error_file_id) == ("completed", None)
    answers = [json.loads(one) for one in sdk.files.content(str(done.output_file_id)).text.splitlines()]
    with tiny_server.client() as client:
        for body, answer in zip(bodies, answers, strict=True):
            plain = client.post("/v1/images/edits", json=body).json()["data"]
            drawn = answer["response"]["body"]["data"]
            assert [one["b64_json"] for one in drawn] == [one["b64_json"] for one in plain]


def test_if_a_picture_of_a_batch_cannot_be_used_nothing_is_drawn(sdk):
    good, how = {"images": [address(drawing())]}, {"prompt": "a cat", "seed": 1}
    bad = [
        {"images": [{"file_id": "file-nothing"}]},
        {"images": [{"image_url": "https://example.org/x.png"}]},
        {"images": [address(drawing())] * 2},
        {**good, "mask": address(left_open().resize((8, 8)))},
        {**good, "strength": 2},
        {},
    ]
    failed = sdk.batches.retrieve(begin(sdk, {**how, **good}, *({**how, **one} for one in bad)))
    assert (failed.status, failed.request_counts.total) == ("failed", 0)
    assert [(one.line, one.code, one.param) for one in failed.errors.data] == [
        (2, "file_not_found", "body.file_id"),
        (3, "remote_url_disabled", "body.images.0"),
        (4, "unsupported_parameter", "body.image"),
        (5, "invalid_value", "body.mask"),
        (6, "invalid_value", "body.strength"),
        (7, "missing_field", "body.images"),
    ]
