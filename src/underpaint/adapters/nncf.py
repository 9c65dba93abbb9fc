"""8-bit OpenVINO graphs by NNCF's post-training quantization: ranges found from real inputs, weights smoothed.

Quantized are the products that are asked for and nothing else. The ranges are found once; of the products, any part can
then go back to 32 bits without another calibration.

Source: SmoothQuant, arXiv 2211.10438.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from underpaint.adapters.openvino import ENGINE, import_engine, save
from underpaint.adapters.require import require

KINDS = ("MatMul", "Convolution", "GroupConvolution")
"""OpenVINO's products."""
SUFFIX = "/WithoutBiases"
"""OpenVINO splits a product with a bias in two; the product gets this after its name in the ONNX file."""
QUANTIZER = "FakeQuantize"


def import_tools() -> tuple[Any, Any]:
    """Import OpenVINO and NNCF without the package by which both report their use.

    Raises:
        MissingDependency: One of them is not installed.
    """
    openvino, nncf = import_engine(), require("nncf", extra="calibrate")
    nncf.set_log_level(logging.ERROR)
    return openvino, nncf


def _name(node: Any) -> str:
    """Return the name of a product in the ONNX file."""
    return node.get_friendly_name().removesuffix(SUFFIX)


def _products(model: Any) -> list[Any]:
    return [node for node in model.get_ops() if node.get_type_name() in KINDS]


def _folded(openvino: Any, source: Path) -> Any:
    """Read a graph and compute what does not depend on its inputs; it has half the nodes then."""
    model = openvino.Core().read_model(source)
    passes = require("openvino.passes", extra="openvino")
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)
    return model


def _left_alone(nncf: Any, model: Any, products: Collection[str]) -> Any:
    """Return what NNCF shall not touch: other products, and every other kind of operator."""
    names = [node.get_friendly_name() for node in _products(model) if _name(node) not in products]
    kinds = {node.get_type_name() for node in model.get_ops()} - {*KINDS, "Constant", "Parameter", "Result"}
    return nncf.IgnoredScope(names=names, types=sorted(kinds), validate=False)


class Calibrated:
    """A graph whose products have quantizers before them, on what goes in and on the weights.

    Args:
        openvino: The package.
        model: The graph.
    """

    def __init__(self, openvino: Any, model: Any) -> None:
        self._openvino, self._model = openvino, model

    def write(self, target: Path, products: Collection[str], *, outputs: Collection[str], half: bool) -> None:
        """Write the graph with a part of its products in 8 bits and the others in 32.

        Args:
            target: The ``.xml``; a ``.bin`` goes beside it.
            products: Names of the products to leave in 8 bits.
            outputs: Names of what the graph shall give.
            half: Whether other weights are stored as float16.

        Raises:
            StorageError: The graph cannot be written.
        """
        model = self._model.clone()
        for node in _products(model):
            if _name(node) not in products:
                _give_back(node)
        for result in model.get_results():
            if not result.input_value(0).get_names() & set(outputs):
                model.remove_result(result)
        offline = require("openvino._offline_transformations", extra="openvino")
        offline.compress_quantize_weights_transformation(model)
        save(self._openvino, model, target, half=half)


def _give_back(node: Any) -> None:
    """Lead the inputs of a product past their quantizers."""
    for entry in node.inputs():
        source = entry.get_source_output().get_node()
        if source.get_type_name() == QUANTIZER:
            entry.replace_source_output(source.input_value(0))


def calibrate(
    source: Path, products: Collection[str], feeds: Collection[Mapping[str, np.ndarray]], *, seven_bits: bool = True
) -> Calibrated:
    """Find the ranges of the inputs of products by running a graph.

    Weights use seven of their eight bits: processors without VNNI add pairs of products in 16 bits, which eight bits
    can overflow.

    Args:
        source: An f32 graph as ``openvino.convert`` writes it.
        products: Names of the products to quantize, by the ONNX file.
        feeds: Inputs to run it with.
        seven_bits: Whether weights leave a bit free; for comparison.

    Raises:
        MissingDependency: NNCF or OpenVINO is not installed.
        ArtifactError: The graph cannot be read, or cannot be run with these inputs.
    """
    openvino, nncf = import_tools()
    try:
        model = _folded(openvino, source)
        with contextlib.redirect_stdout(io.StringIO()):  # it draws bars there
            quantized = nncf.quantize(
                model,
                nncf.Dataset(feeds, dict),
                subset_size=len(feeds),
                model_type=nncf.ModelType.TRANSFORMER,
                target_device=nncf.TargetDevice.CPU,
                ignored_scope=_left_alone(nncf, model, products),
                advanced_parameters=_settings(nncf, seven_bits=seven_bits),
            )
    except RuntimeError as error:
        raise ENGINE.refusal(openvino.get_version(), source, error) from None
    return Calibrated(openvino, quantized)


def _settings(nncf: Any, *, seven_bits: bool) -> Any:
    return nncf.AdvancedQuantizationParameters(
        overflow_fix=nncf.OverflowFix.ENABLE if seven_bits else nncf.OverflowFix.DISABLE,
        disable_bias_correction=True,
        backend_params={"compress_weights": False},
    )
