"""Drawing with an exported graph: words and noise in NumPy, everything between in one run of an engine; no torch.

Shapes: ``B`` pictures that the graph draws at once, ``T`` text tokens, ``D`` width of the text table, ``H`` side of the
picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from underpaint.adapters.require import require
from underpaint.core.cache import cache_folder
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.channel_layout import check_layout
from underpaint.pipelines.drawer import alike, style_row, unwatched
from underpaint.pipelines.exported_folder import (
    CONSTANTS,
    GUIDANCE,
    MASK,
    PICTURE,
    STYLE,
    TEMPERATURE,
    WEIGHT,
    WORDS,
    Edge,
    EditGraph,
    ExportedModel,
    Precision,
    has_bfloat16,
)
from underpaint.pipelines.graph_drawer import GraphDrawer
from underpaint.pipelines.loop import EXTRA
from underpaint.pipelines.model_folder import WEIGHTS
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.runtime.host_class import multiplies_bfloat16
from underpaint.runtime.processor import read_processor
from underpaint.runtime.safetensors_file import read_arrays

if TYPE_CHECKING:
    from underpaint.pipelines.graph_files import GraphFiles
    from underpaint.runtime.engine import Graph

Arrays = Mapping[str, NDArray[Any]]


class ExportedPipeline(GraphDrawer):
    """Text to picture with an exported graph.

    Args:
        edge: What the graph is fed with.
        tokenizer: Text to rows of the table.
        table: Word vectors ``[V, D]`` of any float dtype.
        weight: How much each word counts ``[V]``.
        graph: The loaded graph.
    """

    edit_graph: Graph | None = None
    """The graph that edits, as soon as it was needed."""
    files: GraphFiles | None = None
    """Where a graph lies that was made by an optimization and not saved yet."""

    def __init__(
        self, edge: Edge, tokenizer: TextTokenizer, table: NDArray[Any], weight: NDArray[Any], graph: Graph
    ) -> None:
        super().__init__(edge)
        self.tokenizer, self.graph = tokenizer, graph
        self._table, self._weight = table, weight

    def reads(self, caption: str) -> bool:
        """Tell whether a canonical caption is read to its end."""
        return not self.tokenizer.encode(caption, self.edge.max_tokens).truncated

    def unknown_words(self, caption: str) -> list[str]:
        """Return the words of a canonical caption that become the unknown row of the text table."""
        return self.tokenizer.unknown_words(caption)

    def draw(self, requests: Sequence[DrawRequest], on_stage: OnStage | None = None) -> list[np.ndarray]:
        """Draw pictures; see ``Drawer``."""
        watch = on_stage or unwatched
        pictures: list[np.ndarray] = []
        for batch in alike(requests, most=self.edge.batch):
            watch("text")
            feeds = self.feeds(batch)
            watch("transformer")
            pictures.extend(self.graph.run(feeds)[PICTURE][: len(batch)])
        return pictures

    def feeds(self, requests: Sequence[DrawRequest]) -> dict[str, NDArray[Any]]:
        """Return the inputs of graphs for at most ``B`` requests of equal numbers; the last is repeated to fill it.

        Raises:
            InputError: A style is unknown, or a request asks for what the graph cannot do.
        """
        check_numbers(requests[0], self.edge)
        filled = [*requests, *[requests[-1]] * (self.edge.batch - len(requests))]
        first = filled[0]
        feeds: dict[str, NDArray[Any]] = {
            **self.words([request.caption for request in filled]),
            STYLE: np.array([style_row(request.style, self.styles) for request in filled], dtype=np.int64),
            TEMPERATURE: np.array(1.0 if first.temperature is None else first.temperature, dtype=np.float32),
        }
        if self.edge.guidance is not None:
            strength = self.edge.guidance if first.guidance is None else first.guidance
            feeds[GUIDANCE] = np.array(strength, dtype=np.float32)
        seeds = [request.seed for request in filled]
        return feeds | {stream.name: stream.draw(seeds) for stream in self.edge.streams}

    def words(self, captions: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return the inputs that captions are: vectors ``[B, T, D]``, their weights and where they are ``[B, T]``."""
        ids, mask = self.tokenizer.encode_batch(captions, self.edge.max_tokens)
        vectors, weight = self._table[ids].astype(np.float32), (self._weight[ids] * mask).astype(np.float32)
        return {WORDS: vectors, WEIGHT: weight, MASK: mask}


