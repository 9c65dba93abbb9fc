"""Weights in 8 bits or fewer: rows of whole numbers with one scale each, and layers that hold them.

A row ``w`` becomes ``q = round(w / s)`` with ``s = max |w| / (2^(b-1) - 1)``, so that zero stays zero and no number is
cut off. These layers multiply with ``q s`` in the precision of their inputs: a quarter of the memory, no time saved.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rounded_rows(weight: Tensor, bits: int = 8) -> tuple[Tensor, Tensor]:
    """Round the rows of a weight.

    Args:
        weight: ``[m, ...]``, floating point.
        bits: Bits of the result's numbers, 2 to 8, the sign included.

    Returns:
        Whole numbers ``[m, ...]`` int8, and a scale a row ``[m]`` float32.
    """
    most = 2 ** (bits - 1) - 1
    values = weight.detach().to(torch.float32)
    scale = values.flatten(1).abs().amax(dim=1) / most
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    rounded = (values / per_row(scale, values)).round_().clamp_(-most, most)
    return rounded.to(torch.int8), scale


def per_row(scale: Tensor, weight: Tensor) -> Tensor:
    """Return a scale a row, ``[m]``, in a shape that multiplies a weight ``[m, ...]``."""
    return scale.view(-1, *[1] * (weight.ndim - 1))


class StoredLayer(nn.Module):
    """A layer whose weight is stored in fewer bits than it is used in.

    Args:
        layer: The layer that it stands for; its offset is shared.
        half: Store float16 rather than 8 bits.
    """

    weight: Tensor
    scale: Tensor | None

    def __init__(self, layer: nn.Linear | nn.Conv2d, *, half: bool = False) -> None:
        super().__init__()
        weight, scale = (layer.weight.detach().to(torch.float16), None) if half else rounded_rows(layer.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.bias = layer.bias

    def restored(self, dtype: torch.dtype) -> Tensor:
        """Return the weight in the precision that it is used in."""
        weight = self.weight.to(dtype)
        return weight if self.scale is None else weight * per_row(self.scale.to(dtype), weight)


class StoredLinear(StoredLayer):
    """A linear map with a stored weight.

    Args:
        layer: See ``StoredLayer``.
        half: See ``StoredLayer``.
    """

    def __init__(self, layer: nn.Linear, *, half: bool = False) -> None:
        super().__init__(layer, half=half)
        self.in_features, self.out_features = layer.in_features, layer.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., n]`` to ``[..., m]``."""
        return F.linear(x, self.restored(x.dtype), self.bias)


class StoredConv2d(StoredLayer):
    """A convolution with a stored weight.

    Args:
        layer: See ``StoredLayer``; padded with zeros.
        half: See ``StoredLayer``.
    """

    def __init__(self, layer: nn.Conv2d, *, half: bool = False) -> None:
        super().__init__(layer, half=half)
        self.stride, self.padding, self.dilation = layer.stride, layer.padding, layer.dilation
        self.groups, self.in_channels, self.out_channels = layer.groups, layer.in_channels, layer.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, n, H, W]`` to ``[B, m, H', W']``."""
        weight = self.restored(x.dtype)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
