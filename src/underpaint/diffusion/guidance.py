"""Classifier-free guidance: a prediction is pushed away from the one without caption, in an interval of times only.

``guided = (1 + w) c - w u`` for the prediction ``c`` with caption and ``u`` without; ``w = 0`` is no guidance. (In the
other common convention, ``u + s (c - u)``, the strength is ``s = 1 + w``.)

Source: classifier-free guidance, arXiv 2207.12598, equation 6; the interval, arXiv 2404.07724.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from pydantic import Field, model_validator
from torch import Tensor

from underpaint.core.config import Config
from underpaint.diffusion.solvers import Denoiser

BothHalves = Callable[[Tensor, float], tuple[Tensor, Tensor]]
"""From state and time to predicted data with and without caption; one pass over a batch of ``2B``."""


class GuidanceInterval(Config):
    """The times at which guidance acts, ``low <= t < high``; all of them by default.

    For a noise level ``sigma = (1 - t) / t`` the time is ``t = 1 / (1 + sigma)``, so the paper's interval
    ``(sigma_lo, sigma_hi]`` has ``low = 1 / (1 + sigma_hi)`` and ``high = 1 / (1 + sigma_lo)``.

    Args:
        low: First time with guidance, in [0, 1].
        high: First time without it again, in [low, 1]; equal to ``low`` for no guidance at all.
    """

    low: float = Field(default=0.0, ge=0.0, le=1.0)
    high: float = Field(default=1.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high is {self.high}, below low, {self.low}; give the earlier time as low")
        return self


def acts(strength: float | Tensor) -> bool:
    """Say whether guidance of this strength needs the prediction without caption; one still unknown, a tensor, may."""
    return isinstance(strength, Tensor) or strength > 0.0


def guided(c: Tensor, u: Tensor, strength: float | Tensor) -> Tensor:
    """Return ``(1 + w) c - w u``.

    Args:
        c: Prediction with caption ``[B, ...]``: data, velocities or logits.
        u: Prediction without, same shape.
        strength: ``w``, at least 0.
    """
    return (1.0 + strength) * c - strength * u


def in_interval(t: float, low: float, high: float) -> bool:
    """Say whether guidance acts at a time: ``low <= t < high``."""
    return low <= t < high


def guided_denoiser(
    conditional: Denoiser, both: BothHalves, strength: float | Tensor, interval: GuidanceInterval | None = None
) -> Denoiser:
    """Return a denoiser that is guided inside the interval and conditional, at half the cost, outside it.

    Args:
        conditional: Prediction with caption alone.
        both: Predictions with caption and without; only called where guidance acts.
        strength: ``w``, at least 0; 0 never calls ``both``, a scalar tensor always does.
        interval: Where guidance acts; everywhere by default.
    """
    where = interval or GuidanceInterval()

    def denoise(x: Tensor, t: float) -> Tensor:
        if not acts(strength) or not in_interval(t, where.low, where.high):
            return conditional(x, t)
        return guided(*both(x, t), strength)

    return denoise
