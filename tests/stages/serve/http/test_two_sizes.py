"""A server of both shipped models, which draw pictures of two sizes."""

from __future__ import annotations

import pytest

SIZES = {"stickers-64": 64, "stickers-128": 128}


@pytest.fixture(scope="module")
def both(start_server, tmp_path_factory):
    named = [word for name in SIZES for word in ("-m", name)]
    return start_server(tmp_path_factory.mktemp("both-state"), *named).wait_until_ready()


def test_both_shipped_models_are_offered_by_their_names(both):
    with both.client() as client:
        assert [*SIZES] == [row["id"] for row in client.get("/v1/models").json()["data"] if row["id"] in SIZES]
        told = client.get("/api/v1/capabilities").json()["models"]
    assert {model["name"]: (model["width"], model["height"]) for model in told} == {
        name: (side, side) for name, side in SIZES.items()
    }


@pytest.mark.parametrize("name", SIZES)
def test_each_draws_in_its_own_size(both, name):
    with both.client() as client:
        answer = client.post("/v1/images/generations", json={"prompt": "a red heart", "model": name, "seed": 3})
    assert answer.status_code == 200 and answer.json()["size"] == f"{SIZES[name]}x{SIZES[name]}"


@pytest.mark.parametrize("side", SIZES.values())
def test_a_size_without_a_model_is_drawn_and_edited_by_the_one_that_has_it(both, side):
    fields = {"prompt": "a red heart", "size": f"{side}x{side}"}
    with both.client() as client:
        drawn = client.post("/v1/images/generations", json=fields).json()
        address = f"data:image/png;base64,{drawn['data'][0]['b64_json']}"
        edited = client.post("/v1/images/edits", json={**fields, "images": [{"image_url": address}]}).json()
    names = {answer["data"][0]["underpaint"]["model"] for answer in (drawn, edited)}
    assert names == {f"stickers-{side}"} and drawn["size"] == edited["size"] == fields["size"]
