"""Laws of requests to edit: words to draw away from are looked at like a prompt, and every mistake names its field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.edit_planning import check_served
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.field_mistakes import messages_of
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.security.gatekeeper import Gatekeeper
from underpaint.stages.serve.security.prompt_filter import PromptFilter
from underpaint.stages.serve.security.prompt_policy import default_policy
from underpaint.stages.serve.service import Service


@pytest.fixture(scope="module")
def service(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    config = ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path_factory.mktemp("state"))
    return Service(config, admit=Gatekeeper(prompts=PromptFilter(default_policy())).admit)


def wish(service: Service, **fields: Any) -> Any:
    asked = EditFields(**{"prompt": "a cat", "guidance": 2.0, **fields})
    given = service.edit_input(asked, Image.new("RGBA", (32, 32), (200, 30, 30, 255)), None)
    return service.edit_wish(asked, "ann", given)


def test_words_to_draw_away_from_pass_the_policy_too(service):
    drawn = wish(service, negative_prompt="a red heart").settings.edit
    assert drawn.negative == "a red heart"
    with pytest.raises(FieldError, match="rule hate-symbols") as error:
        wish(service, negative_prompt="a sw4stika")
    assert (error.value.param, error.value.code) == ("negative_prompt", "moderation_blocked")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"negative_prompt": "a cat", "guidance": 0.0}, "negative_prompt"),
        ({"negative_prompt": "x" * 401}, "negative_prompt"),
        ({"negative_prompt": "a\0cat"}, "negative_prompt"),
        ({"seam": 2}, "seam"),
        ({"guidance": 0.0, "negative_prompt": "x", "seam": 1}, "seam"),
    ],
)
def test_what_is_wrong_names_its_field_and_not_the_picture(service, fields, param):
    with pytest.raises(FieldError) as error:
        wish(service, **fields)
    assert error.value.param == param and "negative " not in str(error.value)


def test_every_mistake_of_an_edit_is_told_and_the_first_names_the_field(service):
    with pytest.raises(FieldError) as error:
        wish(service, style="vivid", size="1x1", guidance=0.0, negative_prompt="x", seam=1)
    told = messages_of(error.value)
    assert [("1x1" in told[0]), ("vivid" in told[1]), ("seam" in told[2]), ("negative_prompt" in told[3])] == [True] * 4
    assert len(told) == 4 and (error.value.param, error.value.code) == ("size", "unsupported_size")


def test_a_model_that_runs_as_a_graph_without_edits_takes_no_picture(service):
    served = service.catalog.default
    check_served(served)
    with pytest.raises(FieldError, match="--engine torch, or an export that was made with --edit") as error:
        check_served(replace(served, engine="onnx"))
    assert (error.value.param, error.value.code) == ("model", "unsupported_parameter")
