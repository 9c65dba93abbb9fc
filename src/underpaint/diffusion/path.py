"""The straight path between noise and data, and its three equivalent descriptions.

``x_t = t x + (1 - t) eps`` runs from noise at ``t = 0`` to data at ``t = 1`` with velocity ``v = x - eps``.

Source: flow matching, arXiv 2210.02747; rectified flow, arXiv 2209.03003.
"""

from __future__ import annotations

import torch
from torch import Tensor

from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randn

SMALLEST_REST = 0.1


def interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return ``x_t`` for data and noise ``[B, ...]`` and times ``t [B]`` in [0, 1]."""
    t = t.view(-1, *[1] * (data.ndim - 1))
    return t * data + (1.0 - t) * noise


def velocity_from_data(prediction: Tensor, x_t: Tensor, t: float) -> Tensor:
    """Return the velocity that a data prediction implies: ``(x - x_t) / (1 - t)`` with the denominator kept off zero.

    Args:
        prediction: Predicted data ``[B, ...]``.
        x_t: Present state, same shape.
        t: Time in [0, 1).
    """
    return (prediction - x_t) / max(1.0 - t, 1e-6)


def velocity_loss(prediction: Tensor, data: Tensor, t: Tensor) -> Tensor:
    """Return the squared velocity error of a data prediction, ``|x_hat - x|^2 / max(1 - t, 0.1)^2``, averaged.

    Args:
        prediction: Predicted data ``[B, ...]``.
        data: True data, same shape.
        t: Times ``[B]`` in [0, 1].

    Source: JiT, arXiv 2511.13720, equation 6.
    """
    weight = (1.0 - t).clamp_min(SMALLEST_REST) ** -2
    return ((prediction - data).square().flatten(1).mean(dim=1) * weight).mean()


def logit_normal(
    count: int, generator: torch.Generator, device: torch.device = CPU, mean: float = -0.4, std: float = 1.0
) -> Tensor:
    """Draw times ``[count]`` in (0, 1) whose logit is normal.

    Args:
        count: Number of times.
        generator: On the CPU.
        device: Where the times go.
        mean: Of the logit; below 0 favors noisy states.
        std: Deviation of the logit.

    Source: arXiv 2403.03206, section 3.1.
    """
    return torch.sigmoid(randn((count,), generator, device) * std + mean)
