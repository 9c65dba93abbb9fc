"""Self-correction: labels that are wrong on purpose, which the later scales are taught to mend.

Some labels of a scale are replaced before they go into what the later scales see, and the later scales' targets are
quantized anew from what is then missing. The replacements are nearest codes, or what the model itself would draw there.

Shapes: ``B`` batch, ``S`` scales, ``P`` picture tokens, ``C`` latent channels, ``h`` side of the latent, ``L`` logits
per token.

Source: Infinity, arXiv 2412.04431, section 3.4; that a learned codebook gains more from its own samples is our reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from underpaint.models.quantizer import Decomposition, MultiScaleQuantizer
from underpaint.runtime.draws import rand
from underpaint.stages.train.generator_loss import gumbel_noise


def draw_rates(
    largest: Sequence[float], share: float, count: int, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Draw the share of labels to replace, ``[B, S]``.

    Args:
        largest: Largest share at each scale.
        share: Share of the pictures that are corrected at all.
        count: Pictures ``B``.
        generator: Draws the shares.
        device: Where to put them.
    """
    rates = rand((count, len(largest)), generator, device) * torch.tensor(largest, device=device)
    return rates * (rand((count, 1), generator, device) < share)


def own_samples(
    quantizer: MultiScaleQuantizer, logits: Tensor, temperatures: Sequence[float], generator: torch.Generator
) -> list[Tensor]:
    """Draw labels from the model's own logits, one tensor a scale.

    Args:
        quantizer: The codes.
        logits: ``[B, P, L]``, given the true tokens of the earlier scales.
        temperatures: One a scale, as in sampling.
        generator: Draws them.
    """
    sizes = [side * side for side in quantizer.config.schedule]
    drawn: list[Tensor] = []
    for part, temperature in zip(logits.split(sizes, dim=1), temperatures, strict=True):
        noise = gumbel_noise((*part.shape[:2], *quantizer.codes.noise_shape()), generator, logits.device)
        drawn.append(quantizer.codes.sample(part, temperature, 1.0, noise))
    return drawn


def split_with(
    quantizer: MultiScaleQuantizer, z: Tensor, rates: Tensor, samples: Sequence[Tensor], generator: torch.Generator
) -> Decomposition:
    """Quantize latents scale by scale while a share of the labels is replaced by given ones.

    Args:
        quantizer: The quantizer.
        z: Latents ``[B, C, h, h]``, float32.
        rates: ``[B, S]`` share of labels to replace.
        samples: The replacements, one tensor of labels a scale.
        generator: Draws which are replaced.

    Returns:
        The decomposition: its labels are the targets, its sums hold the replacements.
    """

    def added(scale: int, label: Tensor) -> Tensor:
        hit = rand(label.shape, generator, z.device) < rates[:, scale].view(-1, *[1] * (label.ndim - 1))
        return torch.where(hit, samples[scale], label)

    return quantizer.split_by(z, added)[0]
