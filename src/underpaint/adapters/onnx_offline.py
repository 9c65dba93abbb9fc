"""Rewriting ONNX graphs before they are shipped, with ONNX Runtime's own tools: folded and fused, or quantized.

Both are done once, when a model is exported, so that loading is cheap.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection
from pathlib import Path

from underpaint.adapters import onnxruntime
from underpaint.adapters.require import require

ENDS = ("", "_MatMul")
"""What the tool puts after the name of a product: nothing, or this where it split off a bias first."""


def optimize(source: Path, target: Path) -> None:
    """Fold constants, share equal parts and fuse what any processor can run fused.

    Args:
        source: An ONNX file.
        target: The new file; may be the same.

    Raises:
        MissingDependency: ONNX Runtime is not installed.
    """
    runtime = onnxruntime.import_engine()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    runtime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def quantize(source: Path, target: Path, products: Collection[str] | None = None) -> None:
    """Store the weights of matrix products as 8-bit integers, and quantize what goes into them when they run.

    Weights use seven bits of the eight (``reduce_range``): processors without VNNI add pairs of products in 16 bits,
    which eight bits can overflow.

    Args:
        source: An ONNX file.
        target: The new file; may be the same.
        products: Names of the matrix products to quantize; None for all.

    Raises:
        MissingDependency: ONNX Runtime or ``onnx`` is not installed.
    """
    onnxruntime.import_engine()
    require("onnx", extra="optimize")
    tools = require("onnxruntime.quantization", extra="optimize")
    shapes = require("onnxruntime.quantization.shape_inference", extra="optimize")
    with tempfile.TemporaryDirectory(prefix="underpaint-quantize-") as scratch:
        inferred = Path(scratch) / "inferred.onnx"
        shapes.quant_pre_process(str(source), str(inferred), skip_symbolic_shape=True)
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # the tool reports every operator that it leaves alone
        try:
            tools.quantize_dynamic(
                str(inferred),
                str(target),
                op_types_to_quantize=["MatMul"],
                nodes_to_quantize=None if products is None else [f"{name}{end}" for name in products for end in ENDS],
                weight_type=tools.QuantType.QInt8,
                reduce_range=True,
                per_channel=True,
                extra_options={"MatMulConstBOnly": True, "DefaultTensorType": 1},
            )
        finally:
            logging.root.setLevel(level)
