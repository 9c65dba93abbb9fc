"""``POST /api/v1/prompts/check``: how a model reads some words, while somebody still writes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.pipelines.stickers.own_moods import own_words
from underpaint.stages.serve.asking.reading import Reading
from underpaint.stages.serve.asking.request import MAX_PROMPT
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, AnyServiceOf
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.plan import MOST_MOODS, check_moods, first_of_each
from underpaint.stages.serve.sheets.request import SUBJECT_CHARACTERS

router = APIRouter(prefix="/api/v1/prompts", tags=["jobs"])
MOST_PROMPTS = 100


class PromptsRequest(Config):
    """Prompts to look at.

    Args:
        prompts: As they were written.
        subject: Of a sheet whose moods in words of your own the prompts are: each is read as the words of its picture,
            and nothing is said of a line that is true of the subject already. Null for prompts that stand alone.
        moods: Names of moods of the same sheet, which stand before the prompts.
        model: A served name or a release; null for the default.
    """

    model_config = ConfigDict(strict=True)

    prompts: list[Annotated[str, Field(max_length=MAX_PROMPT)]] = Field(min_length=1, max_length=MOST_PROMPTS)
    subject: str | None = Field(default=None, max_length=SUBJECT_CHARACTERS)
    moods: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=MOST_MOODS)
    model: str | None = Field(default=None, max_length=200)


class ReadingView(BaseModel):
    """How a prompt is read; all of it can be drawn, but where there is trouble.

    Args:
        unread: The end of it that the model does not read; empty if it reads all.
        unknown: Words that it hardly knows.
        is_foreign: Whether it looks like another language than English.
        trouble: Why it cannot be drawn as it stands, with places counted in the prompt as it was sent; null if it can.
    """

    unread: str
    unknown: list[str]
    is_foreign: bool
    trouble: str | None

    @classmethod
    def of(cls, reading: Reading) -> ReadingView:
        """Return a reading as callers see it."""
        return cls(
            unread=reading.unread,
            unknown=list(reading.unknown),
            is_foreign=reading.is_foreign,
            trouble=reading.trouble,
        )


class Readings(BaseModel):
    """How prompts are read, in their order.

    Args:
        same_as: For each mood of a subject the first mood or prompt that means the same picture, which is drawn once;
            null where none before it does, and for prompts that stand alone.
    """

    object: Literal["list"] = "list"
    data: list[ReadingView]
    same_as: list[str | None]


@router.post(
    "/check", response_model=Readings, responses=refusals(400, 401, 404, 413, 415, 500, 503), dependencies=[JSON_ONLY]
)
async def check(body: Annotated[PromptsRequest, Body()], _caller: CallerOf, service: AnyServiceOf) -> Readings:
    """Say how prompts are read: what is beyond the model's longest text, and which words it hardly knows.

    Of the moods of a subject it says which of them mean the same picture, too.
    """
    found = await asyncio.to_thread(_readings, body, service)
    return Readings(data=[ReadingView.of(reading) for reading in found], same_as=_same_as(body))


def _readings(body: PromptsRequest, service: Service) -> list[Reading]:
    model = service.catalog.find(body.model).model
    if body.subject is None or not body.subject.strip():
        return list(service.readers.read(model, body.prompts))
    lines = [words.strip() for words in body.prompts]
    whole = [own_words(body.subject, words) for words in lines]
    subject, *found = service.readers.read(model, [body.subject, *whole])

    def in_place(reading: Reading, line: str) -> Reading:
        """Return how a picture is read, with the trouble of the line that it is made of if that has its own."""
        if not reading.trouble:
            return reading
        (alone,) = service.readers.read(model, [line])
        return replace(reading, trouble=alone.trouble or reading.trouble)

    return [in_place(reading.beside(subject), line) for reading, line in zip(found, lines, strict=True)]


def _same_as(body: PromptsRequest) -> list[str | None]:
    """Return for each mood of a subject the one before it that means the same picture.

    Raises:
        FieldError: There are no words for one of the named moods.
    """
    if body.subject is None:
        return [None] * len(body.prompts)
    check_moods(body.moods)
    first, found = first_of_each(body.subject, body.moods), list[str | None]()
    for words in map(str.strip, body.prompts):
        prompt = own_words(body.subject, words)
        found.append(first.get(prompt))
        first.setdefault(prompt, words)
    return found
