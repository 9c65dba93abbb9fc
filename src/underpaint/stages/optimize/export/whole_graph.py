"""Writing everything between words and pixels of one of our pipelines as a graph that an optimization made.

The folder holds what an export holds, so the same code draws with it; it lies in no artifact until the model is saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from underpaint.core.artifact import seal
from underpaint.core.progress import Report
from underpaint.models.component import save_component
from underpaint.pipelines.exported import ExportedPipeline, load_unrolled
from underpaint.pipelines.exported_folder import GRAPHS, KIND
from underpaint.pipelines.graph_files import new_files
from underpaint.pipelines.optimized_folder import DRAWING, drawing_in
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.stages.optimize.export.calibration import FIRST_SEED, LEAST_PICTURES, Calibration
from underpaint.stages.optimize.export.check import differences, insist_on_sameness
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import STAGE, edge_of, parts_of
from underpaint.stages.optimize.export.tracing import are_halves
from underpaint.stages.optimize.export.writing import write_graph

NAME = "optimized"
"""Stands where an export names its model: the parent is known when the model is saved."""


def calibration_of(pipeline: TextToPicture[Any], captions: Sequence[str]) -> Calibration:
    """Return pictures to find ranges with: captions and styles take turns.

    Args:
        pipeline: What draws.
        captions: Canonical captions, none twice.
    """
    styles = (None, *pipeline.styles)
    requests = tuple(
        DrawRequest(
            caption=captions[number % len(captions)], style=styles[number % len(styles)], seed=FIRST_SEED + number
        )
        for number in range(max(LEAST_PICTURES, len(captions)))
    )
    return Calibration(prompts=len(captions), requests=requests)


def write_whole(
    pipeline: TextToPicture[Any],
    config: ExportConfig,
    calibration: Calibration | None,
    report: Report,
    *,
    weight_bits: int = 7,
) -> ExportedPipeline:
    """Return what draws by a graph, and its files with it.

    Args:
        pipeline: On the CPU, with the sampling that the graph shall have.
        config: Engine and precision.
        calibration: Pictures to find the ranges of 8 bits with, or to measure bfloat16 with; None for 32 bits.
        report: Receives progress.
        weight_bits: For 8 bits, those of a weight.

    Raises:
        ArtifactError: The graph does not draw the pipeline's pictures, loses too much in bfloat16, or no layer group
            can have 8 bits.
        MissingDependency: What converts graphs is not installed.
    """
    files = new_files()
    name = f"{pipeline.image_size}x{pipeline.image_size}_{config.graph}"
    written = write_graph(config, pipeline, files.folder / GRAPHS / name, calibration, report, weight_bits=weight_bits)
    _write_words(pipeline, parts_of(config, [*written.sources.values()]), files.folder)
    edge = edge_of(config, pipeline, written, name=NAME, digest="")
    (files.folder / DRAWING).write_text(edge.model_dump_json(indent=2) + "\n", encoding="utf-8")
    manifest = seal(files.folder, kind=KIND, stage=STAGE, config=config, parents={}, figures=written.figures)
    drawer = load_unrolled(drawing_in(files.folder, manifest))
    drawer.files = files
    if calibration is None:
        insist_on_sameness(differences(pipeline, drawer, written.unrolled.steps, report))
    return drawer


def _write_words(pipeline: TextToPicture[Any], parts: Sequence[str], folder: Any) -> None:
    """Write the components that are read beside the graph."""
    dtype = torch.float16 if are_halves(pipeline) else torch.float32
    pipeline.text_tokenizer.save(folder / "text_tokenizer")
    for name in parts:
        if name in pipeline.modules:
            module = pipeline.modules[name]
            save_component(module, module.config, folder / name, dtype)  # pyright: ignore[reportArgumentType]
