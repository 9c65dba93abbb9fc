"""Training an upscaler: large pictures are made small and spoilt as a model's drawings are, and are to come back.

A small picture is the large one reduced, or what a model's autoencoder draws of it from its tokens and a part of what
these leave out; then it may get grain, as a watermark is, blotches and ragged edges, and it is rounded to 8 bits.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder
from underpaint.models.pixels import from_straight, to_straight_levels
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.upscaler import Upscaler, UpscalerConfig, reduced, unlearned
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import rand, randn
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.packed_pictures import PackedPictures
from underpaint.stages.train.tokenizer import psnr
from underpaint.stages.train.upscaler_config import UpscalerTraining

LEVEL = 2.0 / 255.0
"""A gray level of a picture in [-1, 1]."""
BEND = 0.02
"""Error below which its square counts, in [-1, 1]."""
BLOTCH = 4
"""Side of a blotch in pixels."""
MEASURED = 96
"""Held-out pictures that are measured while training, evenly spread."""
SHOWN = 10


def turned(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures each turned and mirrored in one of eight ways, with its colors exchanged in one of six.

    Args:
        pictures: ``[B, 4, S, S]``.
        generator: On the CPU.
    """
    ways = torch.randint(8, (len(pictures),), generator=generator).tolist()
    colors = [torch.randperm(3, generator=generator) for _ in ways]
    made = [
        torch.rot90(picture.flip(2) if way >= 4 else picture, way % 4, (1, 2))[torch.cat([order, torch.tensor([3])])]
        for picture, way, order in zip(pictures, ways, colors, strict=True)
    ]
    return torch.stack(made)


def redrawn(
    pictures: Tensor,
    autoencoder: Autoencoder,
    quantizer: MultiScaleQuantizer,
    least_residual: float,
    generator: torch.Generator,
) -> Tensor:
    """Return what an autoencoder draws of pictures from their tokens and a part of what these leave out.

    Args:
        pictures: ``[B, 4, H, H]`` premultiplied, in [-1, 1].
        autoencoder: Of the model whose drawings will be enlarged.
        quantizer: Of the same.
        least_residual: The part lies between this and 1.
        generator: Draws the part.
    """
    z = autoencoder.encode(pictures)
    f = quantizer(z).partial[-1]
    part = least_residual + (1.0 - least_residual) * rand((len(z), 1, 1, 1), generator, z.device)
    return autoencoder.decode(f + part * (z - f))


def rounded(pictures: Tensor) -> Tensor:
    """Return pictures ``[B, 4, H, H]`` as they come back from a file of 8-bit straight alpha."""
    return from_straight(to_straight_levels(pictures))


