"""How a pipeline samples, in words that are the same for all: steps, solver, guidance, calls of its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from underpaint.adapters.diffusers.schedulers import FLOW_SCHEDULERS, SCHEDULERS
from underpaint.diffusion.solvers import SOLVERS
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.text_to_picture import PicturePipeline

TWO_CALLS = "heun"
"""The solver of our own that calls the network twice a step."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """How a pipeline samples.

    Args:
        steps: Steps by default; None where it takes none.
        step_counts: The only numbers of steps that it knows; None for any.
        solver: How steps are taken; None where there is no choice.
        solvers: All that could be chosen.
        calls_a_step: How often the network is called a step.
        scales: Scales that are drawn one after the other; 0 for a path from noise to picture.
        guidance: Strength by default, in the pipeline's own convention; None where it knows none.
        halves: Whether a guided call has a half without words, which can be left out.
    """

    steps: int | None = None
    step_counts: tuple[int, ...] | None = None
    solver: str | None = None
    solvers: tuple[str, ...] = ()
    calls_a_step: int = 1
    scales: int = 0
    guidance: float | None = None
    halves: bool = False


def sampler_of(pipeline: PicturePipeline[Any]) -> Sampler:
    """Say how a pipeline samples."""
    if isinstance(pipeline, FlowPipeline):
        return _of_flow(pipeline)
    if isinstance(pipeline, HybridPipeline):
        config = pipeline.config
        steps = config.residual_steps if pipeline.residual is not None else None
        return Sampler(steps=steps, scales=len(config.guidance_shape), guidance=config.guidance, halves=True)
    if isinstance(pipeline, DiffusersPipeline):
        return _of_diffusers(pipeline)
    return Sampler()


def _of_flow(pipeline: FlowPipeline) -> Sampler:
    config, distilled = pipeline.config, pipeline.config.step_counts is not None
    return Sampler(
        steps=config.steps,
        step_counts=config.step_counts,
        solver=config.solver,
        solvers=(config.solver,) if distilled else tuple(SOLVERS),
        calls_a_step=2 if config.solver == TWO_CALLS else 1,
        guidance=None if config.unguided else config.guidance,
        halves=not config.unguided,
    )


def _of_diffusers(pipeline: DiffusersPipeline) -> Sampler:
    scheduler, network, facts = pipeline.pipeline.scheduler, pipeline.network, pipeline.facts
    settings: Any = getattr(network, "config", {})
    built_in = bool(settings.get("guidance_embeds") or settings.get("time_cond_proj_dim"))
    return Sampler(
        steps=pipeline.config.steps,
        solver=type(scheduler).__name__,
        solvers=tuple(FLOW_SCHEDULERS if facts.flow else SCHEDULERS),
        calls_a_step=getattr(scheduler, "order", 1),
        guidance=pipeline.config.guidance,
        halves=not built_in and "negative_prompt" in facts.parameters and "true_cfg_scale" not in facts.parameters,
    )
