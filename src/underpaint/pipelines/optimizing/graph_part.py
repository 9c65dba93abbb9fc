"""A graph in the slot of a network of diffusers: to the pipeline it looks like the network, and it holds no weights.

The engine computes with as many threads as torch does around it, so that a pipeline is told of threads in one place.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, entry_of
from underpaint.adapters.diffusers.stand_in import StandIn
from underpaint.core.cache import cache_folder
from underpaint.models.twin import twin
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.exported import computes_bfloat16
from underpaint.pipelines.exported_loop import LARGEST_BLOB, Load, NetworkGraphs, Shapes, widened
from underpaint.pipelines.graph_files import GraphFiles, PartGraphs, read_calls, saved_files
from underpaint.pipelines.loop import LOOP_WEIGHTS, NetworkCall
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.optimizing.block_cache import Memory
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import components_of, part_of, with_part
from underpaint.runtime.device import threads
from underpaint.runtime.engine import Graph
from underpaint.runtime.safetensors_file import read_arrays

DEEP = "deep"
"""Path of what the deep levels of a UNet say: the last answer of the whole graph of a pair, an input of the shallow."""


class GraphRuns:
    """Computes the answers of a network by its graphs.

    Args:
        component: The network's name.
        graphs: What its graphs are called with.
        files: Where they lie.
    """

    def __init__(self, component: str, graphs: PartGraphs, files: GraphFiles) -> None:
        self.graphs, self.files, self.memory = graphs, files, Memory()
        self._component = component
        self._loaded: dict[tuple[int, bool], NetworkGraphs] = {}

    def __call__(self, call: Call) -> dict[str, Tensor]:
        """Compute the answer to a call: of a pair, all levels or the outermost, as the memory says.

        Raises:
            InputError: No graph was made for such a call.
        """
        memory = self.memory
        if memory.shallow:
            tensors = {**call.tensors, DEEP: memory.said[memory.branch]}
            return self._of(shallow=True).answer(tensors, call.constants)
        answer = self._of(shallow=False).answer(call.tensors, call.constants)
        if self.graphs.shallow:
            memory.said[memory.branch] = answer.pop(DEEP)
        return answer

    def warm(self) -> None:
        """Load what a picture with the pipeline's own settings needs."""
        self._of(shallow=False).warm()
        if self.graphs.shallow:
            self._of(shallow=True).warm()

    def _of(self, *, shallow: bool) -> NetworkGraphs:
        """Return the graphs with torch's number of threads."""
        key = torch.get_num_threads(), shallow
        if key not in self._loaded:
            calls = self.graphs.shallow if shallow else self.graphs.calls
            loads = [(call, loader(self.files, call, self.graphs, key[0])) for call in calls]
            self._loaded[key] = NetworkGraphs(self._component, loads)
        return self._loaded[key]


class GraphPart(StandIn):
    """Stands in a pipeline where a network was, and computes by graphs.

    Args:
        skeleton: The network without numbers.
        component: Its name.
        runs: What computes.
    """

    def __init__(self, skeleton: nn.Module, component: str, runs: GraphRuns) -> None:
        super().__init__(skeleton, entry_of(component), runs)
        vars(self)["runs"] = runs

    @property
    def graph_runs(self) -> GraphRuns:
        """What computes."""
        return vars(self)["runs"]


def loader(files: GraphFiles, call: NetworkCall, graphs: PartGraphs, threads: int) -> Load:
    """Return what loads a graph for the shapes that it shall have."""
    if graphs.engine == "onnx":
        return _onnx(files, call.graph, threads)
    return _openvino(files, call.graph, threads, bfloat16=computes_bfloat16(graphs.precision))


def _onnx(files: GraphFiles, graph: str, threads: int) -> Load:
    from underpaint.adapters import onnxruntime

    path, sha256 = files.file(f"{graph}/model.onnx")
    weights = cache(partial(_weights, files, f"{graph}/{LOOP_WEIGHTS}"))

    def load(shapes: Shapes) -> Graph:
        return onnxruntime.load_graph(path, weights(), threads=threads, sha256=sha256, level="all", shapes=shapes)

    return load


def _weights(files: GraphFiles, name: str) -> dict[str, NDArray[Any]]:
    path, sha256 = files.file(name)
    return widened(read_arrays(path, sha256=sha256))


def _openvino(files: GraphFiles, graph: str, threads: int, *, bfloat16: bool) -> Load:
    from underpaint.adapters import openvino

    (path, xml), (weights, hashed) = (files.file(f"{graph}/model.{kind}") for kind in ("xml", "bin"))
    hashes = None if xml is None or hashed is None else (xml, hashed)
    saved = files.scratch is None and weights.stat().st_size <= LARGEST_BLOB
    blobs = cache_folder() / "openvino" if saved else None

    def load(shapes: Shapes) -> Graph:
        return openvino.load_graph(path, threads=threads, cache=blobs, sha256=hashes, shapes=shapes, bfloat16=bfloat16)

    return load


def skeleton_of(network: nn.Module) -> nn.Module:
    """Return a network with tensors that have shapes but no numbers."""
    return twin(network, _without_numbers).requires_grad_(False)


def _without_numbers(tensor: Tensor) -> Tensor:
    other = tensor.detach().to("meta")
    return nn.Parameter(other, requires_grad=False) if isinstance(tensor, nn.Parameter) else other


def with_graphs(pipeline: Pipeline, slot: str, graphs: PartGraphs, files: GraphFiles) -> Pipeline:
    """Return a pipeline of diffusers that computes a network by graphs.

    Args:
        pipeline: With the network, filled or not.
        slot: Where the network is.
        graphs: What its graphs are called with.
        files: Where they lie.
    """
    component = components_of(pipeline)[slot]
    part = GraphPart(skeleton_of(part_of(pipeline, slot)), component, GraphRuns(component, graphs, files))
    return with_part(pipeline, slot, part.eval())


def graph_parts(pipeline: Pipeline) -> dict[str, GraphPart]:
    """Return the graphs in a pipeline by component."""
    if not isinstance(pipeline, DiffusersPipeline):
        return {}
    found = {name: _inside(module) for name, module in pipeline.modules.items()}
    return {name: part for name, part in found.items() if part is not None}


def _inside(module: nn.Module) -> GraphPart | None:
    """Return the graph that a component is, or that something surrounds."""
    return next((part for part in module.modules() if isinstance(part, GraphPart)), None)


def open_graphs(pipeline: Pipeline, slot: str, model: Model) -> Pipeline:
    """Return a pipeline that computes a network by the graphs in a saved model's folder.

    Raises:
        ArtifactError: A file is missing, changed or damaged.
        MissingDependency: The engine is not installed.
    """
    files = saved_files(model, components_of(pipeline)[slot])
    other = with_graphs(pipeline, slot, read_calls(files), files)
    with threads(pipeline.threads):
        graph_parts(other)[components_of(other)[slot]].graph_runs.warm()
    return other
