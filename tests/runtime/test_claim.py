from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from underpaint.runtime.claim import (
    ACTIONS,
    CREATED,
    EDITED,
    GENERATION,
    MINED,
    MINING,
    OPENED,
    WATERMARKED,
    Claim,
    Generation,
    definition,
)
from underpaint.runtime.xmp import EDITED_TYPE, SOURCE_TYPE

GENERATED = Generation(
    model="m", model_sha256="1" * 64, settings_sha256="2" * 64, pixel_sha256="3" * 64, size="64x64", watermark="a/b"
)
WHEN = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def manifest(generation: Generation = GENERATED) -> dict[str, Any]:
    return definition(generation, version="0.1.0", engine="onnx", when=WHEN, mining="notAllowed")


def data(manifest: dict[str, Any], label: str) -> Any:
    return next(one["data"] for one in manifest["assertions"] if one["label"] == label)


def test_what_is_written_is_read_again():
    claim = Claim.read(manifest())
    assert claim == Claim(program="underpaint", version="0.1.0", generation=GENERATED, problems=()) and claim.ours


def test_the_first_action_is_creation_by_a_trained_model_and_names_the_model():
    made = manifest()
    created, marked = data(made, ACTIONS)["actions"]
    assert (created["action"], created["digitalSourceType"]) == (CREATED, SOURCE_TYPE)
    assert created["when"] == "2026-11-28T12:30:00+00:00" and marked["action"] == WATERMARKED
    (model,) = made["ingredients"]
    assert created["parameters"]["ingredientIds"] == [model["label"]]
    assert (model["title"], model["instance_id"]) == ("m", f"urn:sha256:{'1' * 64}")
    assert {"type": "c2pa.types.model.onnx"} in model["data_types"]


def test_no_mark_is_claimed_where_there_is_none():
    unmarked = manifest(GENERATED.model_copy(update={"watermark": None}))
    assert [one["action"] for one in data(unmarked, ACTIONS)["actions"]] == [CREATED]
    assert Claim.read(unmarked).problems == ()


def test_every_use_has_an_answer_and_no_words_of_the_prompt_are_in_it():
    made = manifest()
    assert {name: entry["use"] for name, entry in data(made, MINING)["entries"].items()} == dict.fromkeys(
        MINED, "notAllowed"
    )
    assert set(data(made, GENERATION)) == set(Generation.model_fields)


def invented_action(made: dict[str, Any]) -> None:
    data(made, ACTIONS)["actions"].append({"action": "c2pa.improved"})


def other_source(made: dict[str, Any]) -> None:
    data(made, ACTIONS)["actions"][0]["digitalSourceType"] = (
        "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    )


def other_order(made: dict[str, Any]) -> None:
    data(made, ACTIONS)["actions"].reverse()


def no_actions(made: dict[str, Any]) -> None:
    data(made, ACTIONS)["actions"] = "none"


def unknown_key(made: dict[str, Any]) -> None:
    data(made, GENERATION)["seed"] = 7


def no_digest(made: dict[str, Any]) -> None:
    data(made, GENERATION)["pixel_sha256"] = "0"


def no_generation(made: dict[str, Any]) -> None:
    made["assertions"] = made["assertions"][:2]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (invented_action, "c2pa.improved"),
        (other_source, "does not say that a trained model"),
        (other_order, "actions that underpaint does not write"),
        (no_actions, "actions that underpaint does not write"),
        (unknown_key, "seed"),
        (no_digest, "pixel_sha256"),
        (no_generation, "says nothing of model"),
    ],
)
def test_what_underpaint_does_not_write_is_told(spoil, message):
    made = copy.deepcopy(manifest())
    spoil(made)
    (problem,) = Claim.read(made).problems
    assert message in problem


@pytest.mark.parametrize("infos", [None, [], "x", [{"name": 7}], [{"name": "another", "version": "2"}]])
def test_other_programs_are_named_and_not_judged(infos):
    claim = Claim.read({"claim_generator_info": infos, "assertions": 7})
    assert not claim.ours and claim.generation is None and claim.problems == ()


def test_an_edit_opens_its_picture_first_and_names_both_picture_and_model():
    made = definition(GENERATED, version="0.1.0", engine="torch", when=WHEN, mining="notAllowed", edited="4" * 64)
    opened, edited, marked = data(made, ACTIONS)["actions"]
    assert [one["action"] for one in (opened, edited, marked)] == [OPENED, EDITED, WATERMARKED]
    assert edited["digitalSourceType"] == EDITED_TYPE and EDITED_TYPE.endswith("/compositeWithTrainedAlgorithmicMedia")
    named = {one["label"]: one for one in made["ingredients"]}
    assert edited["parameters"]["ingredientIds"] == ["model"] and opened["parameters"]["ingredientIds"] == ["picture"]
    assert (named["picture"]["relationship"], named["picture"]["instance_id"]) == ("parentOf", f"urn:sha256:{'4' * 64}")
    assert Claim.read(made).problems == ()
    edited["digitalSourceType"] = SOURCE_TYPE
    assert "does not say that a trained model" in Claim.read(made).problems[0]
