"""A discriminator that judges a picture patch by patch, at two patch sizes, for training decoders only.

It sees premultiplied RGBA and nothing else. Its fine judgments see 20 x 20 pixels, its coarse ones 48 x 48: edges and
grain, and whether strokes go on. There is no normalization, so a picture's judgment does not depend on its batch.

Shapes: ``B`` batch, ``H`` side of the picture in pixels, ``P = (H / 4)^2 + (H / 8)^2`` patches.

Source: patch discriminator, pix2pix, arXiv 1611.07004, section 3.2.2.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config

SLOPE = 0.2
Count = Annotated[int, Field(ge=1)]


class PatchDiscriminatorConfig(Config):
    """Settings of the discriminator.

    Args:
        widths: Channels at 1/2, twice at 1/4, and at 1/8 of the picture's side.
    """

    widths: tuple[Count, Count, Count, Count] = (32, 64, 96, 128)


class _Convolution(nn.Conv2d):
    """A convolution whose weights fit the rectifier before it."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride=stride, padding=1)
        nn.init.kaiming_normal_(self.weight, a=SLOPE)
        nn.init.zeros_(self.bias)  # pyright: ignore[reportArgumentType]


class PatchDiscriminator(nn.Module):
    """Maps a picture to how real each of its patches looks."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c, d = config.widths
        self.fine = nn.Sequential(
            nn.PixelUnshuffle(2),
            _Convolution(16, a),
            nn.LeakyReLU(SLOPE),
            _Convolution(a, b, kernel=4, stride=2),
            nn.LeakyReLU(SLOPE),
            _Convolution(b, c),
            nn.LeakyReLU(SLOPE),
        )
        self.coarse = nn.Sequential(
            _Convolution(c, d, kernel=4, stride=2),
            nn.LeakyReLU(SLOPE),
            _Convolution(d, d),
            nn.LeakyReLU(SLOPE),
        )
        self.judge_fine, self.judge_coarse = nn.Conv2d(c, 1, 1), nn.Conv2d(d, 1, 1)

    @classmethod
    def from_config(cls, config: PatchDiscriminatorConfig) -> PatchDiscriminator:
        """Build the network with fresh weights."""
        return cls(config)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map premultiplied pictures ``[B, 4, H, H]`` in [-1, 1] to logits ``[B, P]``; larger looks more real."""
        fine = self.fine(pictures.contiguous(memory_format=torch.channels_last))
        coarse = self.coarse(fine)
        logits = [self.judge_fine(fine).flatten(1), self.judge_coarse(coarse).flatten(1)]
        return torch.cat(logits, dim=1)  # [B, P]


def judge_only(discriminator: PatchDiscriminator, pictures: Tensor) -> Tensor:
    """Return the logits ``[B, P]`` so that gradients reach the pictures and not the discriminator's weights."""
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
    return torch.func.functional_call(discriminator, frozen, (pictures,))


def relativistic_loss(winner: Tensor, loser: Tensor) -> Tensor:
    """Return how far one side is from being judged more real than the other, patch by patch, averaged.

    The discriminator wants the real picture to win, the decoder its own. Both patches show the same place of the same
    picture, so that what is drawn cancels and how it is drawn remains.

    Args:
        winner: Logits ``[B, P]`` of the side that shall win.
        loser: Logits ``[B, P]`` of the other side.

    Source: relativistic pairing, R3GAN, arXiv 2501.05441, equation 2.
    """
    return F.softplus((loser - winner).to(torch.float32)).mean()


def gradient_penalty(discriminator: PatchDiscriminator, real: Tensor) -> Tensor:
    """Return the squared gradient of the judgments on real pictures, per patch (R1).

    Args:
        discriminator: The network; the penalty can be differentiated by its weights.
        real: ``[B, 4, H, H]``.

    Source: R1, arXiv 1801.04406, equation 9.
    """
    pictures = real.detach().requires_grad_()
    logits = discriminator(pictures)
    (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.square().sum() / logits.numel()
