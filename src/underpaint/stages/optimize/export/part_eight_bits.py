"""A traced network in 8 bits, with ranges that were found by running it: one way an engine.

Which error is bearable is not decided here: that is a question to pictures, which a gate answers.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from underpaint.adapters import onnx_nodes, onnx_offline, onnx_static
from underpaint.core.errors import InputError
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.network_graph import write_traced

if TYPE_CHECKING:
    from underpaint.adapters.nncf import Calibrated

Feed = Mapping[str, NDArray[Any]]
LARGEST_ONNX = 2**31
"""Bytes that an ONNX file can hold without others beside it."""


def write_eight_bits(
    traced: Path,
    products: Collection[str],
    feeds: Sequence[Feed],
    engine: EngineName,
    place: Path,
    *,
    outputs: Collection[str],
    weight_bits: int,
) -> None:
    """Write a traced network with products in 8 bits.

    Args:
        traced: A complete ONNX file.
        products: Names of the products.
        feeds: Inputs to find the ranges with, at least one.
        engine: What shall run it.
        place: The folder.
        outputs: Names of what the graph gives.
        weight_bits: 7 or 8; see ``adapters.nncf`` and ``adapters.onnx_static``.

    Raises:
        InputError: It is too large for this engine's way.
        MissingDependency: What quantizes is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="underpaint-int8-") as scratch:
        if engine == "openvino":
            calibrated = _openvino(traced, products, feeds, Path(scratch), weight_bits)
            calibrated.write(place / "model.xml", products, outputs=outputs, half=False)
        else:
            write_traced(_onnx(traced, products, feeds, Path(scratch), weight_bits), "onnx", place)


def _openvino(
    traced: Path, products: Collection[str], feeds: Sequence[Feed], scratch: Path, weight_bits: int
) -> Calibrated:
    from underpaint.adapters import nncf, openvino

    f32 = scratch / "f32.xml"
    openvino.convert(traced, f32, half=False)
    return nncf.calibrate(f32, products, feeds, seven_bits=weight_bits == 7)


def _onnx(traced: Path, products: Collection[str], feeds: Sequence[Feed], scratch: Path, weight_bits: int) -> Path:
    if sum(one.stat().st_size for one in traced.parent.iterdir()) >= LARGEST_ONNX:
        raise InputError("ONNX cannot hold a network of 2 GB while it is quantized; take engine.openvino, or f32")
    f32, int8 = scratch / "f32.onnx", scratch / "int8.onnx"
    onnx_offline.optimize(traced, f32)
    kept = {*onnx_nodes.products(f32)} & {*products}
    alike = most_alike(feeds)
    shapes = {name: array.shape for name, array in alike[0].items()}
    ranges = onnx_static.find_ranges(f32, kept, alike, shapes)
    onnx_static.quantize(f32, int8, kept, ranges, weight_bits=weight_bits)
    onnx_offline.optimize(int8, int8, level="extended")
    return int8


def most_alike(feeds: Sequence[Feed]) -> list[Feed]:
    """Return the feeds of the shapes that most of them have: a session has one shape, and a range all of them."""
    shapes = [tuple((name, np.shape(array)) for name, array in feed.items()) for feed in feeds]
    ((most, _),) = Counter(shapes).most_common(1)
    return [feed for feed, shape in zip(feeds, shapes, strict=True) if shape == most]
