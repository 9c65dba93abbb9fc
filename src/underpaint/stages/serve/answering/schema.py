"""Answers as OpenAI's clients read them, and ours beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Made(BaseModel):
    """What made a picture; ours, under one key of its own.

    Args:
        job: The durable job, if it was one.
        prompt_tokens: Words of the prompt that the model read.
        prompt_tokens_dropped: Words beyond the longest text that it reads.
    """

    seed: int
    model: str
    release: str
    style: str | None
    steps: int | None
    sampler: str | None = None
    guidance: float | None
    pixel_sha256: str
    job: str | None = None
    prompt_tokens: int
    prompt_tokens_dropped: int


class ImageData(BaseModel):
    """A picture: itself or its address."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    underpaint: Made


class TokenDetails(BaseModel):
    """What went in, by kind."""

    image_tokens: int = 0
    text_tokens: int


class Usage(BaseModel):
    """What went in and came out: words of the prompt, positions of the latent."""

    input_tokens: int
    input_tokens_details: TokenDetails
    output_tokens: int
    total_tokens: int


class ImagesResponse(BaseModel):
    """The answer to a request for pictures."""

    created: int
    data: list[ImageData]
    background: Literal["transparent", "opaque"]
    output_format: Literal["png", "jpeg", "webp"]
    quality: Literal["low", "medium", "high"]
    size: str
    usage: Usage


class ModelRow(BaseModel):
    """A served model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "underpaint"


class ModelList(BaseModel):
    """All served models: names, and the releases behind them."""

    object: Literal["list"] = "list"
    data: list[ModelRow]


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether requests are welcome, and why not."""

    ready: bool
    reasons: list[str] = Field(default_factory=list)
