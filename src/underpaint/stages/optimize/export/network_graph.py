"""One network of a pipeline of diffusers as a graph: traced as the pipeline calls it, written for an engine."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from underpaint.adapters import onnx
from underpaint.adapters.diffusers.calls import Call, answered, entry_of
from underpaint.adapters.diffusers.loading import first_line
from underpaint.adapters.onnxruntime import open_dimension
from underpaint.core.errors import InputError
from underpaint.pipelines.loop import LOOP_WEIGHTS
from underpaint.runtime.engine import EngineName
from underpaint.runtime.weights import write_weights
from underpaint.stages.optimize.export.respelling import Respelling
from underpaint.stages.optimize.export.tracing import OPSET
from underpaint.stages.optimize.export.ways import Way


class CalledNetwork(nn.Module):
    """A network as a function of the tensors of one call.

    Args:
        network: The network.
        entry: The method by which it is called.
        call: What else it is told.
    """

    def __init__(self, network: nn.Module, entry: str, call: Call) -> None:
        super().__init__()
        self.network = network
        self._entry, self._call, self._paths = entry, call, tuple(call.tensors)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the tensors of the answer in the order of their paths."""
        torch._C._jit_set_onnx_log_enabled(False)  # torch switches it on, and then prints whole graphs
        bound = self._call.with_tensors(dict(zip(self._paths, tensors, strict=True)))
        return tuple(answered(getattr(self.network, self._entry)(*bound.args, **bound.kwargs)).values())


def trace_network(network: nn.Module, way: Way, target: Path) -> None:
    """Write a network as an ONNX file whose inputs and outputs are named by their paths.

    Args:
        network: On the CPU, in 32 bits.
        way: How it is called.
        target: The file; beyond 2 GB the weights lie beside it.

    Raises:
        InputError: It has operations that no graph knows.
    """
    trace_called(CalledNetwork(network, entry_of(way.network), way.call), way, target)


@torch.inference_mode()
def trace_called(
    module: CalledNetwork, way: Way, target: Path, extra: Mapping[str, Tensor] | None = None, gives: Sequence[str] = ()
) -> None:
    """Write a called network as an ONNX file.

    Args:
        module: The network as a function.
        way: How it is called.
        target: The file; beyond 2 GB the weights lie beside it.
        extra: Further inputs by path, open where the first axis of the call's own is.
        gives: Paths of further outputs.

    Raises:
        InputError: It has operations that no graph knows.
    """
    given = {**way.call.tensors, **(extra or {})}
    axes = {**way.open, **(dict.fromkeys(extra, (0,)) if extra and way.open else {})}
    open_names = {path: {axis: open_dimension(path, axis) for axis in found} for path, found in axes.items()}
    module.eval()
    with warnings.catch_warnings(), Respelling():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                module,
                tuple(given.values()),
                str(target),
                input_names=list(given),
                output_names=[*way.call.answers, *gives],
                dynamic_axes=open_names,
                opset_version=OPSET,
                dynamo=False,
            )
        except (torch.onnx.OnnxExporterError, RuntimeError, TypeError, ValueError) as error:
            kind = type(module.network).__name__
            raise InputError(
                f"the {way.network} ({kind}) cannot be written as a graph ({first_line(error)}); "
                "draw with the model as it is, by torch"
            ) from None


def write_network(network: nn.Module, way: Way, engine: EngineName, place: Path) -> None:
    """Write a network's graph and weights for an engine.

    Args:
        network: On the CPU, in 32 bits.
        way: How it is called.
        engine: What shall run it.
        place: The new folder.

    Raises:
        InputError: It has operations that no graph knows.
    """
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".traced-") as scratch:
        traced = Path(scratch) / "traced.onnx"
        trace_network(network, way, traced)
        write_traced(traced, engine, place)


def write_traced(traced: Path, engine: EngineName, place: Path) -> None:
    """Write a traced graph and its weights for an engine.

    Args:
        traced: A complete ONNX file.
        engine: What shall run it.
        place: The folder.
    """
    if engine == "openvino":
        from underpaint.adapters import openvino

        openvino.convert(traced, place / "model.xml", half=False)
        return
    arrays = onnx.write_structure(traced, place / "model.onnx")
    write_weights(place / LOOP_WEIGHTS, {name: torch.from_numpy(smallest(array)) for name, array in arrays.items()})


def smallest(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in half precision where that rounds nothing, as with weights that were saved in it."""
    if array.dtype != np.float32:
        return array.copy()
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array.copy()
