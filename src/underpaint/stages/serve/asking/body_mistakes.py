"""What is wrong with the form of a body: all of it in one message, in our words, with the field that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from underpaint.core.config import in_words
from underpaint.core.mistakes import in_a_line

CODES = {"missing": "missing_field", "extra_forbidden": "unknown_field"}


@dataclass(frozen=True)
class BodyMistakes:
    """What is wrong with a body.

    Args:
        code: A word for programs, of the first mistake.
        message: All mistakes.
        param: The field of the first mistake, if it is one.
    """

    code: str
    message: str
    param: str | None


def body_mistakes(
    problems: Sequence[Mapping[str, Any]], kind: type[BaseModel] | None, rest: Sequence[str] = ()
) -> BodyMistakes:
    """Return what is wrong with a body.

    Args:
        problems: What pydantic found, at least one; each place begins in the body.
        kind: What the body should be, so that a mistyped field can be told what it was meant to be; None if unknown.
        rest: What else is wrong, with fields that have the right form.
    """
    told = list(dict.fromkeys([*(_told(problem, kind) for problem in problems), *rest]))
    code = CODES.get(problems[0]["type"], "invalid_value")
    return BodyMistakes(code, in_a_line(told), _param(problems[0]))


def _param(problem: Mapping[str, Any]) -> str | None:
    place = [str(part) for part in problem["loc"]]
    return ".".join(part for part in place if part.isidentifier() or part.isdecimal()) or None


def _told(problem: Mapping[str, Any], kind: type[BaseModel] | None) -> str:
    param = _param(problem)
    if problem["type"] == "extra_forbidden":
        name = str(problem["loc"][-1])
        return f"there is no field {'.'.join(map(str, problem['loc']))!r:.80} here; {_instead(name, problem, kind)}"
    if param is None:
        return f"the body must be a JSON object (got {problem['input']!r:.80})"
    if problem["type"] == "missing":
        return f"the field {param!r:.80} is missing"
    return f"{param} {in_words(problem['type'], problem['msg'])} (got {problem['input']!r:.80})"


def _instead(name: str, problem: Mapping[str, Any], kind: type[BaseModel] | None) -> str:
    """Return what to do about an unknown field."""
    close = difflib.get_close_matches(name, _fields_at(kind, problem["loc"][:-1]), n=1)
    return f"did you mean {close[0]!r}?" if close else "leave it out"


def _fields_at(kind: type[BaseModel] | None, place: Sequence[str | int]) -> list[str]:
    """Return the names of the fields at a place in a body; none if it is unknown."""
    for part in place:
        if isinstance(part, str):
            field = None if kind is None else kind.model_fields.get(part)
            kind = None if field is None else _model_in(field.annotation)
    return [] if kind is None else list(kind.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in a type, as in ``list[Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