def with_noise(pictures: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures with grain and blotches on what can be seen, and with ragged edges.

    Args:
        pictures: ``[B, 4, H, H]`` premultiplied, in [-1, 1].
        strength: ``[B]`` standard deviations of the grain, and of the blotches, in gray levels.
        generator: Draws the noise.
    """
    size, side = len(pictures), pictures.shape[-1]
    level = (strength * LEVEL)[:, None, None, None]
    opacity = (pictures[:, 3:] + 1.0) / 2.0
    grain = randn((size, 4, side, side), generator, pictures.device) * level
    coarse = randn((size, 3, -(-side // BLOTCH), -(-side // BLOTCH)), generator, pictures.device) * level
    blotches = F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    color = pictures[:, :3] + (grain[:, :3] + blotches) * opacity.sqrt()
    alpha = pictures[:, 3:] + grain[:, 3:] * 4.0 * opacity * (1.0 - opacity)
    return torch.cat([color, alpha], dim=1)


def upscaling_loss(drawn: Tensor, target: Tensor, config: UpscalerTraining) -> Tensor:
    """Compare pictures by value and by the differences of neighbors; alpha counts more than a color.

    Errors count by their size, small ones by their square (Huber): most of a drawing is flat, and where the size
    alone counts, whatever a young network does there outweighs all edges.

    Args:
        drawn: ``[B, 4, S, S]`` premultiplied, in [-1, 1].
        target: Same.
        config: The weights.
    """
    off = drawn - target
    down, right = off.diff(dim=2), off.diff(dim=3)
    color, alpha = (
        huber(off[:, rows]) + config.edge_weight * (huber(down[:, rows]) + huber(right[:, rows]))
        for rows in (slice(0, 3), slice(3, 4))
    )
    return (3.0 * color + config.alpha_weight * alpha) / (3.0 + config.alpha_weight)


def huber(off: Tensor) -> Tensor:
    """Return the mean of errors by size, those below ``BEND`` by their square."""
    return F.smooth_l1_loss(off, off.new_zeros(()).expand_as(off), beta=BEND)


class UpscalerTrainee:
    """The upscaler as the training loop sees it.

    Args:
        config: The settings.
        autoencoder: Of the model whose drawings will be enlarged; stays as it is.
        quantizer: Of the same.
        train: Large pictures to learn from.
        held_out: Large pictures to measure on.
        device: Where to train.
    """

    def __init__(
        self,
        config: UpscalerTraining,
        autoencoder: Autoencoder,
        quantizer: MultiScaleQuantizer,
        train: PackedPictures,
        held_out: PackedPictures,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.train, self.held_out, self.device = config, train, held_out, device
        self.autoencoder = autoencoder.to(device).eval().requires_grad_(False)
        self.quantizer = quantizer.to(device).eval().requires_grad_(False)
        shape = UpscalerConfig(width=config.width, blocks=config.blocks, fine_width=config.fine_width)
        with initialized_by(config.loop.seed):
            self.module: Upscaler = Upscaler(shape).to(device)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the loss of a batch."""
        target = self.train.batch(self.train.choose(self.config.loop.batch_size, generator)).to(self.device)
        target = turned(target, generator)
        loss = upscaling_loss(self.module(self.spoilt(target, generator)), target, self.config)
        return loss, {}

    @torch.no_grad()
    def spoilt(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Return small pictures ``[B, 4, H, H]`` such as a model's drawings, made from large ones."""
        config, size = self.config, len(target)
        small = rounded(reduced(target))  # [B, 4, H, H]
        chosen = rand((size,), generator, self.device) < config.redrawn_share
        if chosen.any():
            again = redrawn(small[chosen], self.autoencoder, self.quantizer, config.least_residual, generator)
            small[chosen] = again
        noisy = rand((size,), generator, self.device) < config.noisy_share
        strength = rand((size,), generator, self.device) * config.noise * noisy
        return rounded(with_noise(small, strength, generator))

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: gradients move all that is to be moved."""

    def validate(self) -> dict[str, float]:
        """Measure closeness on held-out pictures."""
        return measure_upscaler(self.module, self.autoencoder, self.quantizer, self.held_out)

    def draw_samples(self, path: Path) -> None:
        """Write held-out pictures; below, sharpened and enlarged, first of renders, then of what is drawn again."""
        index = torch.arange(0, len(self.held_out), max(len(self.held_out) // SHOWN, 1))[:SHOWN]
        target = self.held_out.batch(index).to(self.device)
        small = rounded(reduced(target))
        again = rounded(_redrawn_alike(small, self.autoencoder, self.quantizer))
        rows = [target, *(enlarge(x) for x in (small, again) for enlarge in (interpolated, self.module))]
        save_grid(path, torch.cat(rows), columns=len(target))


def interpolated(pictures: Tensor) -> Tensor:
    """Enlarge pictures ``[B, 4, H, H]`` in [-1, 1] without the network: ``[B, 4, 4H, 4H]``."""
    return 2.0 * unlearned((pictures + 1.0) / 2.0) - 1.0


def _redrawn_alike(small: Tensor, autoencoder: Autoencoder, quantizer: MultiScaleQuantizer) -> Tensor:
    """Return what an autoencoder draws of all that it knows of pictures."""
    return redrawn(small, autoencoder, quantizer, 1.0, torch.Generator().manual_seed(0))


@torch.no_grad()
def measure_upscaler(
    upscaler: Upscaler, autoencoder: Autoencoder, quantizer: MultiScaleQuantizer, pictures: PackedPictures
) -> dict[str, float]:
    """Return PSNR (dB, premultiplied) and mean error of alpha (0 to 1) of enlarged pictures, and PSNR without learning.

    ``render`` is measured on large pictures that were reduced, ``redrawn`` on what the autoencoder draws of those.
    """
    sums: dict[str, float] = {}
    chosen = torch.arange(0, len(pictures), max(len(pictures) // MEASURED, 1))[:MEASURED]
    for index in chosen.split(8):
        target = pictures.batch(index).to(next(upscaler.parameters()).device)
        small = rounded(reduced(target))
        for name, given in (("render", small), ("redrawn", rounded(_redrawn_alike(small, autoencoder, quantizer)))):
            large = upscaler(given)
            figures = {
                f"psnr_{name}": psnr(large, target),
                f"psnr_{name}_unlearned": psnr(interpolated(given), target),
                f"alpha_error_{name}": float((large[:, 3].clamp(-1.0, 1.0) - target[:, 3]).abs().mean() / 2.0),
            }
            for key, value in figures.items():
                sums[key] = sums.get(key, 0.0) + value * len(index) / len(chosen)
    return sums
