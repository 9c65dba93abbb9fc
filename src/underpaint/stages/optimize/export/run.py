"""Exporting a saved pipeline: traced, optimized, its weights taken out, compared with torch, sealed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.channel_layout import own_layout
from underpaint.pipelines.diffusers_model import DiffusersModel
from underpaint.pipelines.editing.planning import check_editable
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import (
    EDGE,
    GRAPHS,
    KIND,
    Edge,
    EditGraph,
    ExportedModel,
    Source,
    open_exported,
)
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model, shipped_models
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.stages.optimize.export.arithmetic import arithmetic
from underpaint.stages.optimize.export.calibration import plan_calibration
from underpaint.stages.optimize.export.check import differences, insist_on_sameness
from underpaint.stages.optimize.export.config import ExportConfig, check_processor
from underpaint.stages.optimize.export.edit_check import edit_differences
from underpaint.stages.optimize.export.loop_export import export_loop
from underpaint.stages.optimize.export.writing import WORDS_ALONE, Written, step, write_edit_graph, write_graph

STAGE = "optimize"
VERSIONS = {"onnx": ("onnxruntime",), "openvino": ("openvino", "nncf")}
"""Packages whose versions are noted, by engine."""


def export(
    config: ExportConfig, model: Model, out: Path, report: Report, prompts: Sequence[PromptRow] | None = None
) -> Manifest:
    """Export a model.

    Args:
        config: Engine, precision, batch and steps.
        model: A saved pipeline of ours, or a pipeline of diffusers (``loop_export``).
        out: The new folder; must not exist yet.
        report: Receives progress.
        prompts: What 8 bits are calibrated, and bfloat16 measured with; None for a list of our own.

    Returns:
        The manifest of an artifact of kind ``exported``.

    Raises:
        InputError: The model cannot be exported this way.
        ArtifactError: The model is damaged, or the graph does not draw its pictures.
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder exists or cannot be written.
    """
    if isinstance(model, DiffusersModel):
        return export_loop(config, model, out, report)
    check_exportable(config, model)
    calibration = plan_calibration(model, prompts, config.steps) if config.precision != "f32" else None
    report(Progress(task="load the model", done=0))
    pipeline = load_pipeline(model, torch.device("cpu"))
    with staging(out) as folder:
        name = f"{pipeline.image_size}x{pipeline.image_size}_{config.graph}"
        written = write_graph(config, pipeline, folder / GRAPHS / name, calibration, report)
        edit = _write_edit(config, pipeline, folder / GRAPHS / f"{name}_edit", report)
        _write_beside(config, model, folder, pipeline, written, edit)
        _seal(config, model, folder, {})
        report(step(3))
        found = differences(pipeline, load_exported(open_exported(folder)), written.unrolled.steps, report)
        if config.precision == "f32":
            insist_on_sameness(found)
        edits = {"edit": edit_differences(pipeline, open_exported(folder), report)} if edit else {}
        report(step(4))
        figures = {**model.manifest.figures, **found, **edits, **written.figures}
        return _seal(config, model, folder, {**figures, **arithmetic(pipeline, written.unrolled.steps)})


def check_exportable(config: ExportConfig, model: Model) -> None:
    """Refuse what cannot be exported, before any work.

    Raises:
        InputError: The model is foreign, a style on top of another, optimized, or exported already, or weights shall be
            shared that did not come along, or a graph laid out for a processor that is not known, or in bfloat16 where
            the processor is not known to multiply it.
    """
    if isinstance(model, ExportedModel):
        before = model.edge.model
        raise InputError(f"{model.folder} is exported already; name the model that it was made from, {before}")
    if isinstance(model, OptimizedModel):
        raise InputError(
            f"{model.name} was optimized for torch; export the model before it, {model.settings.base} "
            f"({model.parent[:12]}), and see 'underpaint export --help' for what a graph can have of it"
        )
    if type(model) is not Model:
        raise InputError(
            f"{model.name} is a style on top of another model, or foreign, and only saved pipelines of "
            'underpaint can be exported; draw with it by: underpaint generate "a red apple" --engine torch -m MODEL'
        )
    if model.name not in shipped_models() and config.share_weights:
        raise InputError(f"only a model that comes with underpaint can share its weights, and {model.name} is none")
    if config.native:
        own_layout()
    check_processor(config.precision)
    if config.edit:
        check_editable(model)


def _write_edit(config: ExportConfig, pipeline: TextToPicture[Any], place: Path, report: Report) -> EditGraph | None:
    """Write the graph that edits, if it is asked for, and return what is to be known of it."""
    if not config.edit:
        return None
    assert isinstance(pipeline, HybridPipeline)
    report(Progress(task="trace and write the graph that edits", done=0))
    sources = dict(sorted(write_edit_graph(config, pipeline, place).items()))
    return EditGraph(graph=place.name, schedule=pipeline.quantizer.config.schedule, sources=sources)


def _write_beside(
    config: ExportConfig,
    model: Model,
    folder: Path,
    pipeline: TextToPicture[Any],
    written: Written,
    edit: EditGraph | None,
) -> None:
    """Write what goes beside the graphs: the components that are read, and what the graphs are fed with."""
    for component in parts_of(config, [*written.sources.values(), *(edit.sources.values() if edit else ())]):
        shutil.copytree(model.folder_of(component), folder / component)
    edge = edge_of(config, pipeline, written, name=model.name, digest=model.digest).model_copy(update={"edit": edit})
    (folder / EDGE).write_text(edge.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _seal(config: ExportConfig, model: Model, folder: Path, figures: Mapping[str, Any]) -> Manifest:
    parents = {**model.manifest.parents, "pipeline": model.digest}
    packages = ("underpaint", "torch", "numpy", "onnx", *VERSIONS[config.engine])
    return seal(folder, kind=KIND, stage=STAGE, config=config, parents=parents, figures=figures, packages=packages)


def parts_of(config: ExportConfig, sources: Sequence[Source]) -> list[str]:
    """Return the components whose files are copied into the export."""
    if config.share_weights:
        return []
    return sorted({*WORDS_ALONE, *(source.component for source in sources)})


def edge_of(config: ExportConfig, pipeline: TextToPicture[Any], written: Written, *, name: str, digest: str) -> Edge:
    """Return what is to be known of a graph that was written.

    Args:
        config: The export's settings.
        pipeline: What the graph draws.
        written: The graph.
        name: Of the model.
        digest: Of the model.
    """
    return Edge(
        engine=config.engine,
        precision=config.precision,
        model=name,
        model_sha256=digest,
        pipeline=type(pipeline).__name__,
        image_size=pipeline.image_size,
        batch=config.batch,
        graph=written.place.name,
        styles=pipeline.styles,
        max_tokens=pipeline.text_encoder.config.max_tokens,
        guidance=written.unrolled.guidance,
        steps=written.unrolled.steps,
        streams=written.unrolled.streams,
        layout=written.layout,
        sources=dict(sorted(written.sources.items())),
    )
