"""What an evaluator is shown of a picture while it learns: moved, turned, recolored or damaged.

Turning and scaling blur a little, and damage must stay visible to the features; so most pictures are moved by whole
pixels only, and those that are damaged on purpose teach how much, not what they show.

Shapes: ``B`` pictures, ``H`` side.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from underpaint.runtime.draws import rand, randint

STRONGEST = (4.0, 5.0, 40.0, 4.0)
WEAKEST = (0.3, 95.0, 3.0, 1.25)
"""The range of each kind of damage: sigma of the blur in pixels, JPEG quality, sigma of the noise in 8-bit levels, and
how many times fewer pixels a side. Severity 0 to 1 runs from weakest to strongest on a logarithmic scale."""


def warp(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Turn by up to 12 degrees, scale by 0.8 to 1.12 and move by up to a sixteenth; ``[B, 4, H, H]`` premultiplied."""
    draws = rand((4, len(pictures)), generator, pictures.device) * 2.0 - 1.0
    angle, zoom = draws[0] * math.radians(12.0), 1.0 / (0.96 + 0.16 * draws[1])
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    rows = [torch.stack([cos, -sin, draws[2] / 8.0], dim=1), torch.stack([sin, cos, draws[3] / 8.0], dim=1)]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures + 1.0, grid, mode="bicubic", align_corners=False) - 1.0
    return moved.clamp(-1.0, 1.0)


def recolor(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Permute the color channels of ``[B, 3, H, H]`` and fade towards gray, by half a chance completely."""
    device = rgb.device
    orders = torch.argsort(rand((len(rgb), 3), generator, device), dim=1)
    mixed = rgb.gather(1, orders[:, :, None, None].expand_as(rgb))
    gray = rgb.mul(rgb.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True)
    keep = (rand((len(rgb), 1, 1, 1), generator, device) * 2.0 - 1.0).clamp_min(0.0)
    return gray + keep * (mixed - gray)


def blur(rgb: Tensor, sigma: float) -> Tensor:
    """Blur ``[B, 3, H, H]`` with a Gaussian of ``sigma`` pixels; beyond the border the picture repeats its edge."""
    reach = max(1, math.ceil(3.0 * sigma))
    axis = torch.arange(-reach, reach + 1, dtype=rgb.dtype, device=rgb.device)
    kernel = torch.exp(-0.5 * (axis / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    padded = F.pad(rgb, (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[:, :, None], groups=3), kernel[:, :, :, None], groups=3)


def jpeg(rgb: Tensor, quality: int) -> Tensor:
    """Store ``[B, 3, H, H]`` in [-1, 1] as JPEG and read it again."""
    levels = ((rgb + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    read = torch.from_numpy(np.stack([_through_jpeg(picture, quality) for picture in levels]))
    return (read.permute(0, 3, 1, 2).to(rgb.dtype) / 127.5 - 1.0).to(rgb.device)


def _through_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(picture, "RGB").save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.asarray(image)


def add_noise(rgb: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of ``sigma`` 8-bit levels to ``[B, 3, H, H]`` in [-1, 1]."""
    noise = torch.randn(*rgb.shape, generator=generator).to(rgb.device)
    return (rgb + noise * sigma / 127.5).clamp(-1.0, 1.0)


def lose_resolution(rgb: Tensor, factor: float) -> Tensor:
    """Make ``[B, 3, H, H]`` smaller by a factor and large again."""
    size = rgb.shape[-1]
    small = F.interpolate(rgb, size=max(2, round(size / factor)), mode="bicubic", antialias=True)
    return F.interpolate(small, size=size, mode="bicubic").clamp(-1.0, 1.0)


def damage(rgb: Tensor, kind: int, severity: float, generator: torch.Generator) -> Tensor:
    """Damage ``[B, 3, H, H]`` in [-1, 1] in one way.

    Args:
        rgb: The pictures.
        kind: 0 blur, 1 JPEG, 2 noise, 3 resolution.
        severity: 0 to 1; see ``STRONGEST``.
        generator: Draws the noise.
    """
    level = WEAKEST[kind] * (STRONGEST[kind] / WEAKEST[kind]) ** severity
    if kind == 0:
        return blur(rgb, level)
    if kind == 1:
        return jpeg(rgb, round(level))
    return add_noise(rgb, level, generator) if kind == 2 else lose_resolution(rgb, level)


def damage_each(rgb: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Damage each of ``[B, 3, H, H]`` in a way of its own.

    Returns:
        The pictures, and ``[B, 4]``: at its kind ``0.1 + 0.9 * severity``, 0 elsewhere.
    """
    kinds = randint(len(STRONGEST), (len(rgb),), generator, rgb.device)
    severities = rand((len(rgb),), generator, rgb.device)
    target = torch.zeros(len(rgb), len(STRONGEST), device=rgb.device)
    target[torch.arange(len(rgb), device=rgb.device), kinds] = 0.1 + 0.9 * severities
    pictures = [
        damage(picture[None], kind, severity, generator)
        for picture, kind, severity in zip(rgb, kinds.tolist(), severities.tolist(), strict=True)
    ]
    return torch.cat(pictures) if pictures else rgb, target
