"""How each engine makes a graph in which some layer groups have 8 bits: one class an engine.

Every graph gives the scores of its choices besides the picture, so that it can be measured; the one that is kept is
written without them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from underpaint.adapters import onnx_nodes, onnx_offline, onnx_static, onnxruntime
from underpaint.pipelines.exported_folder import PICTURE
from underpaint.stages.optimize.export.groups import Groups, group_products, products_of

if TYPE_CHECKING:
    from underpaint.runtime.engine import Graph

Components = Mapping[str, Mapping[str, NDArray[np.float32]]]
Feed = Mapping[str, NDArray[Any]]
Feeds = Collection[Feed]


class Workshop(Protocol):
    """Makes graphs of one model for one engine."""

    method: str
    """How 8 bits are made, for the record."""
    groups: Groups

    def f32(self) -> Graph:
        """Return the graph in 32 bits."""
        ...

    def int8(self, chosen: frozenset[str]) -> Graph:
        """Return a graph in which these groups have 8 bits."""
        ...

    def finish(self, chosen: frozenset[str]) -> Path:
        """Write the graph in which these groups have 8 bits, with the picture alone; returns its file."""
        ...


class OnnxWorkshop:
    """Graphs for ONNX Runtime, with quantizers around products that it fuses with them.

    Args:
        scored: The traced graph, which gives its scores too.
        components: Weights by component, for the groups.
        scratch: A folder for files.
        feeds: Inputs of the pictures to calibrate with.
        weight_bits: Bits of a weight.
    """

    method = "onnx static"

    def __init__(
        self, scored: Path, components: Components, scratch: Path, feeds: Feeds, *, weight_bits: int = 7
    ) -> None:
        self._f32, self._scratch, self._bits = scratch / "scored-f32.onnx", scratch, weight_bits
        onnx_offline.optimize(scored, self._f32)
        self.groups = group_products(onnx_nodes.products(self._f32), components)
        self._ranges = onnx_static.find_ranges(self._f32, products_of(self.groups, frozenset(self.groups)), feeds)

    def f32(self) -> Graph:
        """Return the graph in 32 bits."""
        return onnxruntime.load_graph(self._f32, {}, threads=1, sha256=None)

    def _quantized(self, chosen: frozenset[str], name: str, outputs: tuple[str, ...] | None = None) -> Path:
        target = self._scratch / name
        products = products_of(self.groups, chosen)
        onnx_static.quantize(self._f32, target, products, self._ranges, weight_bits=self._bits)
        if outputs is not None:
            onnx_nodes.keep_outputs(target, target, outputs)
        onnx_offline.optimize(target, target, level="extended")
        return target

    def int8(self, chosen: frozenset[str]) -> Graph:
        """Return a graph in which these groups have 8 bits."""
        return onnxruntime.load_graph(self._quantized(chosen, "scored-int8.onnx"), {}, threads=1, sha256=None)

    def finish(self, chosen: frozenset[str]) -> Path:
        """Write the ONNX file in which these groups have 8 bits."""
        return self._quantized(chosen, "int8.onnx", (PICTURE,))


class OpenVinoWorkshop:
    """Graphs for OpenVINO, whose products have ranges that were found by calibration.

    Args:
        scored: The traced graph, which gives its scores too.
        components: Weights by component, for the groups.
        scratch: A folder for files.
        feeds: Inputs of the pictures to calibrate with.
        half: Whether weights that keep 32 bits may be stored in 16.
        weight_bits: Bits of a weight.
        bfloat16: Compute what has no 8 bits in bfloat16.
    """

    method = "nncf post-training, smoothed where a weight is used once"

    def __init__(
        self,
        scored: Path,
        components: Components,
        scratch: Path,
        feeds: Feeds,
        *,
        half: bool,
        weight_bits: int = 7,
        bfloat16: bool = False,
    ) -> None:
        from underpaint.adapters import nncf, openvino

        self._openvino, self._scratch, self._half, self._bfloat16 = openvino, scratch, half, bfloat16
        self._f32 = scratch / "scored-f32.xml"
        openvino.convert(scored, self._f32, half=False)
        self.groups = group_products(onnx_nodes.products(scored), components)
        products = products_of(self.groups, frozenset(self.groups))
        self._calibrated = nncf.calibrate(self._f32, products, feeds, seven_bits=weight_bits == 7)
        self._outputs = openvino.load_graph(self._f32, threads=1, cache=None).outputs

    def f32(self) -> Graph:
        """Return the graph in 32 bits."""
        return self._openvino.load_graph(self._f32, threads=1, cache=None)

    def int8(self, chosen: frozenset[str]) -> Graph:
        """Return a graph in which these groups have 8 bits."""
        path = self._scratch / "scored-int8.xml"
        products = products_of(self.groups, chosen)
        self._calibrated.write(path, products, outputs=self._outputs, half=self._half)
        return self._openvino.load_graph(path, threads=1, cache=None, bfloat16=self._bfloat16)

    def finish(self, chosen: frozenset[str]) -> Path:
        """Write the ``.xml`` in which these groups have 8 bits, and a ``.bin`` beside it."""
        path = self._scratch / "int8.xml"
        products = products_of(self.groups, chosen)
        self._calibrated.write(path, products, outputs=(PICTURE,), half=self._half)
        return path
