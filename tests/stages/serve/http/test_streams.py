"""Streams of events, as the real OpenAI client reads them."""

from __future__ import annotations

import base64
import io

import openai
import pytest
from PIL import Image

from underpaint.stages.serve.http.sse import event


def test_unfinished_pictures_come_first_and_the_last_is_the_picture(tiny_server):
    sdk = tiny_server.openai()
    events = list(sdk.images.generate(prompt="a red apple", stream=True, partial_images=2, extra_body={"seed": 3}))
    assert [one.type.rpartition(".")[2] for one in events] == ["partial_image", "partial_image", "completed"]
    assert [one.partial_image_index for one in events[:-1]] == [0, 1]
    plain = sdk.images.generate(prompt="a red apple", extra_body={"seed": 3})
    assert events[-1].b64_json == plain.data[0].b64_json
    assert events[-1].usage.total_tokens == plain.usage.total_tokens
    for one in events:
        assert Image.open(io.BytesIO(base64.b64decode(one.b64_json))).size == (32, 32)
        assert (one.size, one.quality, one.background, one.output_format) == ("32x32", "medium", "transparent", "png")


def test_a_graph_shows_no_unfinished_pictures_and_the_last_comes_all_the_same(server):
    events = list(server.openai().images.generate(prompt="a red apple", stream=True, partial_images=3))
    assert [one.type for one in events] == ["image_generation.completed"]


def test_comments_keep_a_stream_alive_and_do_not_break_it(tiny_server):
    body = {"prompt": "a red apple", "stream": True, "n": 1}
    with tiny_server.client() as client:
        wait = client.post("/v1/images/generations", json={"prompt": "a cat", "n": 1})
        text = client.post("/v1/images/generations", json=body).text
    assert wait.status_code == 200
    assert "event: image_generation.completed" in text and "id:" not in text
    many = list(tiny_server.openai().images.generate(prompt="a cat", stream=True))
    assert [one.type for one in many] == ["image_generation.completed"]


def test_what_is_wrong_before_the_first_event_is_a_plain_answer(server):
    with pytest.raises(openai.BadRequestError, match="style"):
        server.openai().images.generate(prompt="a cat", stream=True, style="vivid")  # pyright: ignore


def test_events_are_lines_that_a_browser_reads():
    assert event("name", {"a": "line\nbreak"}, 3) == b'id: 3\nevent: name\ndata: {"a": "line\\nbreak"}\n\n'
