"""The graph of an upscaler, which runs without torch on pictures of any size; its weights lie in the network's file."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from underpaint.adapters import onnx
from underpaint.adapters.onnxruntime import open_dimension
from underpaint.models.upscaler import CHANNELS, Upscaler
from underpaint.pipelines.upscaling.network import GRAPH, LARGE, SMALL

OPSET = 17
SIDE = 8
"""Side of the picture that is traced; every size runs alike."""


@torch.inference_mode()
def write_graph(upscaler: Upscaler, folder: Path) -> None:
    """Write the graph of an upscaler, its weights declared by the names that they have in the network.

    Args:
        upscaler: On the CPU, in evaluation mode.
        folder: Where to.

    Raises:
        MissingDependency: What writes graphs is not installed.
        StorageError: The folder cannot be written.
    """
    axes = {name: {axis: open_dimension(name, axis) for axis in (2, 3)} for name in (SMALL, LARGE)}
    with tempfile.TemporaryDirectory(prefix="underpaint-upscaler-") as scratch:
        traced = Path(scratch) / "traced.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                upscaler,
                (torch.zeros(1, CHANNELS, SIDE, SIDE),),
                str(traced),
                input_names=[SMALL],
                output_names=[LARGE],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        taken = onnx.write_structure(traced, folder / GRAPH, least_bytes=0)
    assert taken.keys() <= upscaler.state_dict().keys(), f"{taken.keys()} are not all weights of the network"
