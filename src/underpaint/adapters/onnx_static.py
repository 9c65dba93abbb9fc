"""ONNX graphs that compute products in 8 bits, with ranges that were found by running them.

Around a product stand pairs of ``QuantizeLinear`` and ``DequantizeLinear``, which say what is rounded to what; ONNX
Runtime fuses them with the product into one of integers. Activations are asymmetric with one range a tensor, weights
symmetric with one range a channel; channels that stand out are smoothed. ONNX Runtime's own ``quantize_static`` does
the same, but takes minutes for a graph of thousands of nodes, and rounds what comes out of products too.

Source: ONNX, operators ``QuantizeLinear`` and ``DequantizeLinear``; arXiv 1712.05877, section 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from underpaint.adapters import onnxruntime
from underpaint.adapters.onnx import read_model
from underpaint.adapters.onnx_nodes import PRODUCTS
from underpaint.adapters.require import require
from underpaint.core.artifact import storage_errors

Ranges = dict[str, tuple[np.ndarray, np.ndarray]]
"""Lowest and highest values of a tensor by its name, one along its last axis."""
LEVELS = 255
"""Steps of an activation."""
WEIGHT_LEVELS = {7: 64, 8: 127}
"""Steps of a weight to either side by its bits: seven, since processors without VNNI add pairs of products in 16."""
SMOOTHING = 0.3
"""How much of the difference between the channels of an activation the weights take over, 0 to 1."""
OUTLIER = 8.0
"""By how many times the largest channel must exceed the median one to be worth a multiplication before the product."""


def _chosen(model: Any, products: Collection[str]) -> list[Any]:
    return [node for node in model.graph.node if node.op_type in PRODUCTS and node.name in products]


def _rounded(node: Any) -> tuple[str, ...]:
    """Return the tensors around a product that are rounded; convolutions of integers give integers only."""
    return (node.input[0], node.output[0]) if node.op_type == "Conv" else (node.input[0],)


def find_ranges(
    source: Path,
    products: Collection[str],
    feeds: Collection[Mapping[str, np.ndarray]],
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Ranges:
    """Return the ranges of what goes into products, by running a graph.

    Args:
        source: A complete ONNX file.
        products: Names of the products.
        feeds: Inputs to run it with.
        shapes: Those of the feeds, for inputs of which the file leaves dimensions open.

    Raises:
        MissingDependency: onnx is not installed.
        SetupError: The graph is newer than this ONNX Runtime.
        ArtifactError: The file cannot be read, or the engine refuses it.
        InputError: A feed lacks an input, or has another shape or dtype.
    """
    model = read_model(source)
    names = list(dict.fromkeys(name for node in _chosen(model, products) for name in _rounded(node)))
    _give_out(model, names)
    graph = onnxruntime.graph_of(model.SerializeToString(), {}, source, threads=1, level="all", shapes=shapes)
    ranges: Ranges = {}
    for given in feeds:
        outputs = graph.run(given)
        for name in names:
            flat = outputs[name].reshape(-1, outputs[name].shape[-1])
            low, high = ranges.get(name, (np.zeros(1), np.zeros(1)))  # zero is always a level
            ranges[name] = np.minimum(low, flat.min(axis=0)), np.maximum(high, flat.max(axis=0))
    return ranges


def _give_out(model: Any, names: Sequence[str]) -> None:
    """Let a graph give out some of its tensors too."""
    onnx = require("onnx", extra="optimize")
    known = {output.name for output in model.graph.output}
    value = onnx.helper.make_tensor_value_info
    model.graph.output.extend(value(name, onnx.TensorProto.FLOAT, None) for name in names if name not in known)


def quantize(source: Path, target: Path, products: Collection[str], ranges: Ranges, *, weight_bits: int = 7) -> None:
    """Write a graph in which some products have 8 bits.

    Args:
        source: The ONNX file whose ranges were found.
        target: The new file; may be the same.
        products: Names of the products.
        ranges: From ``find_ranges``, for these products at least.
        weight_bits: 7 or 8, the latter for processors with VNNI.

    Raises:
        MissingDependency: onnx is not installed.
        ArtifactError: The source cannot be read.
        StorageError: The target cannot be written.
    """
    onnx = require("onnx", extra="optimize")
    model = read_model(source)
    rewriting = _Rewriting(onnx, model, ranges, WEIGHT_LEVELS[weight_bits])
    chosen = {node.name for node in _chosen(model, products)}
    nodes = [new for node in model.graph.node for new in (rewriting.nodes(node) if node.name in chosen else [node])]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused(model)
    with storage_errors(target):
        target.write_bytes(model.SerializeToString(deterministic=True))


def _drop_unused(model: Any) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def quantized_weight(weight: np.ndarray, axis: int, levels: int = WEIGHT_LEVELS[7]) -> tuple[np.ndarray, np.ndarray]:
    """Return a weight as int8 and the scale of each channel, in float32.

    Args:
        weight: Of any shape.
        axis: That of the channels.
        levels: Steps to either side.
    """
    others = tuple(index for index in range(weight.ndim) if index != axis)
    largest = np.abs(weight).max(axis=others)
    scale = (np.where(largest > 0.0, largest, 1.0) / levels).astype(np.float32)
    shape = [-1 if index == axis else 1 for index in range(weight.ndim)]
    return np.round(weight / scale.reshape(shape)).astype(np.int8), scale


def smoothing(largest: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return by what the channels of an activation are divided and the rows of its weight multiplied.

    Args:
        largest: Largest absolute value of each channel ``[C]``.
        weight: ``[C, D]``.

    Source: arXiv 2211.10438, equation 4.
    """
    rows = np.abs(weight).max(axis=1)
    known = (largest > 0.0) & (rows > 0.0)
    a, w = np.where(known, largest, 1.0), np.where(known, rows, 1.0)
    return np.where(known, a**SMOOTHING / w ** (1.0 - SMOOTHING), 1.0).astype(np.float32)


