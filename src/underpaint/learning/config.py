"""Settings of the training loop; imports no torch, so that recipes and stage settings can hold them."""

from __future__ import annotations

from typing import Literal

from underpaint.core.config import Config


class LoopConfig(Config):
    """Settings of one training loop.

    Args:
        steps: Optimizer steps.
        batch_size: Pictures a step.
        lr: Peak learning rate.
        warmup: Steps of linear warm-up.
        final_lr: Learning rate at the end, as a share of the peak.
        betas: AdamW's decay rates.
        weight_decay: AdamW's weight decay; applies to matrices and kernels only.
        clip: Largest norm of the gradient, of each network that is trained together apart.
        average_decay: Decay of the weight average.
        seed: Seed of everything random.
        precision: ``bf16`` runs matrix products in bfloat16, ``f32`` does not, ``auto`` takes bfloat16 where the
            hardware has it.
        validate_every: Steps between validations.
        save_every: Steps between saved states.
        sample_every: Steps between sample grids.
    """

    steps: int
    batch_size: int = 32
    lr: float = 1e-3
    warmup: int = 100
    final_lr: float = 0.02
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.05
    clip: float = 1.0
    average_decay: float = 0.999
    seed: int = 0
    precision: Literal["auto", "f32", "bf16"] = "auto"
    validate_every: int = 500
    save_every: int = 250
    sample_every: int = 1000
