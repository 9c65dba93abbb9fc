"""Parameters of the graphs that stand for networks: how many bits they compute with, and what these are fitted to."""

from __future__ import annotations

from typing import Any, NoReturn

from pydantic import Field

from underpaint.core.config import Config, is_zero
from underpaint.core.errors import InputError
from underpaint.pipelines.exported_folder import Precision
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.precision import Bits

CALIBRATION = 16
"""Prompts by default, and the fewest: the pictures of one look alike, and so do the numbers inside the network."""


class Int8Static(Config):
    """Parameters of ``quant.int8_static``.

    Args:
        calibration: Different prompts whose pictures the ranges of numbers are found with.
        weight_bits: Bits of a weight; 7 on x86 without VNNI.
    """

    calibration: int = Field(default=CALIBRATION, ge=1, le=10_000)
    weight_bits: Bits = 7


class GraphEngine(Int8Static):
    """Parameters of ``engine.onnx`` and ``engine.openvino``.

    Args:
        precision: Of the arithmetic; ``int8`` quantizes products inside blocks, their weights and what goes into them.
            ``bf16`` and ``int8_bf16`` compute the rest in bfloat16, in ``engine.openvino``; on a processor that does
            not multiply it itself, in 32 bits.
        calibration: For 8 bits, as in ``Int8Static``.
        weight_bits: For 8 bits, as in ``Int8Static``.
        native: Lay the channels of convolutions out for this machine's kind of processor, the only one that then runs
            the graph; for a whole drawing of ours in ``engine.onnx``.
    """

    precision: Precision = "f32"
    native: bool = Field(default=False, exclude_if=is_zero)


def never(pipeline: Pipeline, slot: str, params: Any) -> NoReturn:  # noqa: ARG001
    """Refuse to make a graph of parameters alone: it is traced and written once, and then lies in a folder.

    Raises:
        InputError: Always.
    """
    raise InputError(
        "a graph is made by applying a recipe, or opened from the folder of a model that was saved with it"
    )
