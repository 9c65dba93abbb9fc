"""Exporting a saved pipeline: traced, optimized, its weights taken out, compared with torch, sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from underpaint.adapters import onnx, onnx_offline
from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import CONSTANTS, EDGE, GRAPHS, KIND, Edge, ExportedModel, open_exported
from underpaint.pipelines.model_folder import Model, shipped_models
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.weights import write_weights
from underpaint.stages.optimize.export.arithmetic import arithmetic
from underpaint.stages.optimize.export.calibration import Calibration, plan_calibration
from underpaint.stages.optimize.export.check import CAPTIONS, differences, insist_on_sameness
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.eight_bits import Quantized, quantize
from underpaint.stages.optimize.export.sources import find_sources, worth_copies
from underpaint.stages.optimize.export.tracing import Unrolled, are_halves, component_arrays, trace

STAGE = "optimize"
WORDS_ALONE = ("text_encoder", "text_tokenizer")
"""Components that are read outside the graph, whatever the engine."""
VERSIONS = {"onnx": ("onnxruntime",), "openvino": ("openvino", "nncf")}
"""Packages whose versions are noted, by engine."""
STEPS = ("trace", "optimize", "write", "check")


def export(
    config: ExportConfig, model: Model, out: Path, report: Report, prompts: Sequence[PromptRow] | None = None
) -> Manifest:
    """Export a model.

    Args:
        config: Engine, precision, batch and steps.
        model: A saved pipeline of ours.
        out: The new folder; must not exist yet.
        report: Receives progress.
        prompts: What 8 bits are calibrated with; None for a list of our own.

    Returns:
        The manifest of an artifact of kind ``exported``.

    Raises:
        InputError: The model cannot be exported this way.
        ArtifactError: The model is damaged, or the graph does not draw its pictures.
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder exists or cannot be written.
    """
    check_exportable(config, model)
    calibration = plan_calibration(model, prompts, config.steps) if config.precision == "int8" else None
    pipeline = load_pipeline(model, torch.device("cpu"))
    with staging(out) as folder:
        graph = f"{pipeline.image_size}x{pipeline.image_size}_{config.graph}"
        place = folder / GRAPHS / graph
        place.mkdir(parents=True)
        unrolled, sources, eight_bits = _write_graph(config, pipeline, place, calibration, report)
        parts = _parts(config, sources)
        for component in parts:
            shutil.copytree(model.folder / component, folder / component)
        edge = _edge(config, model, pipeline, unrolled, graph, sources)
        (folder / EDGE).write_text(edge.model_dump_json(indent=2) + "\n", encoding="utf-8")
        versions = ("torch", "numpy", "onnx", *VERSIONS[config.engine])
        parents = {**model.manifest.parents, "pipeline": model.digest}
        sealed: dict[str, Any] = {"kind": KIND, "stage": STAGE, "config": config, "parents": parents}
        seal(folder, **sealed, packages=("underpaint", *versions))
        _step(report, 3)
        found = differences(pipeline, load_exported(open_exported(folder)), unrolled.steps, report)
        if config.precision == "f32":
            insist_on_sameness(found)
        _step(report, 4)
        figures = {**model.manifest.figures, **found, **eight_bits, **arithmetic(pipeline, unrolled.steps)}
        return seal(folder, **sealed, figures=figures, packages=("underpaint", *versions))


def check_exportable(config: ExportConfig, model: Model) -> None:
    """Refuse what cannot be exported, before any work.

    Raises:
        InputError: The model is foreign, a style on top of another, or exported already, or weights shall be shared
            that did not come along.
    """
    if isinstance(model, ExportedModel):
        raise InputError(f"{model.folder} is exported already; name the model that it was made from")
    if type(model) is not Model:
        raise InputError(
            f"{model.name} is a model of diffusers or a style on top of another model, and only saved pipelines of "
            'underpaint can be exported; draw with it by: underpaint generate "a red apple" --engine torch -m MODEL'
        )
    if model.name not in shipped_models() and config.share_weights:
        raise InputError(f"only a model that comes with underpaint can share its weights, and {model.name} is none")


def _step(report: Report, done: int) -> None:
    report(Progress(task="export", done=done, total=len(STEPS), unit="steps"))


def _write_graph(
    config: ExportConfig, pipeline: TextToPicture[Any], place: Path, calibration: Calibration | None, report: Report
) -> tuple[Unrolled, Mapping[str, Any], Mapping[str, Any]]:
    """Write the files of the graph; returns what was traced, where the graph's arrays lie, and figures of 8 bits."""
    requests = [
        DrawRequest(caption=CAPTIONS[index % len(CAPTIONS)], seed=index, steps=config.steps)
        for index in range(config.batch)
    ]
    _step(report, 0)
    with tempfile.TemporaryDirectory(prefix="underpaint-export-") as scratch:
        traced, optimized = Path(scratch) / "traced.onnx", Path(scratch) / "optimized.onnx"
        unrolled = trace(pipeline, requests, traced)
        _step(report, 1)
        half = are_halves(pipeline)
        quantized = None
        if calibration is not None:
            quantized = quantize(config, pipeline, unrolled, traced, calibration, half=half, report=report)
            optimized = quantized.path
        figures = {} if quantized is None else quantized.figures
        if config.engine == "openvino":
            _write_openvino(traced, quantized, place)
            return unrolled, {}, figures
        if quantized is None:
            onnx_offline.optimize(traced, optimized)
        _step(report, 2)
        arrays = onnx.write_structure(optimized, place / "model.onnx")
    components = component_arrays(pipeline)
    sources = find_sources(arrays, components)
    if config.precision == "int8" and not config.share_weights:
        sources = worth_copies(sources, arrays, components, WORDS_ALONE)
    own = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if name not in sources}
    if own:
        write_weights(place / CONSTANTS, own)
    return unrolled, sources, figures


def _write_openvino(traced: Path, quantized: Quantized | None, place: Path) -> None:
    """Write OpenVINO's files; in 32 bits all of them, since positions and resize matrices are no halves."""
    from underpaint.adapters import openvino

    if quantized is None:
        openvino.convert(traced, place / "model.xml", half=False)
    else:
        quantized.move(place)


def _parts(config: ExportConfig, sources: Mapping[str, Any]) -> list[str]:
    """Return the components whose files are copied into the export."""
    if config.share_weights:
        return []
    return sorted({*WORDS_ALONE, *(source.component for source in sources.values())})


def _edge(
    config: ExportConfig,
    model: Model,
    pipeline: TextToPicture[Any],
    unrolled: Unrolled,
    graph: str,
    sources: Mapping[str, Any],
) -> Edge:
    return Edge(
        engine=config.engine,
        precision=config.precision,
        model=model.name,
        model_sha256=model.digest,
        pipeline=model.index.pipeline,
        image_size=pipeline.image_size,
        batch=config.batch,
        graph=graph,
        styles=pipeline.styles,
        max_tokens=pipeline.text_encoder.config.max_tokens,
        guidance=unrolled.guidance,
        steps=unrolled.steps,
        streams=pipeline.streams,
        sources=dict(sorted(sources.items())),
    )
