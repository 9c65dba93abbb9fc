"""How the hybrid pipeline samples, scale by scale: strength of guidance, temperature, share of probability kept.

Source: guidance by scale, Switti, arXiv 2412.01819.
"""

from __future__ import annotations

from pydantic import model_validator

from underpaint.pipelines.limits import Mass
from underpaint.pipelines.text_to_picture import SamplingConfig


class HybridConfig(SamplingConfig):
    """Settings of the hybrid pipeline; vectors have one entry a scale, coarse to fine.

    Args:
        styles: Names of the styles, in the order of the style embedding.
        guidance: Default strength of the pull towards the caption.
        guidance_shape: Share of the strength at each scale; 0 skips the unconditional pass there.
        temperatures: Sampling temperature at each scale.
        top_p: Share of probability kept when sampling, at all scales or at each.
        residual_steps: Steps of the refiner; 0 adds the mean residual, None leaves the refiner out.
    """

    guidance: float = 1.5
    guidance_shape: tuple[float, ...]
    temperatures: tuple[float, ...]
    top_p: Mass | tuple[Mass, ...] = 0.95
    residual_steps: int | None = None

    @model_validator(mode="after")
    def _check_top_p(self) -> HybridConfig:
        if isinstance(self.top_p, tuple) and len(self.top_p) != len(self.temperatures):
            raise ValueError(f"top_p must be one number or one for each of {len(self.temperatures)} scales")
        return self

    def top_p_at(self, scale: int) -> float:
        """Return the share of probability kept at a scale."""
        return self.top_p[scale] if isinstance(self.top_p, tuple) else self.top_p


def ramp(num_scales: int, off_last: int) -> tuple[float, ...]:
    """Return the default guidance shape: rising linearly to 1 over the guided scales, then 0 on the last ones.

    Args:
        num_scales: Number of scales.
        off_last: Scales without guidance.
    """
    guided = num_scales - off_last
    return tuple((index + 1) / guided if index < guided else 0.0 for index in range(num_scales))


def cooling(num_scales: int, last: float, warm: int = 3) -> tuple[float, ...]:
    """Return the default temperatures: 1 on the first ``warm`` scales, then falling linearly to ``last``."""
    cold = num_scales - warm
    return tuple(1.0 if index < warm else 1.0 - (1.0 - last) * (index - warm + 1) / cold for index in range(num_scales))
