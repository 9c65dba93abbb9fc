"""Rewriting ONNX graphs before they are shipped, with ONNX Runtime's own tools: folded, shared and fused.

It is done once, when a model is exported, so that loading is cheap. Up to the level ``extended`` a graph runs on any
processor; ``all`` lays the channels of convolutions out for the kind of processor that it is done on.
"""

from __future__ import annotations

from pathlib import Path

from underpaint.adapters import onnxruntime
from underpaint.adapters.graph_engine import REMEDY
from underpaint.core.checked_bytes import read_checked
from underpaint.core.errors import ArtifactError, StorageError

UNWRITTEN = ("SystemError", "serialization failed")
"""What the engine says, among other things, when it cannot write the new file."""


def optimize(source: Path, target: Path, *, level: onnxruntime.Level = "basic") -> None:
    """Fold constants and share equal parts, and more by level.

    Args:
        source: An ONNX file.
        target: The new file; may be the same.
        level: From ``extended`` on also fuse into operators that ONNX Runtime alone knows, such as products of
            integers.

    Raises:
        MissingDependency: ONNX Runtime is not installed.
        SetupError: The graph is newer than this ONNX Runtime.
        ArtifactError: The source is missing, cut off, or no graph.
        StorageError: The target cannot be written.
    """
    engine = onnxruntime.import_engine()
    data = read_checked(source, sha256=None, remedy=REMEDY)
    options = engine.SessionOptions()
    options.graph_optimization_level = getattr(engine.GraphOptimizationLevel, onnxruntime.LEVELS[level])
    options.optimized_model_filepath = str(target)
    options.log_severity_level = onnxruntime.FATAL_ONLY
    try:
        onnxruntime.open_session(data, options, source)
    except ArtifactError as error:
        if not any(mark in str(error) for mark in UNWRITTEN):
            raise
        raise StorageError(f"cannot write {target}; choose another place or free some space") from None
