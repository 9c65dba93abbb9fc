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
SMALLEST = 1e-20
"""Stands for the largest number of a row of zeros."""
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
        self._packed: tuple[Tensor, Tensor, Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is packed for the processor, so that a copy packs its own."""
        return {**self.__dict__, "_packed": None}

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., n]`` to ``[..., m]``."""
        rows = x.reshape(-1, self.in_features).to(torch.float32)  # [R, n]
        step = rows.abs().amax(dim=1, keepdim=True).clamp_min_(SMALLEST).div_(MOST)  # [R, 1]
        on_cpu = x.device.type == "cpu" and torch.backends.mkldnn.is_available()
        product = self.packed_product(rows, step) if on_cpu else self.plain_product(rows, step)  # [R, m]
        y = product * step if self.bias is None else torch.addcmul(self.bias, product, step)
        return y.to(x.dtype).view(*x.shape[:-1], self.out_features)

    def packed_product(self, rows: Tensor, step: Tensor) -> Tensor:
        """Multiply rounded rows with the restored weight, by the kernel for processors.

        Few operations matter as much as the product: the numbers are rounded as they lose their fractions.

        Args:
            rows: ``[R, n]`` float32.
            step: What one stands for in each row ``[R, 1]``.
        """
        if self._packed is None or self._packed[0] is not self.weight:
            packed = torch.ops.onednn.qlinear_prepack(self.weight, None)
            self._packed = (self.weight, packed, torch.zeros_like(self.scale, dtype=torch.int32))
        _, packed, zeros = self._packed
        unsigned = rows.mul(step.reciprocal()).add_(ZERO + 0.5).to(torch.uint8)
        rest = (None, 1.0, 0, torch.float32, "none", [], "")
        return torch.ops.onednn.qlinear_pointwise(unsigned, 1.0, ZERO, packed, self.scale, zeros, *rest)

    def plain_product(self, rows: Tensor, step: Tensor) -> Tensor:
        """Multiply the same by the kernel that all devices have; see ``packed_product``."""
        whole = torch.floor(rows / step + 0.5)
        missing = max(FEWEST_ROWS - len(whole), 0)
        filled = torch.cat([whole, whole.new_zeros(missing, whole.shape[1])]) if missing else whole
        product = torch.ops.aten._int_mm(filled.to(torch.int8), self.weight.t())[: len(whole)]
        return product.to(torch.float32) * self.scale
