"""ONNX files by their nodes: which weight a product multiplies by, and values inside the graph given out too.

Only exporting needs the package.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from underpaint.adapters.onnx import read_model
from underpaint.adapters.require import require
from underpaint.core.artifact import storage_errors

PRODUCTS = ("MatMul", "Gemm", "Conv")
"""Operators that multiply by a weight, which is their second input."""
LAID_OUT = "com.microsoft.nchwc"
"""Domain of ONNX Runtime's operators on channels that are laid out for one kind of processor."""


def _weighted(model: Any, kinds: Collection[str]) -> Iterator[tuple[Any, Any]]:
    """Yield the products whose second input is a weight, with that weight, or another name that was given to it."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
        elif node.op_type in kinds and node.input[1] in weights:
            yield node, weights[node.input[1]]


def products(path: Path, kinds: Collection[str] = PRODUCTS) -> dict[str, np.ndarray]:
    """Return the weights of matrix products and convolutions by the names of their nodes, in the order of the file.

    Args:
        path: A complete ONNX file.
        kinds: The operators to look at, of ``PRODUCTS``.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The file cannot be read.
    """
    onnx = require("onnx", extra="optimize")
    model = read_model(path)
    arrays: dict[str, np.ndarray] = {}
    named: dict[str, np.ndarray] = {}
    for node, weight in _weighted(model, kinds):
        if weight.name not in arrays:
            arrays[weight.name] = onnx.numpy_helper.to_array(weight)
        named[node.name] = arrays[weight.name]
    return named


def inputs(path: Path) -> tuple[str, ...]:
    """Return the names of what a graph takes: of what was traced, only what it computes with.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The file cannot be read.
    """
    return tuple(one.name for one in read_model(path).graph.input)


def is_laid_out(path: Path) -> bool:
    """Tell whether a graph has operators that run on one kind of processor alone.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The file cannot be read.
    """
    return any(node.domain == LAID_OUT for node in read_model(path).graph.node)


def watch_inputs(source: Path, target: Path, op_type: str) -> tuple[str, ...]:
    """Write a graph that also gives out what goes into every operator of a kind.

    Args:
        source: A complete ONNX file.
        target: The new file; may be the same.
        op_type: The kind of operator; its first input is given out, as float32.

    Returns:
        Names of the added outputs, in the order in which they are computed.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The source cannot be read.
        StorageError: The target cannot be written.
    """
    onnx = require("onnx", extra="optimize")
    model = read_model(source)
    names = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.op_type == op_type))
    value = onnx.helper.make_tensor_value_info
    model.graph.output.extend(value(name, onnx.TensorProto.FLOAT, None) for name in names)
    _write(model, target)
    return tuple(names)


def keep_outputs(source: Path, target: Path, names: tuple[str, ...]) -> None:
    """Write a graph that gives out the named values alone; nothing inside is removed.

    Args:
        source: A complete ONNX file.
        target: The new file; may be the same.
        names: Outputs to keep.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The source cannot be read.
        StorageError: The target cannot be written.
    """
    model = read_model(source)
    kept = [output for output in model.graph.output if output.name in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    _write(model, target)


def _write(model: Any, target: Path) -> None:
    with storage_errors(target):
        target.write_bytes(model.SerializeToString(deterministic=True))
