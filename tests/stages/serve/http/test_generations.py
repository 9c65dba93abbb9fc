"""Pictures over HTTP, as the real OpenAI client asks for them."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np
import openai
import pytest
from PIL import Image

from underpaint.pipelines.generator import load
from underpaint.pipelines.picture_file import pixel_digest
from underpaint.pipelines.settings import Settings


@pytest.fixture(scope="module")
def sdk(server) -> openai.OpenAI:
    return server.openai()


def picture(data: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data.b64_json)))


def test_the_pictures_are_those_of_the_library_alone_or_together(sdk):
    answer = sdk.images.generate(prompt="a red heart", n=3, extra_body={"seed": 7, "style": "flat"})
    images = [picture(one) for one in answer.data]
    drawn = [image.info["underpaint"] for image in load().generate("a red heart", n=3, seed=7, style="flat")]
    settings = [Settings.from_json(image.text["parameters"], source="answer") for image in images]  # pyright: ignore
    assert [one.seed for one in settings] == [7, 8, 9] == [one.underpaint["seed"] for one in answer.data]
    assert [one.model_copy(update={"watermark": None, "pixel_sha256": None}) for one in settings] == [
        one.model_copy(update={"pixel_sha256": None}) for one in drawn
    ]
    assert [pixel_digest(image) for image in images] == [one.underpaint["pixel_sha256"] for one in answer.data]
    alone = sdk.images.generate(prompt="a red heart", extra_body={"seed": 8, "style": "flat"})
    assert alone.data[0].b64_json == answer.data[1].b64_json


def test_an_answer_says_what_it_is(sdk):
    raw = sdk.images.with_raw_response.generate(prompt="a red heart", extra_body={"seed": 1})
    answer = raw.parse()
    assert (answer.size, answer.quality, answer.background, answer.output_format) == (
        "64x64",
        "medium",
        "transparent",
        "png",
    )
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 64, 67)
    assert abs(answer.created - time.time()) < 60
    ours = answer.data[0].underpaint
    assert ours["release"] == raw.headers["underpaint-release"]
    assert (ours["prompt_tokens"], ours["prompt_tokens_dropped"]) == (3, 0)
    assert int(raw.headers["underpaint-queue-ms"]) >= 0 and int(raw.headers["underpaint-service-ms"]) > 0
    assert raw.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(("output_format", "mode"), [("png", "RGBA"), ("webp", "RGBA"), ("jpeg", "RGB")])
def test_files_come_in_the_format_asked_for(sdk, output_format, mode):
    answer = sdk.images.generate(prompt="a red heart", output_format=output_format, extra_body={"seed": 1})
    image = picture(answer.data[0])
    assert (image.format, image.mode, answer.output_format) == (output_format.upper(), mode, output_format)
    assert b"trainedAlgorithmicMedia" in base64.b64decode(answer.data[0].b64_json)


def test_an_opaque_picture_is_white_behind(sdk):
    answer = sdk.images.generate(prompt="a red heart", background="opaque", extra_body={"seed": 1})
    image = picture(answer.data[0])
    assert (image.mode, answer.background) == ("RGB", "opaque")
    assert np.asarray(image)[0, 0].min() > 240


def test_an_address_leads_to_the_same_picture_and_no_other(sdk, client):
    wanted = {"prompt": "a red heart", "extra_body": {"seed": 2}}
    url = sdk.images.generate(response_format="url", **wanted).data[0].url
    answer = client.get(url)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == base64.b64decode(sdk.images.generate(**wanted).data[0].b64_json)
    for broken in (url[:-1] + ("0" if url[-1] != "0" else "1"), url.replace(".png", ".webp"), url.replace("=1", "=2")):
        assert client.get(broken).status_code == 401


def test_a_long_prompt_is_drawn_and_what_was_not_read_is_said(sdk):
    ours = sdk.images.generate(prompt="red heart " * 500).data[0].underpaint
    assert ours["prompt_tokens"] + ours["prompt_tokens_dropped"] == 1000 and ours["prompt_tokens_dropped"] > 900


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"extra_body": {"colour": "red"}}, "colour", "unknown_field"),
        ({"prompt": openai.omit}, "prompt", "missing_field"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": "♄ ⟁"}, "prompt", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"size": "1024x1024"}, "size", "unsupported_size"),
        ({"style": "vivid"}, "style", "invalid_value"),
        ({"quality": "hd"}, "quality", "unsupported_parameter"),
        ({"stream": True, "n": 2}, "n", "invalid_value"),
        ({"extra_body": {"partial_images": 1}}, "partial_images", "invalid_value"),
        ({"extra_body": {"steps": 99}}, "steps", "invalid_value"),
        ({"extra_body": {"seed": -1}}, "seed", "invalid_value"),
        ({"extra_body": {"seed": "7"}}, "seed", "invalid_value"),
    ],
)
def test_what_cannot_be_done_is_a_400_with_the_name_of_the_field(sdk, fields, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.images.generate(**{"prompt": "a red heart", **fields})
    error: Any = refused.value.body
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")
    assert set(error) == {"message", "type", "param", "code"}
    assert refused.value.request_id


def test_a_model_that_is_not_served_is_not_found(sdk):
    with pytest.raises(openai.NotFoundError, match="use one of stickers-64"):
        sdk.images.generate(prompt="a red heart", model="dall-e-3")
    for name in (model.id for model in sdk.models.list()):
        assert sdk.models.retrieve(name).id == name
        assert sdk.images.generate(prompt="a red heart", model=name).data[0].underpaint["model"] == "stickers-64"


def test_a_deadline_that_passes_is_a_504_that_is_not_tried_again(server):
    with pytest.raises(openai.APIStatusError) as late:
        server.openai(max_retries=2).images.generate(prompt="a red heart", n=10, extra_body={"deadline_ms": 1})
    assert late.value.status_code in (429, 504)
    assert late.value.response.headers["x-should-retry"] == "false"


def test_variations_are_not_there_and_say_so(client):
    answer = client.post("/v1/images/variations", files={"image": b"x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unsupported_endpoint")
    assert "/v1/images/edits with a prompt" in answer.json()["error"]["message"]


def test_who_hangs_up_gets_nothing_drawn(server, client):
    with server.client(timeout=0.2) as hasty, pytest.raises(Exception, match="timed out"):
        hasty.post("/v1/images/generations", json={"prompt": "a red heart", "n": 10})
    began = time.monotonic()
    while "underpaint_backlog_seconds 0.0" not in client.get("/metrics").text:
        assert time.monotonic() - began < 5
        time.sleep(0.05)
    assert time.monotonic() - began < 1


def test_all_mistakes_of_a_body_come_in_one_answer_with_what_was_meant(client):
    body = {"prompt": "", "n": 20, "sed": 1}
    error = client.post("/v1/images/generations", json=body).json()["error"]
    assert (error["param"], error["code"]) == ("prompt", "invalid_value")
    assert error["message"].startswith("3 mistakes: ") and "did you mean 'seed'?" in error["message"]
    assert "should" not in error["message"]
    wrong = {"prompt": "a cat", "n": 20, "size": "1x1", "style": "vivid"}
    both = client.post("/v1/images/generations", json=wrong).json()["error"]
    assert both["param"] == "n" and both["message"].startswith("3 mistakes: (1) n must be")
    assert "size '1x1'" in both["message"] and "vivid" in both["message"]
    job = client.post("/api/v1/jobs", json={"request": {"prompt": "a cat", "sed": 1}}).json()["error"]
    assert (job["param"], job["code"]) == ("request.sed", "unknown_field")
    assert "did you mean 'seed'?" in job["message"]
