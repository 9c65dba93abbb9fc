"""Rewriting ONNX graphs before they are shipped, with ONNX Runtime's own tools: folded, shared and fused.

It is done once, when a model is exported, so that loading is cheap.
"""

from __future__ import annotations

from pathlib import Path

from underpaint.adapters import onnxruntime


def optimize(source: Path, target: Path, *, fuse: bool = False) -> None:
    """Fold constants, share equal parts and fuse what any processor can run fused.

    Args:
        source: An ONNX file.
        target: The new file; may be the same.
        fuse: Also fuse into operators that ONNX Runtime alone knows, such as products of integers.

    Raises:
        MissingDependency: ONNX Runtime is not installed.
    """
    runtime = onnxruntime.import_engine()
    options = runtime.SessionOptions()
    levels = runtime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if fuse else levels.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    runtime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
