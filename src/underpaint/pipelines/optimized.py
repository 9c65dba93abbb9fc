"""Loading an optimized model: networks get their form, then their weights, then graphs and sampling their changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from underpaint.adapters.diffusers.shell import read_empty
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.optimization import Stage, Step
from underpaint.pipelines.diffusers_pipeline import DiffusersConfig, DiffusersPipeline
from underpaint.pipelines.model_folder import WEIGHTS
from underpaint.pipelines.optimized_folder import Foreign, OptimizedModel
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.table import HALVES, put
from underpaint.pipelines.saved import load_pipeline
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
    early = [step for step in model.recipe.steps if _stage(step, model) <= Stage.WEIGHTS]
    late = [step for step in model.recipe.steps if _stage(step, model) > Stage.WEIGHTS]
    foreign = model.settings.foreign
    if foreign is not None:
        pipeline: Pipeline = _load_foreign(model, foreign, device, lambda built: _changed(built, early, model))
    else:
        pipeline = load_pipeline(model, device, lambda built: _changed(built, early, model))  # pyright: ignore[reportArgumentType, reportReturnType]
    return _changed(pipeline, late, model)


def _stage(step: Step, model: OptimizedModel) -> Stage:
    if step.op not in HALVES:
        raise ArtifactError(f"{model.folder}: the transform {step.op} is unknown here; update underpaint")
    return HALVES[step.op].stage


def _changed(pipeline: Pipeline, steps: list[Step], model: OptimizedModel) -> Pipeline:
    """Return a pipeline changed by some steps."""
    try:
        for step in steps:
            pipeline = put(pipeline, step, source=str(model.folder))
    except InputError as error:
        raise ArtifactError(f"{model.folder}: {error}; optimize the model again") from None
    return pipeline


def _load_foreign(
    model: OptimizedModel, foreign: Foreign, device: torch.device, prepare: Callable[[Any], Any]
) -> DiffusersPipeline:
    """Build a pipeline of diffusers from its settings and fill it with weights whose hash is checked."""
    inner, facts = read_empty(
        model.folder, foreign.dtype, skip_initialization, width=foreign.width, height=foreign.height
    )
    config = DiffusersConfig(
        identity=model.digest, guidance=foreign.guidance, steps=foreign.steps, negative=foreign.negative
    )
    pipeline: DiffusersPipeline = prepare(DiffusersPipeline(inner, facts, config))
    for name, module in pipeline.modules.items():
        file = f"{name}/{WEIGHTS}"
        load_module(module, model.folder / file, sha256=model.sha256(file)).to(device)
    return pipeline
