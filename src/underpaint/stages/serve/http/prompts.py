"""``POST /api/v1/prompts/check``: how a model reads some words, while somebody still writes them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.stages.serve.asking.reading import Reading
from underpaint.stages.serve.asking.request import MAX_PROMPT
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, AnyServiceOf

router = APIRouter(prefix="/api/v1/prompts", tags=["jobs"])
MOST_PROMPTS = 100


class PromptsRequest(Config):
    """Prompts to look at.

    Args:
        prompts: As they were written.
        model: A served name or a release; null for the default.
    """

    model_config = ConfigDict(strict=True)

    prompts: list[Annotated[str, Field(max_length=MAX_PROMPT)]] = Field(min_length=1, max_length=MOST_PROMPTS)
    model: str | None = Field(default=None, max_length=200)


class ReadingView(BaseModel):
    """How a prompt is read; all of it can be drawn, but where there is trouble.

    Args:
        unread: The end of it that the model does not read; empty if it reads all.
        unknown: Words that it hardly knows.
        is_foreign: Whether it looks like another language than English.
        trouble: Why it cannot be drawn as it stands; null if it can.
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
    """How prompts are read, in their order."""

    object: Literal["list"] = "list"
    data: list[ReadingView]


@router.post(
    "/check", response_model=Readings, responses=refusals(400, 401, 404, 413, 415, 500, 503), dependencies=[JSON_ONLY]
)
async def check(body: Annotated[PromptsRequest, Body()], _caller: CallerOf, service: AnyServiceOf) -> Readings:
    """Say how prompts are read: what is beyond the model's longest text, and which words it hardly knows."""
    model = service.catalog.find(body.model).model
    found = await asyncio.to_thread(lambda: list(service.readers.read(model, body.prompts)))
    return Readings(data=[ReadingView.of(reading) for reading in found])
