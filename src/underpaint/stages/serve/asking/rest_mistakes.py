"""What else is wrong with a body whose form is wrong: its other fields, as if the wrong ones had been left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.field_mistakes import messages_of
from underpaint.stages.serve.asking.planning import wish_of
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.engine.catalog import Catalog

RestMistakes = Callable[[object, Sequence[Mapping[str, Any]]], list[str]]
"""From a body and what pydantic found wrong with it to what else is."""
ANYTHING = "a picture"
"""A prompt that nothing is wrong with."""


def rest_mistakes(
    body: object, problems: Sequence[Mapping[str, Any]], catalog: Catalog, presets: Mapping[str, int]
) -> list[str]:
    """Return what a model cannot do of the fields of a request that have the right form.

    Args:
        body: The request as it came.
        problems: What pydantic found; each place begins in the body.
        catalog: The served models.
        presets: Steps of the qualities, where they are set.
    """
    wrong = {problem["loc"][0] for problem in problems if problem["loc"]}
    if not isinstance(body, Mapping) or "model" in wrong:
        return []
    fields = {name: body[name] for name in PictureRequest.model_fields if name in body and name not in wrong}
    try:
        wish_of(PictureRequest(**{"prompt": ANYTHING, **fields}), catalog, presets=presets)
    except FieldError as error:
        return messages_of(error)
    except ValidationError:
        return []
    return []
