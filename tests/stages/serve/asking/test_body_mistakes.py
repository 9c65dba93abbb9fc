"""What is wrong with a body is said once, whole, and in our words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from underpaint.stages.serve.asking.body_mistakes import BodyMistakes, body_mistakes
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.input_file import Line, Mistake, read_lines


def wrong(kind: type[BaseModel], values: Any) -> BodyMistakes:
    with pytest.raises(ValidationError) as found:
        kind.model_validate(values)
    return body_mistakes(found.value.errors(), kind)


def test_all_mistakes_are_told_and_the_first_is_the_answers():
    found = wrong(GenerationRequest, {"prompt": "", "n": 20, "sed": 1})
    assert (found.param, found.code) == ("prompt", "invalid_value")
    assert found.message == (
        "3 mistakes: (1) prompt must have at least 1 character (got ''); "
        "(2) n must be less than or equal to 10 (got 20); (3) there is no field 'sed' here; did you mean 'seed'?"
    )


@pytest.mark.parametrize(
    ("kind", "name", "advice"),
    [
        (GenerationRequest, "promt", "did you mean 'prompt'?"),
        (EditFields, "strenght", "did you mean 'strength'?"),
        (GenerationRequest, "strenght", "leave it out"),
        (GenerationRequest, "zzz", "leave it out"),
    ],
)
def test_an_unknown_field_is_told_what_it_was_meant_to_be_where_there_is_one(kind, name, advice):
    found = wrong(kind, {"prompt": "a cat", name: 1})
    assert (found.param, found.code) == (name, "unknown_field")
    assert found.message == f"there is no field {name!r} here; {advice}"


def test_a_field_within_a_field_is_looked_for_there():
    line = {"custom_id": "1", "method": "POST", "url": "/", "body": {"promt": "a cat"}}
    message = wrong(Line, line).message
    assert "the field 'body.prompt' is missing" in message
    assert "there is no field 'body.promt' here; did you mean 'prompt'?" in message


def test_what_is_no_object_is_said():
    assert wrong(GenerationRequest, [1]).message == "the body must be a JSON object (got [1])"


def test_a_line_of_a_batch_tells_the_same(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"custom_id": "1", "method": "POST", "url": "/v1/images/generations", "body": {"promt": "a"}}\n')
    ((_, found),) = read_lines(path, "/v1/images/generations")
    assert isinstance(found, Mistake)
    assert found.message.startswith("2 mistakes: ") and "did you mean 'prompt'?" in found.message
