"""The RGBA autoencoder: pictures to an 8 times smaller, 16-channel latent and back.

Its decoder may paint twice as large as its encoder reads: the latent is then that of the picture at half its side, and
16 times smaller than what is painted.

Shapes: ``B`` batch, ``H`` side of the picture in pixels, ``h`` side of the latent (``H / 8``, or ``H / 16`` where the
decoder paints twice as large), ``C`` latent channels.

Source: few, deep latents and a decoder that makes up for them, DC-AE, arXiv 2410.10733.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config, is_none

DOWNSAMPLING = 8
PAINTED_FROM = 7
"""Number of the decoder's first module that belongs to its end."""


class AutoencoderConfig(Config):
    """Settings of the autoencoder.

    Args:
        widths: Channels at 1/2, 1/4 and 1/8 of the picture's side.
        latent_channels: Channels of the latent.
        decoder_widths: Channels of a decoder that is smaller than the encoder; None for the same.
        doubling: Channels of one more doubling at the decoder's end, which then paints twice the side that the encoder
            reads; None for none.
    """

    widths: tuple[int, int, int] = (48, 96, 128)
    latent_channels: int = 16
    decoder_widths: tuple[int, int, int] | None = Field(default=None, exclude_if=is_none)
    doubling: int | None = Field(default=None, ge=8, multiple_of=8, exclude_if=is_none)

    @property
    def enlargement(self) -> int:
        """Side of what is painted over the side of what is read."""
        return 1 if self.doubling is None else 2

    @property
    def downsampling(self) -> int:
        """Side of a picture over the side of its latent."""
        return DOWNSAMPLING * self.enlargement


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
            *self._ending(a),
        )

    def _ending(self, channels: int) -> list[nn.Module]:
        """Return what makes the picture of features at half of the side that the encoder reads."""
        last, doubling = self.config.doubling or channels, []
        if self.config.doubling is not None:
            doubling = [Upsample(channels, last), ResidualBlock(last)]
        return [*doubling, nn.GroupNorm(8, last), nn.SiLU(), nn.Conv2d(last, 16, 3, padding=1), nn.PixelShuffle(2)]

    @classmethod
    def from_config(cls, config: AutoencoderConfig) -> Autoencoder:
        """Build the network with fresh weights."""
        return cls(config)

    def encode(self, pictures: Tensor) -> Tensor:
        """Map premultiplied pictures ``[B, 4, H, H]`` in [-1, 1] to normalized latents ``[B, C, h, h]``, float32."""
        if self.config.enlargement > 1:
            pictures = F.avg_pool2d(pictures, self.config.enlargement)
        z = self.encoder(pictures.contiguous(memory_format=torch.channels_last))
        return self.normalize(z.to(torch.float32))

    def decode(self, latents: Tensor) -> Tensor:
        """Map normalized latents ``[B, C, h, h]`` to premultiplied pictures ``[B, 4, H, H]``, unclamped, float32."""
        x = self.decoder(latents.contiguous(memory_format=torch.channels_last))
        return x.to(torch.float32)


@torch.no_grad()
def with_doubling(autoencoder: Autoencoder, channels: int) -> Autoencoder:
    """Return an autoencoder of the same latents whose decoder paints twice as large; the new end is to be trained.

    An end of as many channels as the features before it starts as a blurred form of the old one: each feature is
    repeated, each pixel the mean of the four that the old end painted there. Any other starts from fresh weights.

    Args:
        autoencoder: One that paints what it reads.
        channels: Those of the new end.
    """
    assert autoencoder.config.doubling is None, "a decoder is doubled once"
    larger = Autoencoder(autoencoder.config.model_copy(update={"doubling": channels}))
    old = autoencoder.state_dict()
    kept = {
        name: value
        for name, value in old.items()
        if not name.startswith("decoder.") or int(name.split(".")[1]) < PAINTED_FROM
    }
    if channels == (autoencoder.config.decoder_widths or autoencoder.config.widths)[0]:
        kept |= _blurred_end(old, channels)
    larger.load_state_dict({**larger.state_dict(), **kept})
    return larger.train(autoencoder.training)


def _blurred_end(old: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    """Return weights of a doubled end that paints the mean of every four pixels of the old one."""
    norm, head = f"decoder.{PAINTED_FROM}", f"decoder.{PAINTED_FROM + 2}"
    new_norm, new_head = f"decoder.{PAINTED_FROM + 2}", f"decoder.{PAINTED_FROM + 4}"
    repeated = torch.eye(channels).repeat_interleave(4, dim=0)[..., None, None]
    start = {f"{norm}.conv.weight": repeated, f"{norm}.conv.bias": torch.zeros(channels * 4)}
    for part in ("weight", "bias"):
        start[f"{new_norm}.{part}"] = old[f"{norm}.{part}"]
        value = old[f"{head}.{part}"]
        start[f"{new_head}.{part}"] = value.unflatten(0, (-1, 4)).mean(dim=1).repeat_interleave(4, dim=0)
    return start