def check_numbers(request: DrawRequest, edge: Edge) -> None:
    """Check that a request asks for nothing that was fixed when the graph was unrolled.

    Raises:
        InputError: It asks for other steps, or for guidance where the graph knows none.
    """
    if edge.loop is None and request.steps is not None and request.steps != edge.steps:
        known = "takes no steps" if edge.steps is None else f"was unrolled for {edge.steps} steps"
        raise InputError(
            f"the exported graph {known}, got {request.steps}; leave the steps out, use --engine torch, or export the "
            "model with other steps"
        )
    if edge.guidance is None and request.guidance:
        raise InputError(
            f"the exported graph knows no guidance, got {request.guidance:g}; leave it out, or use --engine torch"
        )


def can_draw(edge: Edge, steps: int | None, guidance: float | None) -> bool:
    """Tell whether a graph can draw with these settings; None is the model's own."""
    fits = edge.loop is not None or steps is None or steps == edge.steps
    return fits and (edge.guidance is not None or not guidance)


def graph_weights(
    model: ExportedModel, read: Mapping[str, Arrays], edit: EditGraph | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a graph by the names that it knows them under.

    Args:
        model: The exported model.
        read: Arrays of components that were read already.
        edit: The graph, if it is not the one that draws.

    Raises:
        ArtifactError: A file is missing, changed or damaged.
    """
    components = dict(read)
    arrays: dict[str, NDArray[Any]] = {}
    sources, graph = (model.edge.sources, model.edge.graph) if edit is None else (edit.sources, edit.graph)
    for name, source in sources.items():
        if source.component not in components:
            path, sha256 = model.part(source.component, WEIGHTS)
            components[source.component] = read_arrays(path, sha256=sha256)
        array = components[source.component][source.name]
        whole = array.astype(np.float32) if array.dtype == np.float16 else array
        arrays[name] = np.ascontiguousarray(whole.T if source.transposed else whole)
    if model.has_file(CONSTANTS, graph):
        path, sha256 = model.graph_file(CONSTANTS, graph)
        arrays |= read_arrays(path, sha256=sha256)
    return arrays


def load_exported(model: ExportedModel, threads: int = 1, report: Report = silent) -> GraphDrawer:
    """Load an exported model, ready to draw.

    Args:
        model: What ``open_exported`` returned.
        threads: CPU threads of the engine.
        report: Told when an engine compiles the graph, which takes seconds.

    Raises:
        InputError: The graph was laid out for another kind of processor.
        ArtifactError: A file is missing, changed, damaged, or newer than the engine knows.
        MissingDependency: The engine is not installed, or what the loop of a pipeline of diffusers needs.
    """
    check_layout(model.edge.layout, model.folder, model.edge.model)
    if (loop := model.edge.loop) is not None:
        for package in loop.needs:
            require(package, extra=EXTRA)
        from underpaint.pipelines.exported_loop import load_loop

        return load_loop(model, loop, threads, report)
    return load_unrolled(model, threads, report)


def load_unrolled(model: ExportedModel, threads: int = 1, report: Report = silent) -> ExportedPipeline:
    """Load an exported pipeline of ours, which is one graph; see ``load_exported``."""
    path, sha256 = model.part("text_encoder", WEIGHTS)
    words = read_arrays(path, sha256=sha256)
    pipeline = ExportedPipeline(
        model.edge,
        TextTokenizer.from_folder(model.folder_of("text_tokenizer")),
        words["table"],
        words["weight"],
        load_graph(model, {"text_encoder": words}, threads, report),
    )
    pipeline.threads = threads
    return pipeline


def computes_bfloat16(precision: Precision) -> bool:
    """Tell whether a graph is computed in bfloat16: where it shall be and the processor can, others take 32 bits."""
    return has_bfloat16(precision) and multiplies_bfloat16(read_processor())


def load_graph(
    model: ExportedModel, read: Mapping[str, Arrays], threads: int, report: Report, edit: EditGraph | None = None
) -> Graph:
    """Load a graph of ours.

    Args:
        model: The exported model.
        read: Arrays of components that were read already.
        threads: CPU threads of the engine.
        report: Told when an engine compiles the graph, which takes seconds.
        edit: The graph, if it is not the one that draws.

    Raises:
        ArtifactError: A file is missing, changed or damaged.
        MissingDependency: The engine is not installed.
    """
    name = None if edit is None else edit.graph
    if model.edge.engine == "onnx":
        from underpaint.adapters import onnxruntime

        path, sha256 = model.graph_file("model.onnx", name)
        return onnxruntime.load_graph(path, graph_weights(model, read, edit), threads=threads, sha256=sha256)
    from underpaint.adapters import openvino

    (path, graph), (_, weights) = model.graph_file("model.xml", name), model.graph_file("model.bin", name)
    cache, bfloat16 = cache_folder() / "openvino", computes_bfloat16(model.edge.precision)
    return openvino.load_graph(
        path, threads=threads, cache=cache, sha256=(graph, weights), report=report, bfloat16=bfloat16
    )
