"""Pictures as tensors: premultiplied RGBA in [-1, 1], and straight 8-bit RGBA at the file's edge.

A picture tensor is ``[B, 4, H, W]`` and holds (a R, a G, a B, a), each mapped from [0, 1] to [-1, 1]; a transparent
pixel is -1 in all four channels. Resizing and blending are linear only in this form.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def from_straight(pixels: Tensor) -> Tensor:
    """Convert straight 8-bit RGBA to the premultiplied form.

    Args:
        pixels: ``[B, H, W, 4]`` uint8, straight alpha.

    Returns:
        ``[B, 4, H, W]`` float32 in [-1, 1].
    """
    values = pixels.to(torch.float32) / 255.0
    alpha = values[..., 3:]
    premultiplied = torch.cat([values[..., :3] * alpha, alpha], dim=-1)
    return premultiplied.permute(0, 3, 1, 2) * 2.0 - 1.0  # [B, 4, H, W]


def to_straight_levels(pictures: Tensor) -> Tensor:
    """Convert premultiplied pictures to straight 8-bit RGBA, cleaning up what no picture can hold.

    Alpha is clamped to [0, 1] and color to [0, alpha]; where alpha rounds to zero all four become zero.

    Args:
        pictures: ``[B, 4, H, W]``, nominally in [-1, 1].

    Returns:
        ``[B, H, W, 4]`` uint8, straight alpha.
    """
    values = (pictures.to(torch.float32) + 1.0) / 2.0
    alpha = values[:, 3:].clamp(0.0, 1.0)
    alpha = torch.where(alpha < 0.5 / 255.0, torch.zeros_like(alpha), alpha)
    color = torch.minimum(values[:, :3].clamp_min(0.0), alpha)
    straight = torch.where(alpha > 0, color / alpha.clamp_min(0.5 / 255.0), torch.zeros_like(color))
    rgba = torch.cat([straight, alpha], dim=1).permute(0, 2, 3, 1)  # [B, H, W, 4]
    return (rgba * 255.0).round().to(torch.uint8)


def to_straight(pictures: Tensor) -> np.ndarray:
    """Convert premultiplied pictures to straight 8-bit RGBA as an array; see ``to_straight_levels``."""
    return to_straight_levels(pictures).cpu().numpy()


def composite(pictures: Tensor, background: Tensor) -> Tensor:
    """Flatten premultiplied pictures on one flat color each.

    Args:
        pictures: ``[B, 4, H, W]`` in [-1, 1].
        background: ``[B, 3]`` in [0, 1].

    Returns:
        ``[B, 3, H, W]`` in [0, 1] for valid pictures; linear in both arguments' products.
    """
    values = (pictures + 1.0) / 2.0
    return values[:, :3] + (1.0 - values[:, 3:]) * background[:, :, None, None]
