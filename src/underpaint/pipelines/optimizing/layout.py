"""Weights of convolutions laid out pixel by pixel in memory, as the kernels that read pictures that way want them.

The numbers are the same; sums may be taken in another order, which changes their last bits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.twin import twin


class ChannelsLast(Config):
    """Parameters of ``layout.channels_last``: none."""


def channels_last(network: nn.Module, params: ChannelsLast) -> nn.Module:  # noqa: ARG001
    """Return a network whose convolutions have their weights laid out this way."""
    return twin(network, _laid_out)


def _laid_out(tensor: Tensor) -> Tensor:
    if tensor.ndim != 4:
        return tensor
    other = tensor.detach().contiguous(memory_format=torch.channels_last)
    return nn.Parameter(other, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else other
