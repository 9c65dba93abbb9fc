"""Exporting a saved pipeline: traced, optimized, its weights taken out, compared with torch, sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
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
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.weights import write_weights
from underpaint.stages.optimize.export.check import CAPTIONS, differences, insist_on_sameness
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.sources import find_sources
from underpaint.stages.optimize.export.tracing import Unrolled, component_arrays, trace

STAGE = "optimize"
WORDS_ALONE = ("text_encoder", "text_tokenizer")
"""Components that are read outside the graph, whatever the engine."""
STEPS = ("trace", "optimize", "write", "check")


def export(config: ExportConfig, model: Model, out: Path, report: Report) -> Manifest:
    """Export a model.

    Args:
        config: Engine, precision, batch and steps.
        model: A saved pipeline of ours.
        out: The new folder; must not exist yet.
        report: Receives progress.

    Returns:
        The manifest of an artifact of kind ``exported``.

    Raises:
        InputError: The model cannot be exported this way.
        ArtifactError: The model is damaged, or the graph does not draw its pictures.
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder exists or cannot be written.
    """
    check_exportable(config, model)
    pipeline = load_pipeline(model, torch.device("cpu"))
    with staging(out) as folder:
        graph = f"{pipeline.image_size}x{pipeline.image_size}_{config.graph}"
        place = folder / GRAPHS / graph
        place.mkdir(parents=True)
        unrolled, sources = _write_graph(config, pipeline, place, report)
        parts = _parts(config, sources)
        for component in parts:
            shutil.copytree(model.folder / component, folder / component)
        edge = _edge(config, model, pipeline, unrolled, graph, sources)
        (folder / EDGE).write_text(edge.model_dump_json(indent=2) + "\n", encoding="utf-8")
        versions = ("torch", "numpy", "onnx", "onnxruntime" if config.engine == "onnx" else "openvino")
        sealed: dict[str, Any] = {"kind": KIND, "stage": STAGE, "config": config, "parents": {"pipeline": model.digest}}
        seal(folder, **sealed, packages=("underpaint", *versions))
        _step(report, 3)
        found = differences(pipeline, load_exported(open_exported(folder)), unrolled.steps, report)
        if config.precision == "f32":
            insist_on_sameness(found)
        _step(report, 4)
        return seal(folder, **sealed, figures=found, packages=("underpaint", *versions))


def check_exportable(config: ExportConfig, model: Model) -> None:
    """Refuse what cannot be exported, before any work.

    Raises:
        InputError: The model is foreign or exported already, or weights shall be shared that did not come along.
    """
    if isinstance(model, ExportedModel):
        raise InputError(f"{model.folder} is exported already; name the model that it was made from")
    if model.name not in shipped_models() and config.share_weights:
        raise InputError(f"only a model that comes with underpaint can share its weights, and {model.name} is none")


def _step(report: Report, done: int) -> None:
    report(Progress(task="export", done=done, total=len(STEPS), unit="steps"))


def _write_graph(
    config: ExportConfig, pipeline: TextToPicture[Any], place: Path, report: Report
) -> tuple[Unrolled, Mapping[str, Any]]:
    """Write the files of the graph; returns what was traced, and where the graph's arrays lie."""
    requests = [
        DrawRequest(caption=CAPTIONS[index % len(CAPTIONS)], seed=index, steps=config.steps)
        for index in range(config.batch)
    ]
    _step(report, 0)
    with tempfile.TemporaryDirectory(prefix="underpaint-export-") as scratch:
        traced, optimized = Path(scratch) / "traced.onnx", Path(scratch) / "optimized.onnx"
        unrolled = trace(pipeline, requests, traced)
        _step(report, 1)
        if config.engine == "openvino":
            from underpaint.adapters import openvino

            openvino.convert(traced, place / "model.xml", half=True)
            return unrolled, {}
        onnx_offline.optimize(traced, optimized)
        if config.precision == "int8":
            onnx_offline.quantize(optimized, optimized)
        _step(report, 2)
        arrays = onnx.write_structure(optimized, place / "model.onnx")
    sources = find_sources(arrays, component_arrays(pipeline))
    own = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if name not in sources}
    if own:
        write_weights(place / CONSTANTS, own)
    return unrolled, sources


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
