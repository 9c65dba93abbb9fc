"""The fields of a request for pictures: those of OpenAI's Images API, and ours beside them.

What is not listed here is refused, never passed over.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from underpaint.core.config import Config
from underpaint.pipelines.settings import SEED_MAX
from underpaint.stages.serve.engine.orders import MAX_PREVIEWS, Format

MAX_PROMPT = 32_000
MAX_PICTURES = 10

Quality = Literal["low", "medium", "high", "auto", "standard", "hd"]
Background = Literal["transparent", "opaque", "auto"]


class PictureRequest(Config):
    """What is asked for in one request, by whichever way it comes; null is the same as leaving a field out.

    Args:
        prompt: What to draw, in English.
        model: A served name or a release; null for the first served one that draws pictures of this size.
        n: Pictures; the seed of each is one more than that of the one before.
        size: ``auto`` or the size of a served model, as ``64x64``; without ``model`` it chooses who draws.
        quality: A number of steps by name; ``standard`` is ``medium``, ``hd`` is ``high``, ``auto`` the default.
        output_format: Of the files.
        output_compression: Quality of JPEG and WebP, 0 to 100.
        background: ``opaque`` is white; ``auto`` is transparent where the format can be.
        moderation: ``auto`` alone.
        style: One of the model's styles.
        user: Your own user: gets a fair share beside your others.
        seed: Chooses the picture; drawn and returned if it is missing.
        steps: Steps of the model's diffusion part.
        guidance: Pull towards the prompt.
        temperature: Factor on the sampling temperatures.
        negative_prompt: What an edit is drawn away from; no picture is drawn from words with one.
        sampler: For models that have several; none here does.
    """

    model_config = ConfigDict(strict=True)

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT)
    model: str | None = Field(default=None, max_length=200)
    n: int | None = Field(default=1, ge=1, le=MAX_PICTURES)
    size: str | None = Field(default="auto", max_length=20)
    quality: Quality | None = "auto"
    output_format: Format | None = "png"
    output_compression: int | None = Field(default=100, ge=0, le=100)
    background: Background | None = "auto"
    moderation: Literal["low", "auto"] | None = "auto"
    style: str | None = Field(default=None, max_length=100)
    user: str | None = Field(default=None, max_length=512)
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    steps: int | None = Field(default=None, ge=0, le=1000)
    guidance: float | None = Field(default=None, ge=0, le=20, allow_inf_nan=False)
    temperature: float | None = Field(default=None, ge=0, le=10, allow_inf_nan=False)
    negative_prompt: str | None = Field(default=None, max_length=MAX_PROMPT)
    sampler: str | None = Field(default=None, max_length=100)


class GenerationRequest(PictureRequest):
    """The body of ``POST /v1/images/generations``.

    Args:
        response_format: The pictures themselves, or addresses on this server that are valid for an hour.
        stream: Send events, for one picture.
        partial_images: Unfinished pictures in the stream.
        deadline_ms: Milliseconds after which the pictures are of no use.
        priority: Among your own requests, the highest goes first.
    """

    response_format: Literal["b64_json", "url"] | None = "b64_json"
    stream: bool | None = False
    partial_images: int | None = Field(default=None, ge=0, le=MAX_PREVIEWS)
    deadline_ms: int | None = Field(default=None, ge=1, le=86_400_000)
    priority: int | None = Field(default=0, ge=-10, le=10)
