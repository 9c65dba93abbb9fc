"""A linear map that multiplies 8-bit floating-point numbers, on GPUs that can: 4 bits of exponent, 3 of fraction.

Weights have a scale a row, inputs a scale a row that is found in every call. Elsewhere the same rounded numbers are
multiplied in 32 bits, so that what is drawn can be looked at on any machine.

Source: FP8 formats, arXiv 2209.05433.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FORMAT = torch.float8_e4m3fn
MOST = 448.0
"""The format's largest number."""


def rounded(x: Tensor) -> tuple[Tensor, Tensor]:
    """Round rows ``[R, n]`` to the format; returns them, and a scale a row ``[R, 1]`` float32."""
    values = x.detach().to(torch.float32)
    scale = values.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / MOST
    return (values / scale).to(FORMAT), scale


class Float8Linear(nn.Module):
    """The map; its weight lies in a buffer of bytes, since files of weights know no such format.

    Args:
        linear: What it stands for; its offset is shared.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scale = rounded(linear.weight)
        self.register_buffer("weight", weight.view(torch.uint8))
        self.register_buffer("scale", scale)
        self.bias = linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., n]`` to ``[..., m]``."""
        rows, step = rounded(x.reshape(-1, self.in_features))  # [R, n], [R, 1]
        weight = self.weight.view(FORMAT)
        if x.device.type == "cuda":
            scales = {"scale_a": step, "scale_b": self.scale.t()}
            y = torch.ops.aten._scaled_mm(rows, weight.t(), **scales, out_dtype=torch.bfloat16, use_fast_accum=True)
        else:
            y = F.linear(rows.to(torch.float32), weight.to(torch.float32)) * step * self.scale.t()
        y = y.to(x.dtype)
        return (y if self.bias is None else y + self.bias).view(*x.shape[:-1], self.out_features)
