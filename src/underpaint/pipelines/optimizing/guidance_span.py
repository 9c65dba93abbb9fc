"""Guidance in a part of the drawing alone: outside it the half of the work that is done without words is left out.

The part is given as shares of the drawing, ``low <= share < high``: of the time from noise to picture, or of the scales
from coarse to fine.

Source: arXiv 2404.07724; by scale, Switti, arXiv 2412.01819.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.diffusion.guidance import GuidanceInterval, in_interval
from underpaint.pipelines.around import HalfGuided
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import main_slot, part_of, with_part, with_settings


class GuidanceSpan(Config):
    """Parameters of ``guidance.span``.

    Args:
        low: Share of the drawing at which guidance begins, in [0, 1].
        high: Share at which it ends, in [low, 1].
    """

    low: float = Field(default=0.0, ge=0, le=1)
    high: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high is {self.high}, below low, {self.low}; give the earlier share as low")
        return self


def put_span(pipeline: Pipeline, slot: str, params: GuidanceSpan) -> Pipeline:  # noqa: ARG001
    """Return a pipeline that guides in a part of the drawing alone."""
    if isinstance(pipeline, HybridPipeline):
        return with_settings(pipeline, guidance_shape=spanned(pipeline.config.guidance_shape, params))
    if isinstance(pipeline, DiffusersPipeline):
        network = part_of(pipeline, main_slot(pipeline))
        return with_part(pipeline, main_slot(pipeline), HalfGuided(network, params.low, params.high))
    return with_settings(pipeline, interval=GuidanceInterval(low=params.low, high=params.high))


def spanned(shape: tuple[float, ...], params: GuidanceSpan) -> tuple[float, ...]:
    """Return the share of guidance at each scale, 0 outside the span."""
    count = len(shape)
    return tuple(
        share if in_interval(index / count, params.low, params.high) else 0.0 for index, share in enumerate(shape)
    )
