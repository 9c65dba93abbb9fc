"""Settings for training a tokenizer's decoder on, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from underpaint.core.config import Config, is_none, is_zero
from underpaint.core.errors import InputError
from underpaint.learning.config import LoopConfig

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class DecoderTraining(Config):
    """Settings for training the decoder alone, against a patch discriminator.

    Args:
        loop: The loop; decoder and discriminator share it.
        discrete_share: Chance that a picture is decoded from its tokens alone.
        noisy_share: Chance that it is decoded from everything, with noise; the others get a part of the residual.
        perturb_rate: Largest share of a picture's labels replaced by near ones.
        noise: Largest noise, in units of the residual's root mean square.
        adversarial_weight: Weight of the adversarial term beside the comparison with the picture.
        adversarial_from: Share of the steps after which the term sets in; the discriminator learns from the start.
        adversarial_ramp: Share of the steps over which it grows to its full weight.
        penalty_weight: Weight of the discriminator's gradient penalty.
        penalty_pictures: Pictures of a batch that it is measured on.
        discriminator_widths: Channels of the discriminator.
        drawn: Latents that the model draws beforehand, to be judged and not compared; 0 for none.
        drawn_share: Such latents a step, as a share of a batch, beside it.
        doubling: Channels of a new end that paints twice as large; None keeps the decoder's size.
    """

    loop: LoopConfig
    discrete_share: Share = 0.4
    noisy_share: Share = 0.2
    perturb_rate: Share = 0.3
    noise: float = Field(default=0.3, ge=0)
    adversarial_weight: float = Field(default=0.1, ge=0)
    adversarial_from: Share = 0.05
    adversarial_ramp: Share = 0.15
    penalty_weight: float = Field(default=0.05, ge=0)
    penalty_pictures: Count = 4
    discriminator_widths: tuple[Count, Count, Count, Count] = (32, 64, 96, 128)
    drawn: int = Field(default=0, ge=0, exclude_if=is_zero)
    drawn_share: float = Field(default=0.0, ge=0, le=1, exclude_if=is_zero)
    doubling: int | None = Field(default=None, ge=8, multiple_of=8, exclude_if=is_none)

    def new_end(self, doubling: int | None) -> int | None:
        """Return the channels of the end that a decoder gets; None if it gets none, or has that end already.

        Args:
            doubling: Channels of the end that it has for painting twice as large; None for none.

        Raises:
            InputError: It has another such end.
        """
        if self.doubling is None or doubling == self.doubling:
            return None
        if doubling is not None:
            raise InputError(
                f"the model's decoder paints twice as large already, with {doubling} channels, and the recipe asks for "
                f"{self.doubling}; start from a model that does not, or set the recipe's doubling to {doubling} or None"
            )
        return self.doubling

    @model_validator(mode="after")
    def _check_shares(self) -> DecoderTraining:
        if self.discrete_share + self.noisy_share > 1.0:
            raise ValueError(
                "discrete_share and noisy_share must not exceed 1 together, but they are "
                f"{self.discrete_share:g} and {self.noisy_share:g}; lower one of them"
            )
        if (self.drawn > 0) != (self.drawn_share > 0.0):
            raise ValueError(
                f"drawn and drawn_share must both be 0 or both more, but they are {self.drawn} and "
                f"{self.drawn_share:g}; set the other one too"
            )
        return self
