"""What an engine is told to draw, and what it says when it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from underpaint.core.config import Config
from underpaint.pipelines.settings import Settings
from underpaint.runtime.energy import Method
from underpaint.stages.serve.batching.profile import BatchProfile
from underpaint.stages.serve.engine.edit_input import EditInput

Format = Literal["png", "jpeg", "webp"]
FORMATS: tuple[Format, ...] = ("png", "jpeg", "webp")
MAX_PREVIEWS = 3


class Order(Config):
    """One picture to draw.

    Args:
        settings: All that decides its pixels.
        output_format: Of the file.
        compression: Quality of a JPEG or WebP, 0 to 100; a WebP of 100 is without loss.
        previews: How many unfinished pictures are wanted.
        edit: The picture to begin with; None to draw from words alone.
    """

    settings: Settings
    output_format: Format = "png"
    compression: int = Field(default=100, ge=0, le=100)
    previews: int = Field(default=0, ge=0, le=MAX_PREVIEWS)
    edit: EditInput | None = None


class Loaded(Config):
    """What an engine process says when its model is ready.

    Args:
        model_sha256: Digest of the model.
        engine: What computes.
        at_once: Most pictures that are computed together; the others follow one after the other.
        can_preview: Whether it can show unfinished pictures.
        profile: Times of batches, measured just now.
    """

    model_sha256: str
    engine: str
    at_once: int = Field(ge=1)
    can_preview: bool
    profile: BatchProfile


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A finished picture.

    Args:
        data: The file.
        settings: What made it, the digest of its pixels among it.
        words_read: Words of the canonical prompt that the model read.
        words_dropped: Words beyond the longest text that it reads.
        draw_ms: Milliseconds of the device that it took to draw.
        joules: Energy that it took; None where nothing measures it.
        energy_method: How that is known; None with it.
    """

    data: bytes
    settings: Settings
    words_read: int
    words_dropped: int
    draw_ms: float = 0.0
    joules: float | None = None
    energy_method: Method | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """An unfinished picture.

    Args:
        data: A file in the format of the finished one.
        number: Its number, from 0.
        step: Scales that are drawn.
        num_steps: Scales in all.
    """

    data: bytes
    number: int
    step: int
    num_steps: int
