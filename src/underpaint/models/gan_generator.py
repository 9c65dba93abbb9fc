"""A generator that draws a picture from noise, a caption and a style in one pass.

Noise and condition become one vector w. It weighs a learned basis of 4 x 4 maps, and at each resolution it scales the
channels; residual blocks without normalization and bilinear steps lead up to half the side of the picture. The last
step is taken with few channels, and one convolution writes the pixels.

Shapes: ``B`` batch, ``D`` width of the text, ``C`` channels, ``H`` side of the picture.

Source: R3GAN, arXiv 2501.05441, section 3; that w scales channels at each resolution is our own, after StyleGAN2,
arXiv 1912.04958.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.models.attention import Norm
from underpaint.models.fixup_block import SLOPE, SMALLEST, FixupConfig, Pointwise, blocks_at, channels_last, entry_at


class GanGeneratorConfig(FixupConfig):
    """Settings of the generator.

    Args:
        widths: Channels at sides 4, 8, 16 and so on, up to half the side of the picture.
        blocks: Blocks at each of them.
        expansion: Inner channels of a block by outer ones.
        group_width: Inner channels that a grouped convolution mixes.
        num_styles: Number of styles, "any" left out.
        text_width: Width of the pooled text.
        style_width: Width of the style embedding.
        noise_width: Width of the noise.
        condition_width: Width of w.
        pixel_width: Channels at the full side.
    """

    widths: tuple[int, ...] = (384, 256, 96, 48)
    blocks: tuple[int, ...] = (2, 1, 1, 1)
    num_styles: int
    text_width: int = 256
    style_width: int = 64
    noise_width: int = 64
    condition_width: int = 640
    pixel_width: int = 16


class GeneratorStage(nn.Module):
    """What happens at one resolution: channels are scaled by w, then blocks.

    Args:
        config: Settings of the generator.
        index: Place of the resolution in ``config.widths``.
    """

    def __init__(self, config: GanGeneratorConfig, index: int) -> None:
        super().__init__()
        self.enter = entry_at(config, index)
        self.gain = nn.Linear(config.condition_width, config.widths[index])
        self.blocks = blocks_at(config, index)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Double the side of ``[B, C, h, h]``, unless this is the first resolution, and draw on.

        Args:
            x: What the resolution before drew.
            w: ``[B, condition_width]``.
        """
        if self.enter is not None:
            x = F.interpolate(self.enter(x), scale_factor=2, mode="bilinear")  # [B, C', 2h, 2h]
        return self.blocks(x * (1.0 + self.gain(w))[:, :, None, None])


class GanGenerator(nn.Module):
    """Draws premultiplied pictures in one pass."""

    def __init__(self, config: GanGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        inputs, width = config.noise_width + config.text_width + config.style_width, config.condition_width
        self.norm = Norm(config.text_width)
        self.style_embedding = nn.Embedding(config.num_styles + 1, config.style_width)
        self.mapping = nn.Sequential(
            nn.Linear(inputs, width), nn.LeakyReLU(SLOPE), nn.Linear(width, width), nn.LeakyReLU(SLOPE)
        )
        self.weigh = nn.Linear(width, config.widths[0])
        self.basis = nn.Parameter(torch.randn(config.widths[0], SMALLEST, SMALLEST))
        self.stages = nn.ModuleList(GeneratorStage(config, index) for index in range(len(config.widths)))
        self.refine = Pointwise(config.widths[-1], config.pixel_width)
        self.write = nn.Conv2d(config.pixel_width, 4, 3, padding=1)
        for layer in (self.mapping[0], self.mapping[2], self.weigh, self.write):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_config(cls, config: GanGeneratorConfig) -> GanGenerator:
        """Build the network with fresh weights."""
        return cls(config)

    @property
    def any_style(self) -> int:
        """Row of the style embedding that stands for no style in particular."""
        return self.config.num_styles

    def forward(self, noise: Tensor, pooled: Tensor, style: Tensor) -> Tensor:
        """Draw pictures.

        Args:
            noise: Standard normal ``[B, noise_width]``; shorter vectors give more usual pictures.
            pooled: The captions as a whole ``[B, D]``.
            style: Rows of the style embedding ``[B]``.

        Returns:
            ``[B, 4, H, H]``, premultiplied, nominally in [-1, 1].
        """
        w = self.mapping(torch.cat([noise, self.norm(pooled), self.style_embedding(style)], dim=1))  # [B, D']
        x = channels_last(self.basis * self.weigh(w)[:, :, None, None])  # [B, C, 4, 4]
        for stage in self.stages:
            x = stage(x, w)
        x = F.interpolate(self.refine(x), scale_factor=2, mode="bilinear")  # [B, pixel_width, H, H]
        return self.write(F.leaky_relu(x, SLOPE)).contiguous()  # [B, 4, H, H]
