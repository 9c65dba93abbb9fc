"""The residual refiner: a small flow model for the detail that the tokens leave out.

It predicts the residual ``(z - f) / std`` from its noisy form, given what the transformer knew at each position. Fed
with zeros at ``t = 0`` it gives the mean (regression), the one-step form.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent, ``D`` width of the transformer.

Source: residual diffusion, HART, arXiv 2410.10812, section 3.3; data prediction, JiT, arXiv 2511.13720. That the head
sees its neighbors (depthwise convolution) is our own.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.attention import Norm, sinusoid

TIME_CHANNELS = 64


class ResidualConfig(Config):
    """Settings of the residual refiner.

    Args:
        kind: ``conv`` sees its neighbors through a depthwise 3x3 convolution, ``mlp`` does not.
        width: Width of the refiner.
        depth: Blocks.
        hidden_width: Width of the transformer whose states it reads.
        latent_channels: Channels of the latent.
    """

    kind: Literal["conv", "mlp"] = "conv"
    width: int = 192
    depth: int = 4
    hidden_width: int = 256
    latent_channels: int = 16


class RefinerBlock(nn.Module):
    """Depthwise 3x3 convolution (or nothing) and a modulated feed-forward.

    Args:
        width: Width of the refiner.
        kind: As in ``ResidualConfig``.
    """

    def __init__(self, width: int, kind: str) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width) if kind == "conv" else nn.Identity()
        self.norm = Norm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor, gate: Tensor) -> Tensor:
        """Transform ``[B, h, h, width]``, modulated by ``[B, 1, 1, width]`` each."""
        y = self.mix(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        y = self.norm(y) * (1.0 + scale) + shift
        return x + self.down(F.silu(self.up(y))) * (1.0 + gate)


class ResidualRefiner(nn.Module):
    """Predicts the clean residual from a noisy one."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.config = config
        c, w = config.latent_channels, config.width
        self.read_hidden = nn.Linear(config.hidden_width, w)
        self.read_latents = nn.Linear(3 * c, w)
        self.time = nn.Sequential(nn.Linear(TIME_CHANNELS, w), nn.SiLU(), nn.Linear(w, 3 * w))
        self.blocks = nn.ModuleList(RefinerBlock(w, config.kind) for _ in range(config.depth))
        self.norm = Norm(w)
        self.out = nn.Linear(w, c)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @classmethod
    def from_config(cls, config: ResidualConfig) -> ResidualRefiner:
        """Build the network with fresh weights."""
        return cls(config)

    def forward(self, x_t: Tensor, t: Tensor, hidden: Tensor, token: Tensor, f: Tensor) -> Tensor:
        """Predict the whitened residual.

        Args:
            x_t: Noisy residual ``[B, C, h, h]``.
            t: Times ``[B]`` in [0, 1].
            hidden: The transformer's states at the last scale ``[B, h * h, D]``.
            token: Vectors of the last scale's tokens ``[B, h * h, C]``.
            f: What the tokens say ``[B, C, h, h]``.

        Returns:
            ``[B, C, h, h]``.
        """
        side = x_t.shape[-1]
        latents = torch.cat([x_t.flatten(2).transpose(1, 2), f.flatten(2).transpose(1, 2), token], dim=-1)
        x = (self.read_latents(latents) + self.read_hidden(hidden)).unflatten(1, (side, side))  # [B, h, h, w]
        shift, scale, gate = self.time(sinusoid(t, TIME_CHANNELS))[:, None, None].chunk(3, dim=-1)
        for block in self.blocks:
            x = block(x, shift, scale, gate)
        return self.out(self.norm(x)).permute(0, 3, 1, 2)  # [B, C, h, h]
