"""A network that makes a small drawing four times as large: what it adds to a sharpened interpolation.

The sharpened picture alone is the best that no learning gives. Between the darkest and the brightest of its neighbors
a value is pushed away from the middle, and the picture is corrected until its mean over each pixel is that pixel again:

    u ← clip(m + (1 + g w) (u - m), lo, hi);  u ← u + w ↑(x - ↓u),  m = (lo + hi) / 2

where ``w`` is 1 at edges and 0 where neighbors hardly differ, so that the grain of a drawing is not sharpened. This is
done to alpha and to color apart, each color being first continued to where nothing is seen: so an outline has the color
of what it bounds, and no dark seam.

The network sees it, and does all of its work but the last two convolutions at the size of the input. Outside of a
picture is nothing, as zero padding of premultiplied values says it.

Shapes: ``B`` batch, ``H W`` sides of the input in pixels, ``D`` width.

Source: back-projection, Irani and Peleg 1991, Improving resolution by image registration; normalized convolution,
Knutsson and Westin 1993; residual blocks without normalization, EDSR, arXiv 1707.02921; sub-pixel convolution, arXiv
1609.05158.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config

FACTOR = 4
"""How many times larger pictures become."""
ROUNDS, PUSH = 4, 0.5
"""How often the interpolation is sharpened and corrected, and how far it is pushed each time."""
FAINT, CLEAR = 0.1, 0.3
"""Differences of neighbors, of 1, below which there is no edge and above which there is one."""
CERTAINTY, FARTHER = 4, 0.03
"""Power of alpha that a color counts with for its neighbors, and how much those farther away count."""
TINY = 1e-12
CHANNELS = 4
SLOPE = 0.1
"""Slope of the leaky rectifier below zero."""


class UpscalerConfig(Config):
    """Settings of the upscaler.

    Args:
        width: Channels at the size of the input.
        blocks: Residual blocks there.
        fine_width: Channels at twice that size.
    """

    width: int = Field(default=32, ge=1)
    blocks: int = Field(default=4, ge=1)
    fine_width: int = Field(default=16, ge=1)


class Block(nn.Module):
    """Two 3x3 convolutions beside the identity; the second starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus what the convolutions add: ``[B, D, H, W]``."""
        return x + self.conv2(F.leaky_relu(self.conv1(x), SLOPE))


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Return a layer that gives nothing yet."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Upscaler(nn.Module):
    """The network; fresh, it adds nothing.

    Args:
        config: Its settings.
    """

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config = config
        width, fine = config.width, config.fine_width
        self.entry = nn.Conv2d(CHANNELS * (1 + FACTOR**2), width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(config.blocks)))
        self.widen = nn.Conv2d(width, fine * 4, 3, padding=1)
        self.refine = nn.Conv2d(fine, fine, 3, padding=1)
        self.leave = zeroed(nn.Conv2d(fine, CHANNELS * 4, 3, padding=1))

    @classmethod
    def from_config(cls, config: UpscalerConfig) -> Upscaler:
        """Build the network with fresh weights."""
        return cls(config)

    def forward(self, pictures: Tensor) -> Tensor:
        """Enlarge premultiplied pictures.

        Args:
            pictures: ``[B, 4, H, W]`` in [-1, 1].

        Returns:
            ``[B, 4, 4H, 4W]``, nominally in [-1, 1].
        """
        values = (pictures + 1.0) / 2.0
        sharp = unlearned(values)  # [B, 4, 4H, 4W]
        x = self.entry(torch.cat([values, F.pixel_unshuffle(sharp, FACTOR)], dim=1))  # [B, D, H, W]
        x = self.widen(self.blocks(x))  # [B, 4 fine, H, W]
        x = self.refine(F.pixel_shuffle(F.leaky_relu(x, SLOPE), 2))  # [B, fine, 2H, 2W]
        added = F.pixel_shuffle(self.leave(F.leaky_relu(x, SLOPE)), 2)  # [B, 4, 4H, 4W]
        return 2.0 * (sharp + added) - 1.0


def unlearned(values: Tensor) -> Tensor:
    """Enlarge premultiplied pictures ``[B, 4, H, W]`` in [0, 1] without the network: ``[B, 4, 4H, 4W]``."""
    alpha = sharpened(values[:, 3:]).clamp(0.0, 1.0)
    return torch.cat([sharpened(continued(values)).clamp(0.0, 1.0) * alpha, alpha], dim=1)


def continued(values: Tensor) -> Tensor:
    """Return colors that go on where nothing is seen, and are their neighbors' where little is seen.

    Args:
        values: ``[B, 4, H, W]`` premultiplied, in [0, 1].

    Returns:
        ``[B, 3, H, W]`` straight, in [0, 1].
    """
    color, alpha = values[:, :3], values[:, 3:]
    certain = alpha**CERTAINTY
    around = spread(color * certain) / (spread(alpha * certain) + TINY)
    doubt = (4.0 * (1.0 - alpha)).clamp(0.0, 1.0)
    return ((1.0 - doubt) * color / alpha.clamp(min=0.5) + doubt * around).clamp(0.0, 1.0)


def spread(values: Tensor) -> Tensor:
    """Return the mean of what lies around each pixel: ``[B, C, H, W]``; what is next to it counts far more."""
    near, far = (F.avg_pool2d(values, 2 * reach + 1, stride=1, padding=reach) for reach in (1, 3))
    return near + FARTHER * far


def sharpened(values: Tensor) -> Tensor:
    """Enlarge values ``[B, C, H, W]`` in [0, 1], pushed at edges and corrected: ``[B, C, 4H, 4W]``."""
    padded = F.pad(values, (1, 1, 1, 1), mode="replicate")
    high, low = (enlarged(sign * F.max_pool2d(sign * padded, 3, stride=1)) for sign in (1.0, -1.0))
    weight = edge_weight((high - low).amax(dim=1, keepdim=True))
    middle, large = (high + low) / 2.0, enlarged(values)
    for _ in range(ROUNDS):
        pushed = middle + (1.0 + PUSH * weight) * (large - middle)
        large = torch.minimum(torch.maximum(pushed, low), high)
        large = large + weight * enlarged(values - reduced(large))
    return large


def edge_weight(contrast: Tensor) -> Tensor:
    """Return how much of an edge there is, 0 to 1, where neighbors differ by ``contrast``."""
    share = ((contrast - FAINT) / (CLEAR - FAINT)).clamp(0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def enlarged(values: Tensor) -> Tensor:
    """Interpolate values ``[B, C, H, W]`` bilinearly: ``[B, C, 4H, 4W]``."""
    return F.interpolate(values, scale_factor=float(FACTOR), mode="bilinear", align_corners=False)


def reduced(values: Tensor) -> Tensor:
    """Return the mean of each square of 4x4 of values ``[B, C, 4H, 4W]``: ``[B, C, H, W]``."""
    return F.avg_pool2d(values, FACTOR)
