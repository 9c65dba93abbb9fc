"""Fewer steps, or steps taken in another way: settings of the sampler, which cost nothing to change."""

from __future__ import annotations

import copy
from typing import cast

from pydantic import Field

from underpaint.adapters.diffusers.loading import quiet
from underpaint.adapters.diffusers.schedulers import make_scheduler
from underpaint.adapters.require import require
from underpaint.core.config import Config
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import with_settings


class StepCount(Config):
    """Parameters of ``steps.count``.

    Args:
        steps: Steps by default; of a hybrid model's refiner, 0 adds the mean residual.
    """

    steps: int = Field(ge=0, le=1000)


class StepSolver(Config):
    """Parameters of ``steps.solver``.

    Args:
        solver: One of ``diffusion.solvers.SOLVERS``, or a scheduler's name for a pipeline of diffusers.
    """

    solver: str = Field(min_length=1, max_length=40)


def put_steps(pipeline: Pipeline, slot: str, params: StepCount) -> Pipeline:  # noqa: ARG001
    """Return a pipeline with another number of steps."""
    name = "residual_steps" if isinstance(pipeline, HybridPipeline) else "steps"
    return with_settings(pipeline, **{name: params.steps})


def put_solver(pipeline: Pipeline, slot: str, params: StepSolver) -> Pipeline:  # noqa: ARG001
    """Return a pipeline that takes its steps in another way."""
    if not isinstance(pipeline, DiffusersPipeline):
        return with_settings(pipeline, solver=params.solver)
    other = copy.copy(pipeline)
    inner = copy.copy(pipeline.pipeline)
    diffusers = require("diffusers", extra="diffusers")
    with quiet():
        vars(inner)["scheduler"] = make_scheduler(diffusers, params.solver, inner.scheduler)
    other.pipeline = inner
    return cast(Pipeline, other)