def is_uneven(largest: np.ndarray, weight: np.ndarray) -> bool:
    """Tell whether channels of an activation, or what they are multiplied by, stand out; arguments of ``smoothing``."""
    return any(each.max() > OUTLIER * np.median(each) for each in (largest, np.abs(weight).max(axis=1)))


class _Rewriting:
    """Puts quantizers around products; what is equal is stored once.

    Args:
        onnx: The package.
        model: The graph; weights are added to it.
        ranges: By tensor.
        levels: Steps of a weight to either side.
    """

    def __init__(self, onnx: Any, model: Any, ranges: Ranges, levels: int) -> None:
        self._onnx, self._graph, self._ranges, self._levels = onnx, model.graph, ranges, levels
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._scales: dict[str, np.ndarray] = {}
        self._largest = self._find_largest()

    def _find_largest(self) -> dict[str, np.ndarray]:
        """Return the largest absolute values of the channels that meet a weight, by weight, wherever it is used."""
        largest: dict[str, np.ndarray] = {}
        for node in self._graph.node:
            if node.op_type in PRODUCTS and node.op_type != "Conv" and node.input[0] in self._ranges:
                low, high = self._ranges[node.input[0]]
                found = np.maximum(-low, high)
                largest[node.input[1]] = np.maximum(largest.get(node.input[1], found), found)
        return largest

    def nodes(self, node: Any) -> list[Any]:
        """Return the nodes that compute a product in 8 bits."""
        weight, smooth = self._weight(node)
        before, tensor, name = [], node.input[0], f"{node.name}/given"
        low, high = self._ranges[tensor]
        if smooth is not None:
            factor = self._store(f"{node.input[1]}/smooth", 1.0 / smooth)
            before.append(self._make("Mul", [tensor, factor], name))
            tensor, low, high = before[-1].output[0], low / smooth, high / smooth
        scale, around = self._around(tensor, name, low, high)
        inputs = [around[-1].output[0], weight.output[0]]
        before += [*around, weight]
        if len(node.input) > 2:
            before.append(self._bias(node, scale))
            inputs.append(before[-1].output[0])
        return [*before, *self._product(node, inputs)]

    def _product(self, node: Any, inputs: list[str]) -> list[Any]:
        """Return the product itself, with what comes out of it rounded where it must be."""
        product = type(node)()
        product.CopyFrom(node)
        del product.input[:]
        product.input.extend(inputs)
        if len(_rounded(node)) == 1:
            return [product]
        product.output[0] = f"{node.name}/exact"
        _, after = self._around(product.output[0], f"{node.name}/gives", *self._ranges[node.output[0]])
        after[-1].output[0] = node.output[0]
        return [product, *after]

    def _make(self, kind: str, inputs: list[str], name: str, axis: int | None = None) -> Any:
        extra = {} if axis is None else {"axis": axis}
        return self._onnx.helper.make_node(kind, inputs, [f"{name}/{kind}"], name=f"{name}/{kind}", **extra)

    def _store(self, name: str, array: np.ndarray) -> str:
        """Add a weight to the graph, once; returns its name."""
        if name not in self._stored:
            self._stored[name] = self._onnx.numpy_helper.from_array(array, name)
            self._graph.initializer.append(self._stored[name])
        return name

    def _read(self, name: str) -> np.ndarray:
        return self._onnx.numpy_helper.to_array(self._stored[name])

    def _around(self, tensor: str, name: str, low: np.ndarray, high: np.ndarray) -> tuple[np.float32, list[Any]]:
        """Return the scale of a tensor, and the pair of nodes that rounds it."""
        scale = np.float32((high.max() - low.min()) / LEVELS or 1.0)
        zero = np.uint8(np.clip(np.round(-low.min() / scale), 0, LEVELS))
        numbers = [self._store(f"{name}/scale", np.array(scale)), self._store(f"{name}/zero", np.array(zero))]
        quantize = self._make("QuantizeLinear", [tensor, *numbers], name)
        return scale, [quantize, self._make("DequantizeLinear", [quantize.output[0], *numbers], name)]

    def _weight(self, node: Any) -> tuple[Any, np.ndarray | None]:
        """Return the node that reads a weight of integers, and the smoothing that went into it."""
        name = node.input[1]
        exact = self._read(name)
        turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        axis = 0 if node.op_type == "Conv" or turned else exact.ndim - 1
        smooth = None
        rows = exact.T if turned else exact
        if name in self._largest and is_uneven(self._largest[name], rows):
            smooth = smoothing(self._largest[name], rows)
            exact = (rows * smooth[:, None]).T if turned else rows * smooth[:, None]
        array, scale = quantized_weight(exact, axis, self._levels)
        self._scales[name] = scale
        numbers = [
            self._store(f"{name}/int8", array),
            self._store(f"{name}/scale", scale),
            self._store(f"{name}/zero", np.zeros(scale.shape, dtype=np.int8)),
        ]
        return self._make("DequantizeLinear", numbers, f"{node.name}/weight", axis), smooth

    def _bias(self, node: Any, given: np.float32) -> Any:
        """Return the node that reads a bias of 32-bit integers, in units of the product."""
        scale = self._scales[node.input[1]] * given
        whole = np.clip(np.round(self._read(node.input[2]).astype(np.float64) / scale), -(2**31), 2**31 - 1)
        numbers = [
            self._store(f"{node.name}/bias", whole.astype(np.int32)),
            self._store(f"{node.name}/bias/scale", scale),
            self._store(f"{node.name}/bias/zero", np.zeros(scale.shape, dtype=np.int32)),
        ]
        return self._make("DequantizeLinear", numbers, f"{node.name}/bias", 0)
