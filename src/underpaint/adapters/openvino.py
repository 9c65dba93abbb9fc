"""Graphs in OpenVINO's format on a CPU, compiled once and kept as blobs; the engine must not phone home."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from underpaint.adapters.graph_engine import REMEDY, Engine, FixedGraph, one_line
from underpaint.adapters.onnx_structure import read_structure
from underpaint.adapters.require import require
from underpaint.core.checked_bytes import read_checked
from underpaint.core.errors import ArtifactError, SetupError, StorageError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.signal_stack import own_signal_stack
from underpaint.core.tensor_spec import TensorSpec, check_threads

IR_VERSION = 11
"""Newest version of the format (``<net version>``) that this adapter was written for."""
HASH_BYTES = 32
"""A blob in the cache begins with its own SHA-256."""
ENGINE = Engine(name="OpenVINO", package="openvino", too_new=("unsupported opset", "doesn't contain the operation"))
Shapes = Mapping[str, tuple[int, ...]]


def import_engine() -> Any:
    """Import the engine without the package by which it reports its use; its own stub takes over."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    return require("openvino", extra="openvino")


@dataclass(frozen=True, kw_only=True)
class _Compiled:
    """A compiled model with the names that its graph gives to what goes in and out.

    Compiling merges operations, after which a tensor may have several names.
    """

    model: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    memory: tuple[bytes, ...]
    """What the engine was given, which it may go on reading."""


class OpenVinoGraph(FixedGraph):
    """A graph of fixed shapes, compiled by OpenVINO; one thread of Python at a time may run it.

    Args:
        compiled: The compiled model and its names.
        source: The file it was made from, for messages.

    Raises:
        ArtifactError: An input has no fixed shape.
    """

    name: Literal["openvino"] = "openvino"

    def __init__(self, compiled: _Compiled, source: Path) -> None:
        self._compiled = compiled
        self._request = compiled.model.create_infer_request()
        ports = zip(compiled.inputs, compiled.model.inputs, strict=True)
        super().__init__({name: _spec(name, port, source) for name, port in ports}, compiled.outputs)

    @own_signal_stack()
    def _compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        results = self._request.infer({index: feeds[name] for index, name in enumerate(self.inputs)})
        return [results[index] for index in range(len(self.outputs))]


def _spec(name: str, port: Any, source: Path) -> TensorSpec:
    shape = port.get_partial_shape()
    if not shape.is_static:
        raise ArtifactError(
            f"{source}: the input {name!r:.80} has the shape {shape}; export the model again with a fixed shape"
        )
    return TensorSpec(tuple(shape.to_shape()), np.dtype(port.get_element_type().to_dtype()).name)


def _settings(threads: int, *, bfloat16: bool) -> dict[str, Any]:
    """Return the settings of the engine, which without the hint computes 32 bits in 16 where it can."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
    }


def _check_format(xml: bytes, path: Path) -> None:
    """Refuse what is no graph, ends too early, or is newer than the engine."""
    found = re.search(rb'<net\b[^>]*?\bversion="(\d+)"', xml[:4096])
    if found is None or not xml.rstrip().endswith(b"</net>"):
        raise ArtifactError(f"{path} is no OpenVINO graph or was cut off; {REMEDY}")
    if (version := int(found[1])) > IR_VERSION:
        raise SetupError(f"{path} has the format version {version}, the newest known is {IR_VERSION}; {ENGINE.upgrade}")


def _key(engine: Any, core: Any, xml: bytes, weights: bytes, settings: Mapping[str, Any], shapes: Shapes) -> str:
    """Return a digest of all that a blob depends on: graph, weights, settings, shapes, engine and processor."""
    host = [core.get_property("CPU", name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    chosen = [sorted(settings.items()), *([sorted(shapes.items())] if shapes else [])]
    parts = (xml, weights, repr([engine.get_version(), host, *chosen]).encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _read_blob(core: Any, path: Path, settings: Mapping[str, Any]) -> _Compiled | None:
    """Return the compiled model that lies in the cache, or None if there is none that can be read."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[HASH_BYTES:]
    if hashlib.sha256(content).digest() != data[:HASH_BYTES]:
        return None
    names, _, blob = content.partition(b"\n")
    try:
        inputs, outputs = json.loads(names)
        model = core.import_model(blob, "CPU", dict(settings))
    except (RuntimeError, ValueError):
        return None
    return _Compiled(model=model, inputs=tuple(inputs), outputs=tuple(outputs), memory=(blob,))


def _write_blob(compiled: _Compiled, path: Path) -> None:
    """Keep a compiled model; another process sees all of it or nothing."""
    names = json.dumps([compiled.inputs, compiled.outputs]).encode()
    content = names + b"\n" + compiled.model.export_model().getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
            partial = Path(folder) / path.name
            partial.write_bytes(hashlib.sha256(content).digest() + content)
            partial.replace(path)
    except OSError as error:
        raise StorageError(
            f"the compiled graph cannot be kept in {path.parent} ({error.strerror}); set UNDERPAINT_CACHE to a folder "
            "that can be written"
        ) from None


