"""What is asked of a pipeline for one picture, and the record of it that travels with the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["text", "transformer", "residual", "decoder"]
"""The parts of drawing a picture that are timed apart, in order."""

OnStage = Callable[[Stage], None]
"""Called as each stage of a draw begins; ``runtime.timing.Stopwatch.mark`` is one."""

SEED_MAX = 2**53 - 1
"""Largest seed that a user may give: exact in JSON and in JavaScript."""


@dataclass(frozen=True, kw_only=True)
class DrawRequest:
    """One picture to draw; None means the model's own default.

    Args:
        caption: The prompt in canonical form (``underpaint.core.text.canonicalize``).
        style: One of the pipeline's styles, or None for no particular style.
        seed: Chooses the picture among all that fit the caption, in [0, 2**64).
        guidance: Strength of the pull towards the caption; 0 is the conditional model alone.
        temperature: Factor on the schedule of sampling temperatures; 1 is the schedule itself.
        residual_steps: Steps of the residual refiner; 0 adds the mean residual in one evaluation.
    """

    caption: str
    style: str | None = None
    seed: int
    guidance: float | None = None
    temperature: float | None = None
    residual_steps: int | None = None
