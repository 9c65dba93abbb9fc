"""A batch's file: one request a line, all of it checked before any of it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from underpaint.core.config import Config, parse_json
from underpaint.stages.serve.asking.body_mistakes import body_mistakes
from underpaint.stages.serve.asking.edit_request import MAX_PICTURES, Given, HowMuch
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.asking.rest_mistakes import RestMistakes

MAX_LINES = 50_000
MAX_LINE_BYTES = 2**20
SHOWN_ERRORS = 100
"""Most mistakes that are told."""


class LineRequest(PictureRequest):
    """The body of a line: a request for pictures that come in the file of answers.

    Args:
        response_format: The pictures themselves, or addresses of them.
    """

    response_format: Literal["b64_json", "url"] | None = "b64_json"


class EditLineRequest(LineRequest, HowMuch):
    """The body of a line of a batch of edits.

    Args:
        images: The picture.
        mask: A PNG of the same size; what is transparent in it is drawn anew.
    """

    images: list[Given] = Field(min_length=1, max_length=MAX_PICTURES)
    mask: Given | None = None


class Line(Config):
    """One request.

    Args:
        custom_id: The caller's name for it.
        method: ``POST``.
        url: The endpoint that it is meant for, the batch's own.
        body: What would be posted there.
    """

    model_config = ConfigDict(strict=True)

    custom_id: str = Field(min_length=1, max_length=512)
    method: Literal["POST"]
    url: str
    body: LineRequest


class EditLine(Line):
    """One request to edit.

    Args:
        body: What would be posted, in JSON.
    """

    body: EditLineRequest  # pyright: ignore[reportIncompatibleVariableOverride]


EDITS = "/v1/images/edits"
"""Endpoint of batches of edits."""
LIST = "/api/v1/batch-list"
"""Endpoint of batches that are lists."""
SHEET = "/api/v1/sheets"
"""Endpoint of batches that are one subject in many moods."""
FOR_GALLERY = {LIST: "list", SHEET: "sheet"}
"""Endpoints of batches whose pictures go into the gallery, without a file of answers, and what they are called."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is wrong with a line.

    Args:
        line: Its number, from 1; None if it is the file.
        code: A word for programs.
        message: What is wrong.
        param: The field, if it is one.
    """

    line: int | None
    code: str
    message: str
    param: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as callers see it."""
        return {"code": self.code, "line": self.line, "message": self.message, "param": self.param}


def read_lines(path: Path, endpoint: str, rest: RestMistakes | None = None) -> Iterator[tuple[int, Line | Mistake]]:
    """Yield every line with its number, checked by itself; empty lines are passed over.

    Args:
        path: The file.
        endpoint: What every ``url`` must be.
        rest: Says what else is wrong with a body that has not the right form; None for nothing.
    """
    seen: set[str] = set()
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                yield number, Mistake(line=number, code="line_too_long", message=f"more than {MAX_LINE_BYTES:,} bytes")
                return
            if not raw.strip():
                continue
            found = _line(raw, number, endpoint, rest)
            if isinstance(found, Line):
                if found.custom_id in seen:
                    message = f"the custom_id {found.custom_id!r:.80} stands twice"
                    found = Mistake(line=number, code="duplicate_custom_id", message=message, param="custom_id")
                else:
                    seen.add(found.custom_id)
            yield number, found
            if number >= MAX_LINES + 1:
                yield number, Mistake(line=number, code="too_many_lines", message=f"more than {MAX_LINES:,} lines")
                return


def _line(raw: bytes, number: int, endpoint: str, rest: RestMistakes | None) -> Line | Mistake:
    kind = EditLine if endpoint == EDITS else Line
    try:
        values = parse_json(raw.decode("utf-8"))
    except ValueError as error:
        return Mistake(line=number, code="invalid_json_line", message=f"this is no JSON ({error})")
    try:
        line = kind.model_validate(values)
    except ValidationError as error:
        others = [] if rest is None or kind is EditLine else _rest_of(values, error, rest)
        wrong = body_mistakes(error.errors(), kind, others)
        return Mistake(line=number, code=wrong.code, message=wrong.message, param=wrong.param)
    if line.url != endpoint:
        message = f"url is {line.url!r:.80}, and the batch is for {endpoint}"
        return Mistake(line=number, code="mismatched_url", message=message, param="url")
    return line


def _rest_of(values: object, error: ValidationError, rest: RestMistakes) -> list[str]:
    """Return what else is wrong with the body of a line."""
    within = [{**problem, "loc": problem["loc"][1:]} for problem in error.errors() if problem["loc"][:1] == ("body",)]
    return rest(values["body"], within) if isinstance(values, dict) and "body" in values else []
