"""The fields of a request to edit a picture: those of OpenAI's Images API, and ours beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from underpaint.stages.serve.asking.request import GenerationRequest

WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
BOOLEANS = {"true": True, "false": False}


class EditFields(GenerationRequest):
    """What is asked for beside the picture and its mask.

    Args:
        input_fidelity: ``low`` draws more anew, ``high`` less.
        strength: How much is drawn anew, from 0 to 1.
        seam: Pixels inside a mask over which what is drawn fades in.
    """

    input_fidelity: Literal["low", "high"] | None = None
    strength: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    seam: int | None = Field(default=None, ge=0, le=16)


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form with the numbers and truths that they stand for; the rest stays text.

    Args:
        form: Field to text.
    """
    return {name: _value(name, text) for name, text in form.items()}


def _value(name: str, text: str) -> Any:
    annotation = str(EditFields.model_fields[name].annotation) if name in EditFields.model_fields else "str"
    if "bool" in annotation and text in BOOLEANS:
        return BOOLEANS[text]
    if "int" in annotation and WHOLE.fullmatch(text):
        return int(text)
    if "float" in annotation and NUMBER.fullmatch(text):
        return float(text)
    return text
