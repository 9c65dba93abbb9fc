"""Saving an optimized model as an artifact: whole, with its recipe, and with the model before as its parent."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from underpaint.adapters.diffusers.shell import write_shell
from underpaint.core.artifact import MANIFEST, Manifest, require_new, seal, staging
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.graph_files import place_of
from underpaint.pipelines.model_folder import INDEX, WEIGHTS, Model
from underpaint.pipelines.optimized_folder import KIND, PARENT, RECIPE, Foreign, OptimizedModel, OptimizedSettings
from underpaint.pipelines.optimizing.graph_part import graph_parts
from underpaint.pipelines.saved import index_of, write_pipeline
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.weights import write_weights
from underpaint.stages.optimize.transforms.apply import Applied

STAGE = "optimize"
PACKAGES = ("torch", "numpy", "diffusers", "transformers")
ENGINES = ("onnxruntime", "openvino")


def save_optimized(
    applied: Applied,
    model: Model,
    out: Path,
    *,
    figures: Mapping[str, Any] | None = None,
    parents: Mapping[str, str] | None = None,
    report: Report = silent,
) -> Manifest:
    """Save a pipeline that a recipe was applied to.

    Args:
        applied: What ``apply`` returned, not taken back.
        model: The model that the pipeline before was loaded from.
        out: The new folder; must not exist yet.
        figures: What was measured on it.
        parents: Role to digest of what else it was made from, such as the data of a calibration.
        report: Receives progress.

    Returns:
        The manifest of an artifact of kind ``optimized``.

    Raises:
        InputError: The model before was optimized itself: two recipes are one longer recipe.
        StorageError: The folder exists or cannot be written.
    """
    if isinstance(model, OptimizedModel):
        raise InputError(
            f"{model.name} is optimized already; apply the steps of both recipes to the model before it "
            f"({model.settings.base}, {model.parent[:12]})"
        )
    require_new(out)
    report(Progress(task="write the optimized model", done=0))
    if isinstance(applied.pipeline, ExportedPipeline):
        return _save_drawing(applied, applied.pipeline, model, out, figures or {}, parents or {})
    foreign = _foreign(applied.pipeline) if isinstance(applied.pipeline, DiffusersPipeline) else None
    settings = OptimizedSettings(base=model.name, recipe=applied.recipe.digest(), foreign=foreign)
    with staging(out) as folder:
        _write(applied, folder)
        (folder / RECIPE).write_text(applied.recipe.to_json() + "\n", encoding="utf-8")
        return seal(
            folder,
            kind=KIND,
            stage=STAGE,
            config=settings,
            parents={**(parents or {}), PARENT: model.digest},
            figures={**model.manifest.figures, **(figures or {})},
            packages=(*PACKAGES, *(ENGINES if "engine." in applied.recipe.to_json() else ())),
        )


def _save_drawing(
    applied: Applied,
    drawer: ExportedPipeline,
    model: Model,
    out: Path,
    figures: Mapping[str, Any],
    parents: Mapping[str, str],
) -> Manifest:
    """Save what draws by one graph: the graph's files, and no networks besides."""
    assert drawer.files is not None and isinstance(applied.stored, TextToPicture)
    settings = OptimizedSettings(base=model.name, recipe=applied.recipe.digest())
    with staging(out) as folder:
        drawer.files.copy(folder)
        (folder / MANIFEST).unlink()
        (folder / INDEX).write_text(json.dumps(index_of(applied.stored), indent=2) + "\n", encoding="utf-8")
        (folder / RECIPE).write_text(applied.recipe.to_json() + "\n", encoding="utf-8")
        return seal(
            folder,
            kind=KIND,
            stage=STAGE,
            config=settings,
            parents={**parents, PARENT: model.digest},
            figures={**model.manifest.figures, **figures},
            packages=(*PACKAGES, *ENGINES),
        )


def _write(applied: Applied, folder: Path) -> None:
    stored = applied.stored
    if isinstance(stored, TextToPicture):
        described = copy.copy(stored)
        described.config = applied.pipeline.config
        write_pipeline(described, folder, smallest_exact(described.modules))
        return
    assert isinstance(stored, DiffusersPipeline)
    write_shell(stored.pipeline, stored.facts, list(stored.modules), folder)
    graphs = graph_parts(applied.pipeline)
    for name, network in stored.modules.items():
        if name in graphs:
            graphs[name].graph_runs.files.copy(folder / place_of(name))
            continue
        write_weights(folder / name / WEIGHTS, network.state_dict())


def smallest_exact(networks: Mapping[str, nn.Module]) -> torch.dtype:
    """Return float16 if it holds every weight exactly, as those of a model that was saved in it; else float32."""
    for network in networks.values():
        for weight in network.parameters():
            if not torch.equal(weight.to(torch.float16).to(weight.dtype), weight):
                return torch.float32
    return torch.float16


def _foreign(pipeline: DiffusersPipeline) -> Foreign:
    facts, config = pipeline.facts, pipeline.config
    return Foreign(
        class_name=facts.class_name,
        width=facts.width,
        height=facts.height,
        dtype=str(next(pipeline.network.parameters()).dtype).removeprefix("torch."),
        guidance=config.guidance,
        steps=config.steps,
        negative=config.negative,
    )
