"""Graphs in ONNX's format on a CPU by ONNX Runtime, which must not phone home."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from underpaint.adapters.graph_engine import REMEDY, Engine, FixedGraph
from underpaint.adapters.onnx_structure import Structure, read_structure
from underpaint.adapters.require import require
from underpaint.core.checked_bytes import read_checked
from underpaint.core.errors import ArtifactError
from underpaint.core.tensor_spec import TensorSpec, check_threads, differences, shortened, spec_of

Level = Literal["none", "basic", "extended", "all"]
Shapes = Mapping[str, Sequence[int]]
LEVELS: dict[Level, str] = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
"""How much a graph is rewritten while it is loaded, by the engine's names."""
DTYPES = {
    "tensor(bool)": "bool",
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
}
FATAL_ONLY = 4
"""Severity from which the engine writes to the terminal by itself; its errors reach us as exceptions anyway."""
ENGINE = Engine(
    name="onnxruntime",
    package="onnxruntime",
    too_new=("Unsupported model IR version", "released onnx opset", "NOT_IMPLEMENTED", "No Op registered"),
)


def import_engine() -> Any:
    """Import the engine with its telemetry off; the environment counts only before the import."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    engine = require("onnxruntime", extra=None)
    engine.disable_telemetry_events()
    return engine


def open_dimension(name: str, axis: int) -> str:
    """Return what a dimension of an input is called in a file that leaves its size open."""
    return f"{name}.{axis}"


class OnnxGraph(FixedGraph):
    """A graph of fixed shapes in a session of ONNX Runtime.

    Args:
        session: The session.
        weights: What the session computes with but does not own, kept alive here.
        source: The file it was made from, for messages.

    Raises:
        ArtifactError: An input has no fixed shape, or a dtype that is not used here.
    """

    name: Literal["onnx"] = "onnx"

    def __init__(self, session: Any, weights: Mapping[str, np.ndarray], source: Path) -> None:
        self._session, self._weights = session, weights
        inputs = {node.name: _spec(node, source) for node in session.get_inputs()}
        super().__init__(inputs, tuple(node.name for node in session.get_outputs()))

    def _compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        return self._session.run(list(self.outputs), dict(feeds))


def _spec(node: Any, source: Path) -> TensorSpec:
    if node.type not in DTYPES or not all(isinstance(size, int) for size in node.shape):
        raise ArtifactError(
            f"{source}: the input {node.name!r:.80} is {node.type} {node.shape}; it must have a fixed shape and one of "
            f"{', '.join(DTYPES.values())}; export the model again with a fixed shape"
        )
    return TensorSpec(tuple(node.shape), DTYPES[node.type])


def _chosen(weights: Mapping[str, np.ndarray], structure: Structure, path: Path) -> dict[str, np.ndarray]:
    """Return the weights that a graph declares; a file of weights may serve more graphs than one."""
    chosen = {name: np.asarray(weights[name], order="C") for name in structure.weights if name in weights}
    problems = differences({name: spec_of(array) for name, array in chosen.items()}, structure.weights)
    if problems:
        raise ArtifactError(f"these weights do not fit {path}: {shortened(problems)}; {REMEDY}")
    return chosen


def _options(
    engine: Any, chosen: Mapping[str, np.ndarray], threads: int, level: Level, shapes: Shapes | None = None
) -> Any:
    options = engine.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = getattr(engine.GraphOptimizationLevel, LEVELS[level])
    options.log_severity_level = FATAL_ONLY
    for name, shape in (shapes or {}).items():
        for axis, size in enumerate(shape):
            options.add_free_dimension_override_by_name(open_dimension(name, axis), size)
    values = [engine.OrtValue.ortvalue_from_numpy(array) for array in chosen.values()]
    options.add_external_initializers(list(chosen), values)
    return options


def open_session(data: bytes, options: Any, path: Path) -> Any:
    """Give a complete ONNX file, or one whose weights the options hold, to the engine.

    Args:
        data: The file's bytes.
        options: The engine's ``SessionOptions``.
        path: Where the bytes come from, for messages.

    Raises:
        SetupError: The graph is newer than this onnxruntime.
        ArtifactError: The engine refuses it.
    """
    engine = import_engine()
    try:
        return engine.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the engine's errors share no base class but this
        structure = read_structure(data, source=str(path), remedy=REMEDY)
        form = f"IR version {structure.ir_version}, opset {structure.opset}"
        raise ENGINE.refusal(engine.__version__, path, error, form) from None


def load_graph(
    path: Path,
    weights: Mapping[str, np.ndarray],
    *,
    threads: int,
    sha256: str | None,
    level: Level = "none",
    shapes: Shapes | None = None,
) -> OnnxGraph:
    """Load a graph whose large weights lie elsewhere.

    Args:
        path: An ONNX file, as ``adapters.onnx.write_structure`` makes it; it is read once.
        weights: Name to array; more than the graph declares may be there. Their memory is
            shared, so they must stay as they are.
        threads: How many threads compute, at least 1; they sleep while they wait.
        sha256: The expected hash of the file; not checked if None.
        level: How much the graph is rewritten first. A graph that was optimized when it was exported runs as fast
            without, and loads in half to a third of the time.
        shapes: Shapes of inputs of which the file leaves dimensions open (``open_dimension``).

    Raises:
        InputError: The number of threads is below 1.
        MissingDependency: onnxruntime is not installed.
        SetupError: The graph is newer than this onnxruntime.
        ArtifactError: The file is missing, changed or cut off; weights are missing, or have another shape or dtype.
    """
    check_threads(threads)
    data = read_checked(path, sha256=sha256, remedy=REMEDY)
    return graph_of(data, weights, path, threads=threads, level=level, shapes=shapes)


def graph_of(
    data: bytes,
    weights: Mapping[str, np.ndarray],
    path: Path,
    *,
    threads: int,
    level: Level = "none",
    shapes: Shapes | None = None,
) -> OnnxGraph:
    """Load a graph from its bytes; otherwise as ``load_graph``, and ``path`` is for messages."""
    chosen = _chosen(weights, read_structure(data, source=str(path), remedy=REMEDY), path)
    options = _options(import_engine(), chosen, threads, level, shapes)
    return OnnxGraph(open_session(data, options, path), chosen, path)
