"""Drawing with an exported pipeline of diffusers: its own loop, scheduler and tokenizers, and graphs for its networks.

Every picture has the noise that the pipeline would draw it from in torch, so the pictures are the same but for
rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from underpaint.adapters.diffusers.calls import Call
from underpaint.adapters.diffusers.shell import read_shell
from underpaint.core.artifact import verify
from underpaint.core.cache import cache_folder
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.diffusers_pipeline import DiffusersConfig, DiffusersPipeline
from underpaint.pipelines.exported_folder import GRAPHS, ExportedModel
from underpaint.pipelines.graph_drawer import GraphDrawer
from underpaint.pipelines.loop import LOOP_WEIGHTS, Loop, NetworkCall
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.runtime.engine import Graph
from underpaint.runtime.safetensors_file import read_arrays

LARGEST_BLOB = 2**28
"""Weights up to this size, in bytes, are kept compiled; the blobs of larger graphs would fill the user's cache."""

Shapes = dict[str, tuple[int, ...]]
Load = Callable[[Shapes], Graph]


class ExportedLoop(GraphDrawer):
    """Text to picture with a loop of diffusers around graphs.

    Args:
        model: What the export says about itself.
        loop: The pipeline, with graphs in the places of its networks.
    """

    def __init__(self, model: ExportedModel, loop: DiffusersPipeline) -> None:
        super().__init__(model.edge)
        self.loop = loop

    def reads(self, caption: str) -> bool:
        """Tell whether a canonical caption is read to its end."""
        return self.loop.reads(caption)

    def draw(self, requests: Sequence[DrawRequest], on_stage: OnStage | None = None) -> list[np.ndarray]:
        """Draw pictures; see ``Drawer``."""
        self.loop.threads = self.threads
        return self.loop.draw(requests, on_stage)


class NetworkGraphs:
    """The graphs of one network, one a way of calling it and loaded for one shape at a time.

    Args:
        network: The component's name.
        calls: The ways in which it is called, each with what loads its graph.
    """

    def __init__(self, network: str, calls: Sequence[tuple[NetworkCall, Load]]) -> None:
        self.network, self.calls = network, calls
        self._loaded: dict[tuple[int, int], Graph] = {}

    def warm(self) -> None:
        """Load what a picture with the model's own settings needs."""
        for number in range(len(self.calls)):
            self._graph(number, 0)

    def __call__(self, call: Call) -> dict[str, Tensor]:
        """Compute the answer to a call.

        Raises:
            InputError: No graph was exported for such a call.
        """
        return self.answer(call.tensors, call.constants)

    def answer(self, tensors: Mapping[str, Tensor], constants: Mapping[str, object]) -> dict[str, Tensor]:
        """Compute the answer to a call that was taken apart.

        Raises:
            InputError: No graph was exported for such a call.
        """
        graph = self._graph(*self._place(constants, {path: tuple(t.shape) for path, t in tensors.items()}))
        feeds = {path: np.asarray(tensors[path].numpy(), order="C") for path in graph.inputs}
        return {path: torch.from_numpy(array) for path, array in graph.run(feeds).items()}

    def _graph(self, number: int, place: int) -> Graph:
        """Return the graph of a call, loaded for one of its shapes."""
        if (number, place) not in self._loaded:
            call, load = self.calls[number]
            self._loaded[number, place] = load(call.shapes[place])
        return self._loaded[number, place]

    def _place(self, constants: Mapping[str, object], shapes: Shapes) -> tuple[int, int]:
        """Return which of the calls has these constants, and which of its shapes these are."""
        for number, (call, _) in enumerate(self.calls):
            if call.constants == constants and shapes in call.shapes:
                return number, call.shapes.index(shapes)
        known = "; ".join(told(call.constants, one) for call, _ in self.calls for one in call.shapes)
        raise InputError(
            f"the graph of the {self.network} was made for {known:.400}, and is called with "
            f"{told(constants, shapes):.200} [graph.fixed]; make it again for this size, or draw with the model that "
            "it was made from"
        )


def told(constants: Mapping[str, object], shapes: Shapes) -> str:
    """Return in words what a network is called with."""
    sizes = [f"{path} {list(shape)}" for path, shape in shapes.items()]
    return ", ".join([*sizes, *(f"{path} = {value}" for path, value in constants.items())])


def widened(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return weights with those in half precision as float32, in which graphs compute."""
    return {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}


def load_loop(model: ExportedModel, loop: Loop, threads: int = 1, report: Report = silent) -> ExportedLoop:
    """Load an exported pipeline of diffusers, ready to draw.

    Args:
        model: What ``open_exported`` returned.
        loop: Its loop.
        threads: CPU threads of the engine, and of torch in between.
        report: Told network by network, and when an engine compiles a graph.

    Raises:
        ArtifactError: A file is missing, changed, damaged, or newer than the engine knows.
        MissingDependency: The engine, diffusers or transformers is not installed.
    """
    verify(model.folder, only=tuple(name for name in model.manifest.files if not name.startswith(f"{GRAPHS}/")))
    graphs = {
        name: NetworkGraphs(name, [(call, _loader(model, call, threads, report)) for call in calls])
        for name, calls in loop.networks.items()
    }
    pipeline, facts = read_shell(model.folder, graphs, width=loop.width, height=loop.height)
    for done, one in enumerate(graphs.values()):
        report(Progress(task="load graphs", done=done, total=len(graphs), unit="networks"))
        one.warm()
    report(Progress(task="load graphs", done=len(graphs), total=len(graphs), unit="networks"))
    edge = model.edge
    config = DiffusersConfig(
        identity=model.digest, guidance=edge.guidance, steps=edge.steps or 1, negative=loop.negative
    )
    return ExportedLoop(model, DiffusersPipeline(pipeline, facts, config))


def _loader(model: ExportedModel, call: NetworkCall, threads: int, report: Report) -> Load:
    """Return what loads a graph for the shapes that it shall have."""
    return (_onnx if model.edge.engine == "onnx" else _openvino)(model, call.graph, threads, report)


def _onnx(model: ExportedModel, graph: str, threads: int, report: Report) -> Load:  # noqa: ARG001
    from underpaint.adapters import onnxruntime

    path, sha256 = model.graph_file(f"{graph}/model.onnx")
    weights = cache(partial(_weights, model, f"{graph}/{LOOP_WEIGHTS}"))
    return lambda shapes: onnxruntime.load_graph(
        path, weights(), threads=threads, sha256=sha256, level="all", shapes=shapes
    )


def _weights(model: ExportedModel, file: str) -> dict[str, NDArray[Any]]:
    path, sha256 = model.graph_file(file)
    return widened(read_arrays(path, sha256=sha256))


def _openvino(model: ExportedModel, graph: str, threads: int, report: Report) -> Load:
    from underpaint.adapters import openvino

    (path, xml), (_, weights) = (model.graph_file(f"{graph}/model.{kind}") for kind in ("xml", "bin"))
    size = model.manifest.files[path.with_suffix(".bin").relative_to(model.folder).as_posix()].bytes
    blobs = cache_folder() / "openvino" if size <= LARGEST_BLOB else None
    return lambda shapes: openvino.load_graph(
        path, threads=threads, cache=blobs, sha256=(xml, weights), report=report, shapes=shapes
    )
