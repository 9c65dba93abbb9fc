"""Complete recipes of the hybrid model's rivals: what they share with it is the hybrid recipe itself, by value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.stages.train.flow_config import FewStepTraining, FlowTraining
from underpaint.stages.train.gan_config import GanTraining
from underpaint.stages.train.recipe import HybridRecipe

Share = Annotated[float, Field(ge=0, le=1)]


class FlowSampling(Config):
    """How a finished flow pipeline draws.

    Args:
        steps: Number of steps.
        solver: How they are taken.
        guidance: Strength of the pull towards the caption; 0 runs no unconditional half.
        interval: Times at which guidance acts; 0 is noise, 1 is clean.
        shift: Shift of the time grid towards noise; 1 for none.
    """

    steps: int = Field(ge=1)
    solver: Literal["euler", "heun", "dpmpp_2m", "unipc"]
    guidance: float = Field(ge=0)
    interval: tuple[Share, Share] = (0.0, 1.0)
    shift: float = Field(default=1.0, gt=0)


class FlowRecipe(Config):
    """A flow transformer from data set to pipeline.

    Args:
        shared: The hybrid recipe whose text table, tokenizer and latents are used.
        flow: How the transformer is trained.
        sampling: How the pipeline draws.
    """

    shared: HybridRecipe
    flow: FlowTraining
    sampling: FlowSampling


class FewStepRecipe(Config):
    """The few-step form of a flow transformer.

    Args:
        teacher: The recipe of the flow transformer; its artifact is made first if the workspace lacks it.
        few_step: How it is distilled.
        steps: Default number of steps of the pipeline; one of ``few_step.step_counts``.
    """

    teacher: FlowRecipe
    few_step: FewStepTraining
    steps: int = Field(ge=1)

    @model_validator(mode="after")
    def _check_steps(self) -> FewStepRecipe:
        if self.steps not in self.few_step.step_counts:
            raise ValueError(f"steps must be one of {self.few_step.step_counts}, not {self.steps}")
        return self


class GanRecipe(Config):
    """A GAN on pixels from data set to pipeline.

    Args:
        shared: The hybrid recipe whose text table is used.
        gan: How generator and discriminator are trained.
        truncation: Factor on the generator's noise; below 1 trades variety for likeness.
    """

    shared: HybridRecipe
    gan: GanTraining
    truncation: float = Field(default=1.0, ge=0)
