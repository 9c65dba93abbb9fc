"""What else is wrong with a body whose form is wrong: its other fields, as if the wrong ones had been left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.edit_planning import edit_wish, stand_in
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.field_mistakes import messages_of
from underpaint.stages.serve.asking.planning import wish_of
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.engine.catalog import Catalog

Request = TypeVar("Request", bound=Config)
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
    request = fitting(PictureRequest, body, problems)
    if request is None:
        return []
    try:
        wish_of(request, catalog, presets=presets)
    except FieldError as error:
        return messages_of(error)
    return []


def check_rest_of_edit(
    body: object, problems: Sequence[Mapping[str, Any]], catalog: Catalog, presets: Mapping[str, int], has_mask: bool
) -> None:
    """Refuse what a model cannot do of the fields of a request to edit that have the right form, whatever its picture.

    Args:
        body: The request as it came.
        problems: What pydantic found; each place begins in the body.
        catalog: The served models.
        presets: Steps of the qualities, where they are set.
        has_mask: Whether a mask came with it.

    Raises:
        FieldError: There is something.
    """
    request = fitting(EditFields, body, problems)
    if request is not None:
        edit_wish(request, catalog, stand_in(request, catalog, has_mask), presets=presets)


def fitting(
    kind: type[Request], body: object, problems: Sequence[Mapping[str, Any]], words: str = "prompt"
) -> Request | None:
    """Return a request as if its wrong fields had been left out; None if that leaves nothing to be judged.

    Args:
        kind: What it should be.
        body: The request as it came.
        problems: What pydantic found; each place begins in the body.
        words: The field that says what to draw.
    """
    wrong = {problem["loc"][0] for problem in problems if problem["loc"]}
    if not isinstance(body, Mapping) or "model" in wrong:
        return None
    fields = {name: body[name] for name in kind.model_fields if name in body and name not in wrong}
    try:
        return kind(**{words: ANYTHING, **fields})
    except ValidationError:
        return None
