"""The losses of the hybrid generator: cross-entropy of the tokens, flow matching of the residual.

Shapes: ``B`` batch, ``k`` side of a scale, ``C`` latent channels, ``h`` side of the latent, ``L`` logits per token,
``D`` width of the transformer.

Source: HART, arXiv 2410.10812, section 3.3; data prediction, JiT, arXiv 2511.13720.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.diffusion.path import interpolate, logit_normal, velocity_loss
from underpaint.models.codes import Codes
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.residual import ResidualRefiner
from underpaint.runtime.draws import rand, randn

OWN_TEMPERATURE = 0.7
"""Temperature of the last scale's labels that the transformer draws for the refiner."""


def by_scale(value: float | tuple[float, ...], num_scales: int, name: str) -> tuple[float, ...]:
    """Return one number a scale.

    Args:
        value: One number for all scales, or one for each.
        num_scales: Number of scales.
        name: Of the setting; named in the error.

    Raises:
        InputError: The vector has another length.
    """
    values = value if isinstance(value, tuple) else (value,) * num_scales
    if len(values) != num_scales:
        raise InputError(f"{name} has {len(values)} numbers; give one, or one for each of {num_scales} scales")
    return values


def gumbel_noise(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Return standard Gumbel noise of any shape, float32 and finite."""
    return -torch.log(-torch.log(rand(shape, generator, device).clamp(1e-7, 1.0 - 1e-7)))


def token_losses(
    codes: Codes, logits: Sequence[Tensor], labels: Sequence[Tensor], smoothing: Sequence[float]
) -> list[Tensor]:
    """Return the loss ``[B, k * k]`` of each scale's tokens in nats.

    Args:
        codes: The alphabet.
        logits: One tensor ``[B, k * k, L]`` a scale.
        labels: The targets, one tensor a scale.
        smoothing: Share of the targets' mass given to the nearest codes, one a scale.
    """
    return [codes.loss(*three) for three in zip(logits, labels, smoothing, strict=True)]


def noisy(codes: Codes, labels: Sequence[Tensor], share: Sequence[float], generator: torch.Generator) -> list[Tensor]:
    """Replace a share of the targets by one of their nearest codes.

    Args:
        codes: The alphabet.
        labels: One tensor a scale.
        share: One a scale; 0 draws nothing.
        generator: Draws which and by what.
    """
    return [
        codes.perturb(label, torch.full((len(label),), part, device=label.device), generator) if part > 0.0 else label
        for label, part in zip(labels, share, strict=True)
    ]


def weigh(per_scale: Sequence[Tensor]) -> Tensor:
    """Return the token loss of each picture ``[B]``: half weighs every token alike, half every scale.

    Args:
        per_scale: From ``token_losses``.
    """
    by_token = torch.cat(list(per_scale), dim=1).mean(dim=1)
    return 0.5 * by_token + 0.5 * torch.stack([loss.mean(dim=1) for loss in per_scale], dim=1).mean(dim=1)


def residual_loss(
    refiner: ResidualRefiner,
    quantizer: MultiScaleQuantizer,
    z: Tensor,
    before: Tensor,
    labels: Tensor,
    logits: Tensor,
    hidden: Tensor,
    draws: int,
    mean_share: float,
    generator: torch.Generator,
) -> Tensor:
    """Return the refiner's loss, a scalar; half of the pictures have last-scale labels that the transformer drew.

    Args:
        refiner: The network.
        quantizer: The codes.
        z: Latents ``[B, C, h, h]``.
        before: What all scales but the last say, as ``z``.
        labels: True labels of the last scale, one for each of its ``h * h`` tokens.
        logits: Of the last scale ``[B, h * h, L]``, detached.
        hidden: The transformer's states at the last scale ``[B, h * h, D]``, detached.
        draws: Times drawn per picture.
        mean_share: Share of the draws that ask for the mean: no noise at time 0.
        generator: Draws everything random.
    """
    codes, last = quantizer.codes, quantizer.num_scales - 1
    with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
        half = len(z) // 2
        noise = gumbel_noise((half, logits.shape[1], *codes.noise_shape()), generator, z.device)
        labels = torch.cat([codes.sample(logits[:half], OWN_TEMPERATURE, 1.0, noise), labels[half:]])
        token = codes.embed(labels, last)
        f = before + quantizer.lift(token, last)
        target = (z - f) / quantizer.residual_std[:, None, None]
        target, f, token, hidden = (x.repeat(draws, *[1] * (x.ndim - 1)) for x in (target, f, token, hidden))
        t = logit_normal(len(target), generator, z.device)
        mean_only = rand((len(target),), generator, z.device) < mean_share
        t = torch.where(mean_only, 0.0, t)
        noise = randn(target.shape, generator, z.device)
        noise = torch.where(mean_only[:, None, None, None], 0.0, noise)
        x_t = interpolate(target, noise, t)
    return velocity_loss(refiner(x_t, t, hidden, token, f).to(torch.float32), target, t)
