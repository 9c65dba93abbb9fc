"""What pays on a GPU: 8-bit floating-point products, and networks that lie in main memory while they are not needed."""

from __future__ import annotations

from torch import nn

from underpaint.core.config import Config
from underpaint.models.float8_linear import Float8Linear
from underpaint.models.inner_layers import inner_linears
from underpaint.models.offloaded import Offloaded
from underpaint.models.twin import exchanged

DECODER = "decoder"
"""The part of an autoencoder that draws; the rest of it is small and read for its settings."""


class Float8(Config):
    """Parameters of ``quant.fp8``: none."""


class Offload(Config):
    """Parameters of ``memory.offload``: none."""


def in_float8(network: nn.Module, params: Float8) -> nn.Module:  # noqa: ARG001
    """Return a network whose inner linear maps multiply 8-bit floating-point numbers."""
    return exchanged(network, {name: Float8Linear(one) for name, one in inner_linears(network).items()})


def offloaded(network: nn.Module, params: Offload) -> nn.Module:  # noqa: ARG001
    """Return a network that lies in main memory; of an autoencoder its decoder."""
    decoder = getattr(network, DECODER, None)
    if isinstance(decoder, nn.Module):
        return exchanged(network, {DECODER: Offloaded(decoder)})
    return Offloaded(network)
