"""A small ONNX file for the tests of the engines, and what it computes, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


class Tiny:
    """``y = max(x @ table + bias, 0) * scale``, and ``best``, the index of the largest of the sum.

    The table has 1.5 kB and is taken out of the file; the bias stays in it.
    """

    def __init__(self, seed: int = 0) -> None:
        self.table = np.random.default_rng(seed).standard_normal((16, 24)).astype(np.float32)
        self.bias = np.linspace(-1, 1, 24, dtype=np.float32)

    def model(self, *, opset: int = 17, ir_version: int = 8, rows: int | str = 2) -> onnx.ModelProto:
        nodes = [
            helper.make_node("MatMul", ["x", "table"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["sum"]),
            helper.make_node("Relu", ["sum"], ["positive"]),
            helper.make_node("Mul", ["positive", "scale"], ["y"]),
            helper.make_node("ArgMax", ["sum"], ["best"], axis=1, keepdims=0),
        ]
        inputs = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, 16]),
            helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
        ]
        outputs = [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, 24]),
            helper.make_tensor_value_info("best", TensorProto.INT64, [rows]),
        ]
        weights = [numpy_helper.from_array(self.table, "table"), numpy_helper.from_array(self.bias, "bias")]
        graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)

    def write(self, path: Path, *, opset: int = 17, ir_version: int = 8, rows: int | str = 2) -> Path:
        path.write_bytes(self.model(opset=opset, ir_version=ir_version, rows=rows).SerializeToString())
        return path

    def feeds(self, seed: int = 1) -> dict[str, np.ndarray]:
        x = np.random.default_rng(seed).standard_normal((2, 16)).astype(np.float32)
        return {"x": x, "scale": np.asarray(1.5, np.float32)}

    def computed(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        total = feeds["x"].astype(np.float64) @ self.table + self.bias
        return {"y": np.maximum(total, 0) * feeds["scale"], "best": total.argmax(1)}


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture
def another() -> Tiny:
    """The same graph with other weights."""
    return Tiny(seed=9)
