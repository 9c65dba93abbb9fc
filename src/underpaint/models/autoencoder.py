"""The RGBA autoencoder: pictures to an 8 times smaller, 16-channel latent and back.

Shapes: ``B`` batch, ``H`` side of the picture in pixels, ``h = H / 8`` side of the latent, ``C`` latent channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config, is_none

DOWNSAMPLING = 8


class AutoencoderConfig(Config):
    """Settings of the autoencoder.

    Args:
        widths: Channels at 1/2, 1/4 and 1/8 of the picture's side.
        latent_channels: Channels of the latent.
        decoder_widths: Channels of a decoder that is smaller than the encoder; None for the same.
    """

    widths: tuple[int, int, int] = (48, 96, 128)
    latent_channels: int = 16
    decoder_widths: tuple[int, int, int] | None = Field(default=None, exclude_if=is_none)


class ResidualBlock(nn.Module):
    """Two normalized 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus what the two convolutions add; same shape."""
        y = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(y)))


class Upsample(nn.Module):
    """Double the side by sub-pixel convolution (Source: arXiv 1609.05158)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels * 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, in, s, s]`` to ``[B, out, 2s, 2s]``."""
        return F.pixel_shuffle(self.conv(x), 2)


class Autoencoder(nn.Module):
    """Encoder and decoder with normalized latents.

    The latent is normalized per channel (batch statistics while training, running ones afterwards), so that the
    quantizer and every latent generator see unit variance. Runs in channels-last memory format.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(16, a, 3, padding=1),
            ResidualBlock(a),
            nn.Conv2d(a, b, 3, stride=2, padding=1),
            ResidualBlock(b),
            nn.Conv2d(b, c, 3, stride=2, padding=1),
            ResidualBlock(c),
            ResidualBlock(c),
            nn.GroupNorm(8, c),
            nn.SiLU(),
            nn.Conv2d(c, config.latent_channels, 1),
        )
        self.normalize = nn.BatchNorm2d(config.latent_channels, affine=False, momentum=0.02)
        a, b, c = config.decoder_widths or config.widths
        self.decoder = nn.Sequential(
            nn.Conv2d(config.latent_channels, c, 3, padding=1),
            ResidualBlock(c),
            ResidualBlock(c),
            Upsample(c, b),
            ResidualBlock(b),
            Upsample(b, a),
            ResidualBlock(a),
            nn.GroupNorm(8, a),
            nn.SiLU(),
            nn.Conv2d(a, 16, 3, padding=1),
            nn.PixelShuffle(2),
        )

    @classmethod
    def from_config(cls, config: AutoencoderConfig) -> Autoencoder:
        """Build the network with fresh weights."""
        return cls(config)

    def encode(self, pictures: Tensor) -> Tensor:
        """Map premultiplied pictures ``[B, 4, H, H]`` in [-1, 1] to normalized latents ``[B, C, h, h]``, float32."""
        z = self.encoder(pictures.contiguous(memory_format=torch.channels_last))
        return self.normalize(z.to(torch.float32))

    def decode(self, latents: Tensor) -> Tensor:
        """Map normalized latents ``[B, C, h, h]`` to premultiplied pictures ``[B, 4, H, H]``, unclamped, float32."""
        x = self.decoder(latents.contiguous(memory_format=torch.channels_last))
        return x.to(torch.float32)
