"""A linear map that multiplies 8-bit numbers: weights rounded once, inputs in every call, each row by its own scale.

Since a row of the input is rounded by itself, a picture does not depend on those that it is drawn with. Processors
without dot products of 8-bit numbers add pairs of products in 16 bits; with 7-bit weights no such sum overflows::

    2 x 255 x 63 = 32130 < 2^15,    but    2 x 255 x 127 = 64770

Source: integer arithmetic for inference, arXiv 1712.05877; a scale a row, ZeroQuant, arXiv 2206.01861.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from underpaint.models.rounded_weights import rounded_rows

ZERO = 128
"""What stands for zero in a rounded input, whose numbers have no sign."""
MOST = 127
FEWEST_ROWS = 32
"""Rows below which products of whole numbers are refused by GPUs; missing ones are filled up."""


class Int8Linear(nn.Module):
    """The map.

    Args:
        linear: What it stands for; its offset is shared.
        bits: Bits of a weight, 8 or 7.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear, bits: int = 8) -> None:
        super().__init__()
        weight, scale = rounded_rows(linear.weight, bits)
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.bias = linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._packed: tuple[Tensor, Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is packed for the processor, so that a copy packs its own."""
        return {**self.__dict__, "_packed": None}

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., n]`` to ``[..., m]``."""
        rows = x.reshape(-1, self.in_features).to(torch.float32)  # [R, n]
        step = rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-20) / MOST  # [R, 1]
        whole = (rows / step).round_()
        on_cpu = x.device.type == "cpu" and torch.backends.mkldnn.is_available()
        product = self._packed_product(whole) if on_cpu else plain_product(whole, self.weight) * self.scale
        y = product * step  # [R, m]
        y = y if self.bias is None else y + self.bias
        return y.to(x.dtype).view(*x.shape[:-1], self.out_features)

    def _packed_product(self, whole: Tensor) -> Tensor:
        """Return the product with the restored weight, by the kernel for processors."""
        if self._packed is None or self._packed[0] is not self.weight:
            packed = torch.ops.onednn.qlinear_prepack(self.weight, None)
            self._packed = (self.weight, packed)
        unsigned = (whole + ZERO).to(torch.uint8)
        zeros = torch.zeros_like(self.scale, dtype=torch.int32)
        rest = (None, 1.0, 0, torch.float32, "none", [], "")
        return torch.ops.onednn.qlinear_pointwise(unsigned, 1.0, ZERO, self._packed[1], self.scale, zeros, *rest)


def plain_product(whole: Tensor, weight: Tensor) -> Tensor:
    """Return the product of whole numbers ``[R, n]`` and a weight ``[m, n]`` int8 as ``[R, m]`` float32, exactly."""
    missing = max(FEWEST_ROWS - len(whole), 0)
    filled = torch.cat([whole, whole.new_zeros(missing, whole.shape[1])]) if missing else whole
    return torch.ops.aten._int_mm(filled.to(torch.int8), weight.t())[: len(whole)].to(torch.float32)
