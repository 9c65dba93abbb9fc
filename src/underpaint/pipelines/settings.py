"""What is asked of a pipeline for one picture, and the record of it that travels with the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from underpaint.core.config import Config, canonical_json, is_none, parse_json
from underpaint.core.errors import InputError
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.limits import LIMITS, SEED_MAX
from underpaint.pipelines.sticker_record import StickerRecord
from underpaint.pipelines.upscaling_record import UpscaleRecord

Stage = Literal["text", "transformer", "residual", "decoder"]
"""The parts of drawing a picture that are timed apart, in order."""

OnStage = Callable[[Stage], None]
"""Called as each stage of a draw begins; ``runtime.timing.Stopwatch.mark`` is one."""

SCHEMA = 2
"""Version of the record. 2 brought ``watermark`` and ``engine``, which a reader of version 1 does not know."""
READ = (1, 2)
"""Versions that are read; what 1 lacks is None."""
IDENTITY = 1
"""Version of ``Settings.identity``, which neither of the two has changed."""
SHA256 = r"^[0-9a-f]{64}$"


@dataclass(frozen=True, kw_only=True)
class DrawRequest:
    """One picture to draw; None means the model's own default.

    Args:
        caption: The prompt in canonical form (``underpaint.core.text.canonicalize``).
        style: One of the pipeline's styles, or None for no particular style.
        seed: Chooses the picture among all that fit the caption, in [0, 2**64).
        guidance: Strength of the pull towards the caption; 0 is the conditional model alone.
        temperature: Factor on the schedule of sampling temperatures; 1 is the schedule itself.
        steps: Steps of the diffusion part: of the hybrid model's refiner (0 adds the mean residual in one evaluation),
            or of the flow model.
    """

    caption: str
    style: str | None = None
    seed: int
    guidance: float | None = None
    temperature: float | None = None
    steps: int | None = None

    @property
    def numbers(self) -> tuple[float | None, float | None, int | None]:
        """What requests that are drawn together have in common."""
        return self.guidance, self.temperature, self.steps


class Settings(Config):
    """Everything that made a picture: with the same model, the same settings draw the same pixels again.

    Args:
        prompt: What the user wrote.
        caption: The canonical form of it, which the model read; empty for an edit without words.
        style: The style asked for; None for no particular one.
        seed: The picture's own seed, whichever batch it was drawn in.
        guidance: Strength of guidance; None is the model's default.
        temperature: Factor on the sampling temperatures; None is the model's default.
        steps: Steps of the refiner or of the flow; None is the model's default.
        size: Width and height in pixels, as ``64x64``.
        background: ``transparent``, or the color that the picture was flattened on, as ``#rrggbb``.
        model: The model's name.
        model_sha256: The digest of the model's manifest, which identifies its weights and settings.
        version: The version of underpaint.
        watermark: The mark in the pixels (``pipelines.marks``); None if there is none.
        engine: What computed it, ``torch``, ``onnx`` or ``openvino``; None before it is drawn.
        pixel_sha256: SHA-256 of the delivered pixels (rows of 8-bit RGBA or RGB); None before they are drawn.
        edit: What it was made from besides words; None for a picture drawn from words alone.
        upscale: What it was enlarged from; None for a picture of the model's own size. One that no model of ours drew
            has no words then, and names the upscaler as its model.
        sticker: What it was composed of for a place; None for any other picture.
    """

    schema_version: Literal[2] = SCHEMA
    prompt: str = Field(max_length=20_000)
    caption: str = Field(max_length=20_000)
    style: str | None = Field(default=None, max_length=100)
    seed: int = Field(ge=0, le=SEED_MAX)
    guidance: float | None = Field(default=None, ge=0.0, le=LIMITS["guidance"].high, allow_inf_nan=False)
    temperature: float | None = Field(default=None, ge=0.0, le=LIMITS["temperature"].high, allow_inf_nan=False)
    steps: int | None = Field(default=None, ge=0, le=LIMITS["steps"].high)
    size: str = Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")
    background: str = Field(default="transparent", pattern=r"^(transparent|#[0-9a-f]{6})$")
    model: str = Field(max_length=200)
    model_sha256: str = Field(pattern=SHA256)
    version: str = Field(max_length=100)
    watermark: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,20}/[a-z0-9]{1,20}$")
    engine: str | None = Field(default=None, max_length=20)
    pixel_sha256: str | None = Field(default=None, pattern=SHA256)
    edit: EditRecord | None = Field(default=None, exclude_if=is_none)
    upscale: UpscaleRecord | None = Field(default=None, exclude_if=is_none)
    sticker: StickerRecord | None = Field(default=None, exclude_if=is_none)

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        if not self.caption and self.made_from is None:
            raise ValueError("caption must have at least 1 character where nothing is edited")
        return self

    @property
    def made_from(self) -> str | None:
        """SHA-256 of the pixels of the picture that it was made from; None for one drawn from words alone."""
        last = self.sticker or self.upscale or self.edit
        return None if last is None else last.picture_sha256

    @property
    def request(self) -> DrawRequest:
        """What the pipeline is asked for."""
        return DrawRequest(
            caption=self.caption,
            style=self.style,
            seed=self.seed,
            guidance=self.guidance,
            temperature=self.temperature,
            steps=self.steps,
        )

    @property
    def identity(self) -> str:
        """What decides the pixels, as one string: all but the wording, the versions and what came out."""
        besides = {"schema_version", "prompt", "model", "version", "engine", "pixel_sha256"}
        if self.watermark is None:
            besides.add("watermark")
        return canonical_json({"schema_version": IDENTITY, **self.model_dump(mode="json", exclude=besides)})

    def to_json(self) -> str:
        """Return the settings as one line of JSON."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """Read what ``to_json`` wrote, in this version or an earlier one.

        Args:
            text: JSON from outside.
            source: Where it came from; named in the error.

        Raises:
            InputError: It is no JSON object, or holds unknown, missing or impossible values.
        """
        try:
            values = parse_json(text)
        except ValueError:
            raise InputError(f"{source}: these settings were not written by underpaint") from None
        if not isinstance(values, dict) or "model_sha256" not in values:
            raise InputError(f"{source}: these settings were not written by underpaint")
        if values.get("schema_version") not in READ:
            raise InputError(
                f"{source}: settings of version {values.get('schema_version')!r:.20} cannot be read, only those of "
                f"{' and '.join(map(str, READ))}; update underpaint"
            )
        if unknown := sorted(set(values) - set(cls.model_fields)):
            raise InputError(
                f"{source}: these settings were written by a newer underpaint, as {unknown[0]!r:.40} is unknown here; "
                "update underpaint"
            )
        return cls.parse({**values, "schema_version": SCHEMA}, source=source)


def as_size(width: int, height: int) -> str:
    """Return a width and a height as settings say them, such as ``256x192``."""
    return f"{width}x{height}"