def _compile(
    engine: Any, core: Any, xml: Path, graph: bytes, weights: bytes, settings: Mapping[str, Any], shapes: Shapes
) -> _Compiled:
    try:
        model = core.read_model(graph, weights)
        if shapes:
            model.reshape({name: list(shape) for name, shape in shapes.items()})
        inputs, outputs = (tuple(port.get_any_name() for port in ports) for ports in (model.inputs, model.outputs))
        compiled = core.compile_model(model, "CPU", dict(settings))
        return _Compiled(model=compiled, inputs=inputs, outputs=outputs, memory=(graph, weights))
    except RuntimeError as error:
        raise ENGINE.refusal(engine.get_version(), xml, error) from None


@own_signal_stack()
def load_graph(
    xml: Path,
    *,
    threads: int,
    cache: Path | None,
    sha256: tuple[str, str] | None = None,
    report: Report = silent,
    shapes: Mapping[str, Sequence[int]] | None = None,
    bfloat16: bool = False,
) -> OpenVinoGraph:
    """Load a graph and compile it, or take the compiled one from the cache.

    Args:
        xml: The graph, as ``convert`` makes it; its weights lie beside it in a ``.bin`` of the same name. Both are read
            once.
        threads: How many threads compute, at least 1.
        cache: Folder of compiled graphs, made if it is not there; a blob that cannot be read is made again, and the
            folder may be deleted at any time. None compiles anew.
        sha256: The expected hashes of the ``.xml`` and the ``.bin``; not checked if None.
        report: Told when a graph is compiled, which takes seconds; not when it comes from the cache.
        shapes: Shapes of inputs of which the file leaves dimensions open.
        bfloat16: Compute in bfloat16 what would be computed in 32 bits.

    Raises:
        InputError: The number of threads is below 1.
        MissingDependency: OpenVINO is not installed.
        SetupError: The graph is newer than this OpenVINO.
        ArtifactError: A file is missing, changed or cut off.
        StorageError: The cache cannot be written.
    """
    check_threads(threads)
    engine = import_engine()
    hashes = sha256 or (None, None)
    graph = read_checked(xml, sha256=hashes[0], remedy=REMEDY)
    weights = read_checked(xml.with_suffix(".bin"), sha256=hashes[1], remedy=REMEDY)
    _check_format(graph, xml)
    core, settings = engine.Core(), _settings(threads, bfloat16=bfloat16)
    fixed = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    blob = None if cache is None else cache / f"{_key(engine, core, graph, weights, settings, fixed)}.blob"
    compiled = None if blob is None else _read_blob(core, blob, settings)
    if compiled is None:
        report(Progress(task="compile", done=0, total=1, unit="graphs"))
        compiled = _compile(engine, core, xml, graph, weights, settings, fixed)
        if blob is not None:
            _write_blob(compiled, blob)
        report(Progress(task="compile", done=1, total=1, unit="graphs"))
    return OpenVinoGraph(compiled, xml)


@own_signal_stack()
def convert(onnx_path: Path, xml_path: Path, *, half: bool) -> None:
    """Convert an ONNX file with all its weights; every input and output keeps its name, and no other.

    Args:
        onnx_path: The ONNX file.
        xml_path: The graph to write; a ``.bin`` of the same name goes beside it.
        half: Whether weights are stored as float16; computed is in float32 anyway.

    Raises:
        MissingDependency: OpenVINO is not installed.
        ArtifactError: The file cannot be read.
        StorageError: The graph cannot be written.
    """
    engine = import_engine()
    data = read_checked(onnx_path, sha256=None, remedy=REMEDY)
    structure = read_structure(data, source=str(onnx_path), remedy=REMEDY)
    try:
        model = engine.Core().read_model(str(onnx_path))  # by its path: large weights lie beside the file
    except RuntimeError as error:
        raise ENGINE.refusal(engine.get_version(), onnx_path, error) from None
    for node in model.get_parameters():
        node.output(0).set_names({node.get_friendly_name()})
    for output, name in zip(model.outputs, structure.outputs, strict=True):
        output.set_names({name})
    save(engine, model, xml_path, half=half)


def save(engine: Any, model: Any, xml_path: Path, *, half: bool) -> None:
    """Write a graph; equal graphs give equal bytes, though the engine numbers nodes through all of a process.

    Args:
        engine: The package.
        model: The graph; nodes without a name of their own get another.
        xml_path: The graph to write; a ``.bin`` of the same name goes beside it.
        half: Whether weights are stored as float16.

    Raises:
        StorageError: The graph cannot be written.
    """
    for number, node in enumerate(model.get_ordered_ops()):
        kind = node.get_type_name()
        if re.fullmatch(rf"{kind}_\d+", node.get_friendly_name()):
            node.set_friendly_name(f"{kind}#{number}")
    try:
        engine.save_model(model, xml_path, compress_to_fp16=half)
    except RuntimeError as error:
        raise StorageError(
            f"cannot write {xml_path}: {one_line(error):.200}; choose another place or free some space"
        ) from None
