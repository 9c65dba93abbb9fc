"""A residual block of grouped convolutions that trains without normalization, because it starts as the identity.

``x + W3 act(W2 * act(W1 x))`` with pointwise W1 and W3 and a grouped 3x3 convolution W2 between them. Of a network of
L such blocks, W1 and W2 start at ``L^(-1/4)`` of their usual size and W3 at zero, so that neither signals nor the first
updates grow with depth.

Shapes: ``B`` batch, ``C`` channels, ``H`` side.

Source: Fixup initialization, arXiv 1901.09321; the block, R3GAN, arXiv 2501.05441, section 3.
"""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from underpaint.core.config import Config

SLOPE = 0.2
"""Slope of the leaky rectifier below zero."""
SMALLEST = 4
"""Side of the smallest maps."""


def check_widths(widths: tuple[int, ...], blocks: tuple[int, ...], expansion: int, group_width: int) -> None:
    """Check that blocks can be built for every resolution.

    Args:
        widths: Channels at each resolution.
        blocks: Blocks at each resolution.
        expansion: Inner channels of a block by outer ones.
        group_width: Inner channels that a grouped convolution mixes.

    Raises:
        ValueError: A list is empty or shorter than the other, or inner channels do not divide into groups.
    """
    if not widths or len(widths) != len(blocks):
        raise ValueError(f"widths and blocks need one entry a resolution each, got {len(widths)} and {len(blocks)}")
    for width in widths:
        if width * expansion % group_width:
            raise ValueError(
                f"width {width} times expansion {expansion} must be a multiple of group_width {group_width}; "
                "choose another width"
            )


class FixupConfig(Config):
    """Settings of a network with such blocks at every resolution from 4 pixels to half the side of the picture.

    Args:
        widths: Channels at each resolution, in the order in which it is passed.
        blocks: Blocks at each of them.
        expansion: Inner channels of a block by outer ones.
        group_width: Inner channels that a grouped convolution mixes.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    expansion: int = 2
    group_width: int = 16

    @model_validator(mode="after")
    def _check_widths(self) -> Self:
        check_widths(self.widths, self.blocks, self.expansion, self.group_width)
        return self

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return SMALLEST * 2 ** len(self.widths)


def channels_last(x: Tensor) -> Tensor:
    """Lay ``[B, C, H, H]`` out pixel by pixel in memory, which grouped convolutions on a CPU read twice as fast."""
    return x.contiguous(memory_format=torch.channels_last)


class FixupBlock(nn.Module):
    """The block.

    Args:
        width: Channels outside.
        expansion: Inner channels by outer ones.
        group_width: Inner channels that the 3x3 convolution mixes.
        depth: Blocks of the whole network, L.
    """

    def __init__(self, width: int, expansion: int, group_width: int, depth: int) -> None:
        super().__init__()
        inner = width * expansion
        self.widen = nn.Conv2d(width, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group_width)
        self.narrow = nn.Conv2d(inner, width, 1, bias=False)
        with torch.no_grad():
            for layer in (self.widen, self.mix):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)
                layer.weight.mul_(depth**-0.25)
                layer.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]
            nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Transform ``[B, C, H, H]``."""
        inner = F.leaky_relu(self.widen(x), SLOPE)  # [B, expansion * C, H, H]
        inner = F.leaky_relu(self.mix(inner), SLOPE)
        return x + self.narrow(inner)  # [B, C, H, H]


class Pointwise(nn.Conv2d):
    """A linear 1x1 convolution that keeps the size of signals; it changes channels between resolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")


def entry_at(config: FixupConfig, index: int) -> Pointwise | None:
    """Return what changes the channels on the way to a resolution; None for the first.

    Args:
        config: The network's settings.
        index: Place of the resolution in ``config.widths``.
    """
    return Pointwise(config.widths[index - 1], config.widths[index]) if index else None


def blocks_at(config: FixupConfig, index: int) -> nn.Sequential:
    """Return the fresh blocks of a resolution.

    Args:
        config: The network's settings.
        index: Place of the resolution in ``config.widths``.
    """
    width, depth = config.widths[index], sum(config.blocks)
    return nn.Sequential(
        *(FixupBlock(width, config.expansion, config.group_width, depth) for _ in range(config.blocks[index]))
    )
