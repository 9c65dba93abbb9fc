"""Loading an optimized model: networks get their form, then their weights, then graphs and sampling their changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from underpaint.adapters.diffusers.shell import read_empty
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.optimization import OptimizationRecipe, Stage, Step
from underpaint.pipelines.diffusers_pipeline import DiffusersConfig, DiffusersPipeline
from underpaint.pipelines.model_folder import WEIGHTS
from underpaint.pipelines.optimized_folder import Foreign, OptimizedModel
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.table import HALVES, half_of, opened
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.slots import components_of
from underpaint.runtime.weights import load_module, skip_initialization


def load_optimized(model: OptimizedModel, device: torch.device) -> Pipeline:
    """Load an optimized model, ready to draw.

    Args:
        model: What ``optimized_folder.open_optimized`` returned.
        device: Where the networks shall lie.

    Raises:
        ArtifactError: Weights are missing, changed, or do not fit, or a transform is unknown here.
        MissingDependency: A package that a transform or the pipeline needs is not installed.
    """
    steps, graphs = model.recipe.steps, graph_slots(model.recipe)
    first = [half_of(step, source=str(model.folder)).stage_in(step.slot) <= Stage.WEIGHTS for step in steps]
    early = [step for step, is_early in zip(steps, first, strict=True) if is_early and step.slot not in graphs]
    late = [step for step, is_early in zip(steps, first, strict=True) if not is_early]
    foreign = model.settings.foreign
    if foreign is not None:
        pipeline: Pipeline = _load_foreign(model, foreign, device, lambda built: _changed(built, early, model))
    else:
        pipeline = load_pipeline(model, device, lambda built: _changed(built, early, model))  # pyright: ignore[reportArgumentType, reportReturnType]
    return _changed(pipeline, late, model)


def graph_slots(recipe: OptimizationRecipe) -> frozenset[str]:
    """Return the slots in which graphs stand after a recipe."""
    return frozenset(step.slot for step in recipe.steps if step.op in HALVES and HALVES[step.op].open is not None)


def _changed(pipeline: Pipeline, steps: list[Step], model: OptimizedModel) -> Pipeline:
    """Return a pipeline changed by some steps."""
    try:
        for step in steps:
            pipeline = opened(pipeline, step, model)
    except InputError as error:
        raise ArtifactError(f"{model.folder}: {error}; optimize the model again") from None
    return pipeline


def _load_foreign(
    model: OptimizedModel, foreign: Foreign, device: torch.device, prepare: Callable[[Any], Any]
) -> DiffusersPipeline:
    """Build a pipeline of diffusers and fill it with weights whose hash is checked; graphs come later."""
    inner, facts = read_empty(
        model.folder, foreign.dtype, skip_initialization, width=foreign.width, height=foreign.height
    )
    config = DiffusersConfig(
        identity=model.digest, guidance=foreign.guidance, steps=foreign.steps, negative=foreign.negative
    )
    pipeline: DiffusersPipeline = prepare(DiffusersPipeline(inner, facts, config))
    left_out = {components_of(pipeline)[slot] for slot in graph_slots(model.recipe)}
    for name, module in pipeline.modules.items():
        if name in left_out:
            continue
        path, sha256 = model.part(name, WEIGHTS)
        load_module(module, path, sha256=sha256).to(device)
    return pipeline
