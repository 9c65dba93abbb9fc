"""ONNX files taken apart by onnx: the graph with its large weights declared, and the weights beside it.

So graphs of several sizes share one file of weights, and a graph can be read and hashed whole before anything runs.
Only exporting needs the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from underpaint.adapters.onnx_structure import DTYPES
from underpaint.adapters.require import require
from underpaint.core.artifact import storage_errors
from underpaint.core.errors import ArtifactError

LEAST_BYTES = 1024
"""Weights below this size stay in the graph: they are shapes, indices and constants of operators."""
LOCATION = "given-when-loaded"
"""Stands in the graph where ONNX wants the name of a file; ``adapters/onnxruntime.py`` never opens it."""


def read_model(path: Path) -> Any:
    """Return an ONNX file as protocol buffers.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The file is missing or cannot be read.
    """
    onnx = require("onnx", extra="optimize")
    try:
        return onnx.load(path)
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; export the model again") from None
    except Exception as error:  # protobuf's DecodeError, without importing protobuf; and whatever onnx makes of it
        raise ArtifactError(f"{path} cannot be read as ONNX ({error}); export the model again") from None


def _take_out(tensor: Any, external: int) -> None:
    """Keep of an initializer its name, shape and dtype."""
    name, data_type, dims = tensor.name, tensor.data_type, list(tensor.dims)
    tensor.Clear()
    tensor.name, tensor.data_type, tensor.data_location = name, data_type, external
    tensor.dims.extend(dims)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", LOCATION


def write_structure(source: Path, target: Path, *, least_bytes: int = LEAST_BYTES) -> dict[str, np.ndarray]:
    """Write an ONNX file again without its large weights, which are declared as external.

    Args:
        source: A complete ONNX file.
        target: The file to write; equal sources give equal bytes.
        least_bytes: Smallest size of a weight that is taken out.

    Returns:
        Name to array of what was taken out, in the order of the file: what ``onnxruntime.load_graph`` asks for.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The source cannot be read.
        StorageError: The target cannot be written.
    """
    onnx = require("onnx", extra="optimize")
    model = read_model(source)
    weights: dict[str, np.ndarray] = {}
    for tensor in model.graph.initializer:
        if tensor.data_type not in DTYPES:
            continue
        array = onnx.numpy_helper.to_array(tensor)
        if array.nbytes >= least_bytes:
            weights[tensor.name] = array
            _take_out(tensor, onnx.TensorProto.EXTERNAL)
    with storage_errors(target):
        target.write_bytes(model.SerializeToString(deterministic=True))
    return weights
