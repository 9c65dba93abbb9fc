"""Settings for training the flow transformer and its few-step form."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class FlowTraining(Config):
    """Settings for training the flow transformer with its text encoder.

    Args:
        loop: The loop.
        width: Width of the transformer.
        depth: Blocks of the transformer.
        heads: Heads of the transformer.
        drop_path: Largest chance to drop a branch of the transformer.
        text_depth: Blocks of the text encoder.
        drop_both: Chance to drop caption and style together (the unconditional case of guidance).
        drop_caption: Chance to drop the caption alone.
        drop_style: Chance to drop the style alone.
        time_mean: Mean of the logit of the times drawn; below 0 favors noisy latents.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
    """

    loop: LoopConfig
    width: Count = 256
    depth: Count = 9
    heads: Count = 4
    drop_path: float = Field(default=0.05, ge=0, lt=1)
    text_depth: int = Field(default=2, ge=0)
    drop_both: Share = 0.1
    drop_caption: Share = 0.03
    drop_style: Share = 0.1
    time_mean: float = -0.4
    gradient_checkpointing: bool = False


class FewStepTraining(Config):
    """Settings for distilling a flow transformer to few steps.

    Args:
        loop: The loop.
        guidance: Strength of the teacher's guidance, which the student takes in.
        interval: Times at which the teacher is guided.
        finest: Steps of the finest student; a power of two. Coarser ones halve it down to one step.
        teacher_share: Share of each batch that learns the finest steps from the teacher; the rest learns coarser steps
            from the student itself.
    """

    loop: LoopConfig
    guidance: float = Field(default=2.0, ge=0)
    interval: tuple[Share, Share] = (0.0, 1.0)
    finest: int = Field(default=8, ge=1)
    teacher_share: float = Field(default=0.5, gt=0, le=1)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The numbers of steps that the student can take, many to few."""
        return tuple(self.finest >> level for level in range(self.finest.bit_length()))

    @model_validator(mode="after")
    def _check_finest(self) -> FewStepTraining:
        if self.finest & (self.finest - 1):
            raise ValueError(f"finest must be a power of two, not {self.finest}")
        if self.interval[0] > self.interval[1]:
            raise ValueError(f"the interval must not fall, as {self.interval} does; give the earlier time first")
        return self
