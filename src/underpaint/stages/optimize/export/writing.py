"""The files of a graph: traced, optimized or given 8 bits, and for ONNX with its weights taken out.

Weights that a component of the model has are read from there; the others lie beside the graph.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from underpaint.adapters import onnx, onnx_nodes, onnx_offline
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.channel_layout import ChannelLayout, own_layout
from underpaint.pipelines.exported_folder import CONSTANTS, Source, has_eight_bits
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.weights import write_weights
from underpaint.stages.optimize.export.bfloat16 import measure_bfloat16
from underpaint.stages.optimize.export.calibration import Calibration
from underpaint.stages.optimize.export.check import CAPTIONS
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.edit_tracing import trace_edit
from underpaint.stages.optimize.export.eight_bits import quantize
from underpaint.stages.optimize.export.sources import find_sources, worth_copies
from underpaint.stages.optimize.export.traced import Traced
from underpaint.stages.optimize.export.tracing import Unrolled, component_arrays, trace

STEPS = (
    "trace the networks",
    "optimize and write the graph",
    "write what goes beside it",
    "compare with torch",
    "count the arithmetic",
)
WORDS_ALONE = ("text_encoder", "text_tokenizer")
"""Components that are read outside the graph, whatever the engine."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A graph whose files have been written.

    Args:
        place: Their folder.
        unrolled: What was traced.
        layout: The kind of processor that alone runs it; None for any.
        sources: Array of the graph to its place among the components; empty where the graph has all its weights.
        figures: How fewer bits were made and measured, for the manifest; empty for 32.
    """

    place: Path
    unrolled: Unrolled
    layout: ChannelLayout | None
    sources: Mapping[str, Source]
    figures: Mapping[str, Any]


def write_edit_graph(config: ExportConfig, pipeline: HybridPipeline, place: Path) -> Mapping[str, Source]:
    """Write the files of the graph that edits; returns where the arrays lie that components have.

    Args:
        config: Engine and steps.
        pipeline: Whose editing the graph shall do.
        place: The new folder.

    Raises:
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder cannot be written.
    """
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="underpaint-export-") as scratch:
        path = Path(scratch) / "traced.onnx"
        trace_edit(pipeline, _requests(config)[0], path)
        if config.engine == "openvino":
            _write_openvino(path, place, quantized=False)
            return {}
        _optimize(config, path)
        return _write_onnx(config, pipeline, path, place)


def step(number: int) -> Progress:
    """Return the report that one of ``STEPS``, counted from 0, begins; each takes seconds."""
    return Progress(task=STEPS[number], done=0, note=f"step {number + 1} of {len(STEPS)}")


def write_graph(
    config: ExportConfig,
    pipeline: TextToPicture[Any],
    place: Path,
    calibration: Calibration | None,
    report: Report,
    *,
    weight_bits: int = 7,
) -> Written:
    """Write the files of a graph.

    Args:
        config: Engine, precision, batch and steps.
        pipeline: What the graph shall draw.
        place: The new folder.
        calibration: Pictures to find the ranges of 8 bits with, or to measure bfloat16 with; None for 32 bits.
        report: Receives progress.
        weight_bits: For 8 bits, those of a weight; 7 runs on every processor.

    Raises:
        ArtifactError: No layer group can have 8 bits, or the graph loses too much in bfloat16.
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder cannot be written.
    """
    place.mkdir(parents=True)
    report(step(0))
    with tempfile.TemporaryDirectory(prefix="underpaint-export-") as scratch:
        path = Path(scratch) / "traced.onnx"
        unrolled = trace(pipeline, _requests(config), path)
        report(step(1))
        figures = dict[str, Any]()
        if calibration is not None:
            traced = Traced(pipeline=pipeline, unrolled=unrolled, path=path, size=config.batch)
            path, figures = _fewer_bits(config, traced, calibration, report, weight_bits)
        if config.engine == "openvino":
            _write_openvino(path, place, quantized=has_eight_bits(config.precision))
            layout, sources = None, {}
        else:
            layout = _optimize(config, path)
            sources = _write_onnx(config, pipeline, path, place)
    report(step(2))
    return Written(place=place, unrolled=unrolled, layout=layout, sources=sources, figures=figures)


def _fewer_bits(
    config: ExportConfig, traced: Traced, calibration: Calibration, report: Report, weight_bits: int
) -> tuple[Path, dict[str, Any]]:
    """Return the file of a graph in fewer bits, which in bfloat16 is that of 32, and how far it is off."""
    if not has_eight_bits(config.precision):
        return traced.path, {config.precision: measure_bfloat16(traced, calibration, report=report)}
    quantized = quantize(config, traced, calibration, report=report, weight_bits=weight_bits)
    return quantized.path, quantized.figures


def _requests(config: ExportConfig) -> list[DrawRequest]:
    """Return what is drawn while a graph is traced."""
    captions = [CAPTIONS[index % len(CAPTIONS)] for index in range(config.batch)]
    return [DrawRequest(caption=caption, seed=index, steps=config.steps) for index, caption in enumerate(captions)]


def _optimize(config: ExportConfig, path: Path) -> ChannelLayout | None:
    """Optimize an ONNX file, one in 8 bits once more; returns the kind of processor that it was laid out for."""
    if config.native:
        onnx_offline.optimize(path, path, level="all")
        return own_layout() if onnx_nodes.is_laid_out(path) else None
    if config.precision == "f32":
        onnx_offline.optimize(path, path)
    return None


def _write_onnx(config: ExportConfig, pipeline: TextToPicture[Any], path: Path, place: Path) -> Mapping[str, Source]:
    """Write a graph without its weights, and those that no component has; returns where the others lie."""
    arrays = onnx.write_structure(path, place / "model.onnx")
    components = component_arrays(pipeline)
    sources = find_sources(arrays, components)
    if config.precision == "int8" and not config.share_weights:
        sources = worth_copies(sources, arrays, components, WORDS_ALONE)
    own = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if name not in sources}
    if own:
        write_weights(place / CONSTANTS, own)
    return sources


def _write_openvino(path: Path, place: Path, *, quantized: bool) -> None:
    """Write a graph with its weights; in 32 bits all of them, since positions and resize matrices are no halves."""
    from underpaint.adapters import openvino

    if not quantized:
        openvino.convert(path, place / "model.xml", half=False)
        return
    for suffix in (".xml", ".bin"):
        shutil.move(path.with_suffix(suffix), place / f"model{suffix}")
