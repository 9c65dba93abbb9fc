"""A discriminator that says how well a picture fits a caption and a style.

A picture becomes a vector, a caption with its style another, and the score is their product. So one look at a picture
judges it beside any number of captions. One convolution with few channels reads the pixels; from half their side on,
blocks follow as in the generator, in the opposite order.

Shapes: ``B`` batch, ``D`` width of the text, ``C`` channels, ``H`` side of the picture, ``F`` features.

Source: R3GAN, arXiv 2501.05441, section 3; the product, projection discriminator, arXiv 1802.05637.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.models.attention import Norm
from underpaint.models.fixup_block import SLOPE, SMALLEST, FixupConfig, Pointwise, blocks_at, channels_last, entry_at


class DiscriminatorConfig(FixupConfig):
    """Settings of the discriminator.

    Args:
        widths: Channels at half the side of the picture, a quarter, and so on down to side 4.
        blocks: Blocks at each of them.
        expansion: Inner channels of a block by outer ones.
        group_width: Inner channels that a grouped convolution mixes.
        num_styles: Number of styles, "any" left out.
        text_width: Width of the pooled text.
        style_width: Width of the style embedding.
        pixel_width: Channels at the full side.
        features: Width of the vectors whose product is the score.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    num_styles: int
    text_width: int = 256
    style_width: int = 64
    pixel_width: int = 8
    features: int = 256


class DiscriminatorStage(nn.Module):
    """What happens at one resolution: blocks on the channels that come from the one before.

    Args:
        config: Settings of the discriminator.
        index: Place of the resolution in ``config.widths``.
    """

    def __init__(self, config: DiscriminatorConfig, index: int) -> None:
        super().__init__()
        self.enter = entry_at(config, index)
        self.blocks = blocks_at(config, index)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the side of ``[B, C, h, h]``, unless this is the first resolution, and look."""
        if self.enter is not None:
            x = self.enter(F.avg_pool2d(x, 2))  # [B, C', h / 2, h / 2]
        return self.blocks(x)


class Discriminator(nn.Module):
    """Scores pictures beside captions; only differences of scores mean something."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        last, width = config.widths[-1], config.features
        self.read = nn.Conv2d(4, config.pixel_width, 3, padding=1)
        self.coarsen = Pointwise(config.pixel_width, config.widths[0])
        self.stages = nn.ModuleList(DiscriminatorStage(config, index) for index in range(len(config.widths)))
        self.basis = nn.Parameter(torch.randn(last, SMALLEST, SMALLEST) / SMALLEST)
        self.project = nn.Linear(last, width, bias=False)
        self.norm = Norm(config.text_width)
        self.style_embedding = nn.Embedding(config.num_styles + 1, config.style_width)
        self.ask = nn.Sequential(
            nn.Linear(config.text_width + config.style_width, width), nn.LeakyReLU(SLOPE), nn.Linear(width, width)
        )
        nn.init.kaiming_normal_(self.read.weight, a=SLOPE)
        nn.init.ones_(self.ask[2].bias)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_config(cls, config: DiscriminatorConfig) -> Discriminator:
        """Build the network with fresh weights."""
        return cls(config)

    def look(self, pictures: Tensor) -> Tensor:
        """Return what is seen in premultiplied pictures ``[B, 4, H, H]``: ``[B, F]``."""
        x = F.leaky_relu(self.read(channels_last(pictures)), SLOPE)  # [B, pixel_width, H, H]
        x = self.coarsen(F.avg_pool2d(x, 2))  # [B, C, H / 2, H / 2]
        for stage in self.stages:
            x = stage(x)
        return self.project((x * self.basis).sum(dim=(2, 3)))  # [B, F]

    def expect(self, pooled: Tensor, style: Tensor) -> Tensor:
        """Return what captions make one expect.

        Args:
            pooled: The captions as a whole ``[B, D]``.
            style: Rows of the style embedding ``[B]``.

        Returns:
            ``[B, F]``.
        """
        return self.ask(torch.cat([self.norm(pooled), self.style_embedding(style)], dim=1))

    def compare(self, seen: Tensor, expected: Tensor) -> Tensor:
        """Return scores ``[B]`` of what was seen beside what was expected, ``[B, F]`` both; higher fits better."""
        return (seen * expected).sum(dim=1) * self.config.features**-0.5

    def forward(self, pictures: Tensor, pooled: Tensor, style: Tensor) -> Tensor:
        """Score pictures beside captions; arguments and result are those of the three steps."""
        return self.compare(self.look(pictures), self.expect(pooled, style))
