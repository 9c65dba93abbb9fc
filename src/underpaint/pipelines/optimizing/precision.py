"""Networks whose layers hold or multiply fewer bits, all alike or each in a precision of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field
from torch import nn

from underpaint.core.config import Config
from underpaint.models.inner_layers import inner_convs, inner_linears
from underpaint.models.int8_linear import Int8Linear
from underpaint.models.rounded_weights import StoredConv2d, StoredLinear
from underpaint.models.twin import exchanged

Precision = Literal["int8", "int8_weights", "f16_weights", "f32"]
"""What a layer multiplies (``int8``), what it holds (``..._weights``), or that it stays as it is."""
Bits = Literal[7, 8]


class Int8Dynamic(Config):
    """Parameters of ``quant.int8_dynamic``.

    Args:
        weight_bits: Bits of a weight; 7 on x86 without VNNI.
    """

    weight_bits: Bits = 8


class WeightOnly(Config):
    """Parameters of ``quant.weight_only``.

    Args:
        precision: What the weights are stored in.
    """

    precision: Literal["int8_weights", "f16_weights"] = "int8_weights"


class Rule(Config):
    """A precision for some layers.

    Args:
        layers: Their names, with ``*`` for anything.
        precision: The precision.
    """

    layers: str = Field(min_length=1, max_length=300)
    precision: Precision


class Mixed(Config):
    """Parameters of ``quant.mixed``; the first rule whose names fit a layer holds for it.

    Args:
        rules: The rules.
        otherwise: What holds for layers inside blocks that no rule fits.
        weight_bits: As in ``Int8Dynamic``.
    """

    rules: tuple[Rule, ...] = ()
    otherwise: Precision = "f32"
    weight_bits: Bits = 8

    def of(self, name: str) -> Precision:
        """Return the precision of a layer."""
        for rule in self.rules:
            if fnmatchcase(name, rule.layers):
                return rule.precision
        return self.otherwise

    def unmatched(self, names: Sequence[str]) -> list[str]:
        """Return the names in rules that fit none of some layers."""
        return [rule.layers for rule in self.rules if not any(fnmatchcase(name, rule.layers) for name in names)]


def multiplied(network: nn.Module, params: Int8Dynamic) -> nn.Module:
    """Return a network whose inner linear maps multiply 8-bit numbers."""
    return exchanged(network, {n: Int8Linear(one, params.weight_bits) for n, one in inner_linears(network).items()})


def stored(network: nn.Module, params: WeightOnly) -> nn.Module:
    """Return a network whose inner linear maps and convolutions hold weights of fewer bits."""
    return mixed(network, Mixed(otherwise=params.precision))


def mixed(network: nn.Module, params: Mixed) -> nn.Module:
    """Return a network whose inner layers have a precision each; convolutions do not multiply 8-bit numbers."""
    parts: dict[str, nn.Module] = {}
    for name, linear in inner_linears(network).items():
        if make := LINEAR.get(params.of(name)):
            parts[name] = make(linear, params.weight_bits)
    for name, conv in inner_convs(network).items():
        if params.of(name) in STORED:
            parts[name] = StoredConv2d(conv, half=params.of(name) == "f16_weights")
    return exchanged(network, parts)


STORED = ("int8_weights", "f16_weights")
LINEAR: dict[str, Callable[[nn.Linear, int], nn.Module]] = {
    "int8": Int8Linear,
    "int8_weights": lambda linear, _bits: StoredLinear(linear),
    "f16_weights": lambda linear, _bits: StoredLinear(linear, half=True),
}
"""Precision to what makes a linear map of it."""
