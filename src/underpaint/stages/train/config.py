"""Settings of the training stage: one class for each kind of network it trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from underpaint.core.config import Config, is_default, is_none, is_zero
from underpaint.learning.config import LoopConfig, Seed

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = Share | tuple[Share, ...]
"""One share for all scales, or one for each, coarse to fine."""


class TokenizerTraining(Config):
    """Settings for training the hybrid tokenizer: autoencoder and multi-scale quantizer together.

    Args:
        loop: The loop.
        widths: Channels of the autoencoder.
        latent_channels: Channels of the latent.
        kind: ``vq`` or ``bsq``.
        schedule: Sides of the scales, coarse to fine.
        codebook_size: Number of codes; only for ``vq``.
        continuous_steps: Steps before the quantizer starts (a plain autoencoder).
        joint_share: Share of the steps that train everything; the rest trains the decoder alone.
        discrete_share: Chance that a picture is decoded from its tokens alone.
        perturb_rate: Largest share of tokens replaced in the discrete half while only the decoder is trained.
        noise: Largest noise in the continuous half while only the decoder is trained, in units of the residual.
        fixed_autoencoder: Whether the codes alone are trained, for other scales of a saved autoencoder's latents.
    """

    loop: LoopConfig
    widths: tuple[Count, Count, Count] = (48, 96, 128)
    latent_channels: Count = 16
    kind: Literal["vq", "bsq"] = "vq"
    schedule: tuple[Count, ...] = Field(default=(1, 2, 3, 4, 6, 8), min_length=1)
    codebook_size: int = Field(default=1024, ge=2)
    continuous_steps: int = Field(default=150, ge=0)
    joint_share: Share = 0.7
    discrete_share: Share = 0.5
    perturb_rate: Share = 0.1
    noise: float = Field(default=0.3, ge=0)
    fixed_autoencoder: bool = Field(default=False, exclude_if=is_zero)

    @model_validator(mode="after")
    def _check_steps(self) -> TokenizerTraining:
        joint = self.joint_share * self.loop.steps
        if self.continuous_steps > joint:
            raise ValueError(
                f"continuous_steps must not lie above joint_share * steps = {joint:g}, but it is "
                f"{self.continuous_steps}; lower it, or train more steps"
            )
        if self.fixed_autoencoder and (self.continuous_steps or self.joint_share < 1.0):
            raise ValueError(
                "with fixed_autoencoder all steps train the codes; set continuous_steps to 0 and joint_share to 1"
            )
        return self


MEAN_SHARE = 0.25
"""Share of the refiner's training that asks for the mean, as long as nothing else is said."""


class LatentsEncoding(Config):
    """Settings for encoding a data set once.

    Args:
        variants: Versions of each training picture; the first is the picture itself.
        reach: Largest shift of the other versions, in pixels.
        seed: Seed of the shifts.
    """

    variants: Count = 4
    reach: int = Field(default=2, ge=0)
    seed: Seed = 0


class GeneratorTraining(Config):
    """Settings for training the hybrid generator: text encoder, scale-wise transformer and residual refiner.

    Args:
        loop: The loop.
        width: Width of the transformer.
        depth: Blocks of the transformer.
        heads: Heads of the transformer.
        drop_path: Largest chance to drop a branch of the transformer.
        early_scales: First scales whose tokens are drawn one by one; 0 draws every scale at once.
        early_depth: Causal blocks for them.
        text_depth: Blocks of the text encoder.
        residual_kind: ``conv`` or ``mlp``.
        residual_width: Width of the refiner.
        residual_depth: Blocks of the refiner.
        drop_both: Chance to drop caption and style together (the unconditional case of guidance).
        drop_caption: Chance to drop the caption alone.
        drop_style: Chance to drop the style alone.
        correction_share: Share of the pictures trained with self-correction.
        correction_rate: Largest share of a scale's labels that is perturbed, for all scales or for each.
        own_every: Every so many steps labels are perturbed towards the model's own samples; 0 for never.
        smoothing: Share of the target's mass given to the nearest codes, for all scales or for each.
        label_noise: Share of the targets replaced by one of their nearest codes, for all scales or for each.
        rewording: Chance that a caption is worded in another way.
        residual_draws: Times drawn for the refiner per picture and step.
        mean_share: Share of the refiner's training that asks for the mean, without noise at time 0; 1 for a regression.
        trains: ``all`` networks, or, of saved ones, the ``refiner`` alone; ``tokens`` for a model without a refiner.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
        plane: Side of the plane that positions lie in; None for the finest scale's.
    """

    loop: LoopConfig
    width: Count = 256
    depth: Count = 8
    heads: Count = 4
    drop_path: float = Field(default=0.05, ge=0, lt=1)
    early_scales: int = Field(default=0, ge=0)
    early_depth: Count = 1
    text_depth: int = Field(default=2, ge=0)
    residual_kind: Literal["conv", "mlp"] = "conv"
    residual_width: Count = 192
    residual_depth: int = Field(default=4, ge=0)
    drop_both: Share = 0.1
    drop_caption: Share = 0.03
    drop_style: Share = 0.1
    correction_share: Share = 0.8
    correction_rate: Shares = 0.3
    own_every: int = Field(default=0, ge=0)
    smoothing: Shares = 0.1
    label_noise: Shares = 0.0
    rewording: Share = 0.0
    residual_draws: Count = 2
    gradient_checkpointing: bool = False
    plane: Count | None = Field(default=None, exclude_if=is_none)
    mean_share: Share = Field(default=MEAN_SHARE, exclude_if=is_default(MEAN_SHARE))
    trains: Literal["all", "refiner", "tokens"] = Field(default="all", exclude_if=is_default("all"))
