"""Settings for training an upscaler, without torch."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class UpscalerTraining(Config):
    """Settings for training a network that enlarges a model's drawings, from large pictures.

    Args:
        loop: The loop.
        width: Channels at the size of the model's pictures.
        blocks: Residual blocks there.
        fine_width: Channels at twice that size.
        redrawn_share: Chance that a picture comes as the model's autoencoder draws it again.
        least_residual: Smallest share of what tokens leave out that such a picture has; the largest is all of it.
        noise: Largest standard deviation of grain and of blotches, in gray levels; a watermark has 2 to 5.
        noisy_share: Chance that a picture has such noise.
        alpha_weight: Weight of alpha beside each color, in the loss.
        edge_weight: Weight of the differences of neighboring pixels beside the pixels, in the loss.
    """

    loop: LoopConfig
    width: Count = 32
    blocks: Count = 4
    fine_width: Count = 16
    redrawn_share: Share = 0.5
    least_residual: Share = 0.3
    noise: float = Field(default=8.0, ge=0)
    noisy_share: Share = 0.6
    alpha_weight: float = Field(default=2.0, ge=0)
    edge_weight: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _check_loss(self) -> Self:
        if self.noisy_share and not self.noise:
            raise ValueError(
                f"noisy_share is {self.noisy_share:g}, but noise is 0; set noise above 0 or noisy_share to 0"
            )
        return self
