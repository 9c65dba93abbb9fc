"""Settings of the training stage: one class for each kind of network it trains."""

from __future__ import annotations

from typing import Literal

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig


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
    """

    loop: LoopConfig
    widths: tuple[int, int, int] = (48, 96, 128)
    latent_channels: int = 16
    kind: Literal["vq", "bsq"] = "vq"
    schedule: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    codebook_size: int = 1024
    continuous_steps: int = 150
    joint_share: float = 0.7
    discrete_share: float = 0.5
    perturb_rate: float = 0.1
    noise: float = 0.3


class LatentsEncoding(Config):
    """Settings for encoding a data set once.

    Args:
        variants: Versions of each training picture; the first is the picture itself.
        reach: Largest shift of the other versions, in pixels.
        seed: Seed of the shifts.
    """

    variants: int = 4
    reach: int = 2
    seed: int = 0


class GeneratorTraining(Config):
    """Settings for training the hybrid generator: text encoder, scale-wise transformer and residual refiner.

    Args:
        loop: The loop.
        width: Width of the transformer.
        depth: Blocks of the transformer.
        heads: Heads of the transformer.
        drop_path: Largest chance to drop a branch of the transformer.
        text_depth: Blocks of the text encoder.
        residual_kind: ``conv`` or ``mlp``.
        residual_width: Width of the refiner.
        residual_depth: Blocks of the refiner.
        drop_both: Chance to drop caption and style together (the unconditional case of guidance).
        drop_caption: Chance to drop the caption alone.
        drop_style: Chance to drop the style alone.
        correction_share: Share of the pictures trained with self-correction.
        correction_rate: Largest share of a scale's labels that is perturbed.
        smoothing: Share of the target's mass given to the nearest codes.
        residual_draws: Times drawn for the refiner per picture and step.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
    """

    loop: LoopConfig
    width: int = 256
    depth: int = 8
    heads: int = 4
    drop_path: float = 0.05
    text_depth: int = 2
    residual_kind: Literal["conv", "mlp"] = "conv"
    residual_width: int = 192
    residual_depth: int = 4
    drop_both: float = 0.1
    drop_caption: float = 0.03
    drop_style: float = 0.1
    correction_share: float = 0.8
    correction_rate: float = 0.3
    smoothing: float = 0.1
    residual_draws: int = 2
    gradient_checkpointing: bool = False
