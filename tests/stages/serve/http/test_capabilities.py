"""What a server says of itself holds: whatever it says can be asked for, can be."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from underpaint.pipelines.settings import SEED_MAX

PATH = "/api/v1/capabilities"


@pytest.fixture(scope="module")
def told(client) -> dict[str, Any]:
    return client.get(PATH).json()


def draw(client: httpx2.Client, **asked: Any) -> httpx2.Response:
    return client.post("/v1/images/generations", json={"prompt": "a red heart", **asked})


def test_a_local_server_needs_no_key_and_lets_everybody_do_all(told):
    assert (told["needs_key"], told["role"]) == (False, "operator")


def test_the_ends_of_every_range_can_be_drawn_and_what_lies_beyond_them_cannot(client, told):
    (model,) = told["models"]
    for name in ("steps", "guidance", "temperature"):
        found = model[name]
        whole = int if name == "steps" else float
        assert found["low"] <= found["default"] <= found["high"]
        assert {draw(client, **{name: whole(found[end])}).status_code for end in ("low", "high")} == {200}
        refused = draw(client, **{name: whole(found["high"] + 1)})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, name)


def test_every_style_and_every_example_can_be_drawn(client, told):
    (model,) = told["models"]
    assert {one["style"] for one in told["examples"]} <= {*model["styles"], None}
    assert len({one["prompt"] for one in told["examples"]}) == len(told["examples"]) >= 12
    for style in model["styles"]:
        prompt = next((one["prompt"] for one in told["examples"] if one["style"] == style), "a cat")
        answer = draw(client, prompt=prompt, style=style, model=model["name"]).json()
        assert answer["size"] == f"{model['width']}x{model['height']}"
        assert answer["data"][0]["underpaint"]["prompt_tokens_dropped"] == 0


def test_the_limits_are_those_that_hold(client, told):
    limits = told["limits"]
    assert draw(client, seed=SEED_MAX).status_code == 200 and limits["seed"] == SEED_MAX
    assert draw(client, n=limits["n"] + 1).json()["error"]["param"] == "n"
    too_long = draw(client, prompt="a " * (limits["prompt_characters"] // 2 + 1))
    assert too_long.json()["error"]["param"] == "prompt"
    assert draw(client, user="x" * limits["body_bytes"]).status_code == 413


def test_a_model_in_torch_shows_what_is_unfinished_and_says_so(tiny_server):
    with tiny_server.client() as client:
        (model,) = client.get(PATH).json()["models"]
    assert (model["engine"], model["can_preview"], model["can_edit"]) == ("torch", True, True)
    assert model["is_default"] and model["is_loaded"] and model["picture_ms"] >= 0
