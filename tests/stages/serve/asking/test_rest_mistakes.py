"""What is wrong with the fields of a body that have the right form is told beside those that have not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.field_mistakes import messages_of
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.asking.rest_mistakes import check_rest_of_edit, rest_mistakes
from underpaint.stages.serve.engine.catalog import Catalog, open_catalog


@pytest.fixture(scope="module")
def catalog(tiny_model) -> Catalog:
    return open_catalog({"tiny": str(tiny_model)}, engine="torch")


def rest(catalog: Catalog, **body: Any) -> list[str]:
    with pytest.raises(ValidationError) as found:
        GenerationRequest.model_validate(body)
    return rest_mistakes(body, found.value.errors(), catalog, {})


def test_every_other_mistake_is_told_once_and_none_of_a_wrong_field(catalog):
    told = rest(catalog, prompt="a cat", n=99, size="1x1", style="vivid")
    assert len(told) == 2 and "1x1" in told[0] and "vivid" in told[1]
    assert rest(catalog, prompt=7, n=99) == []
    assert len(rest(catalog, prompt="a cat", size=1, style="vivid")) == 1
    assert rest(catalog, n=1, sed=1, style="flat") == []


def test_where_the_model_is_wrong_nothing_is_said_of_what_a_model_can(catalog):
    assert rest(catalog, prompt="a cat", model=1, size="1x1") == []
    (unknown,) = rest(catalog, prompt="a cat", n=99, model="nobody", size="1x1")
    assert "nobody" in unknown


@pytest.mark.parametrize("body", [None, [], "x", {}])
def test_what_is_no_request_has_no_other_mistakes(catalog, body):
    assert rest_mistakes(body, [{"loc": (), "type": "model_type"}], catalog, {}) == []


def test_of_an_edit_what_edits_alone_have_is_told_too(catalog):
    body = {"prompt": 7, "style": "vivid", "guidance": 0.0, "negative_prompt": "a dog", "seam": 1}
    with pytest.raises(FieldError) as told:
        check_rest_of_edit(body, [{"loc": ("prompt",), "type": "string_type"}], catalog, {}, False)
    style, seam, negative = messages_of(told.value)
    assert "vivid" in style and seam.startswith("seam ") and negative.startswith("negative_prompt ")
    with pytest.raises(FieldError) as told:
        check_rest_of_edit(body, [{"loc": ("prompt",), "type": "string_type"}], catalog, {}, True)
    assert messages_of(told.value) == [style, negative]
    check_rest_of_edit({"prompt": 7, "seam": 1}, [{"loc": ("prompt",), "type": "string_type"}], catalog, {}, True)
