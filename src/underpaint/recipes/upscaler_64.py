"""Recipe for the shipped upscaler of drawings at 64 pixels."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.upscaler_config import UpscalerTraining


def upscaler(seed: int = 0) -> UpscalerTraining:
    """The shipped upscaler: drawings of 64 px four times as large, edges and transparency clean.

    ``underpaint data build stickers --size 256 --out artifacts/stickers-256``, then
    ``underpaint train upscaler-64 --data artifacts/stickers-256 --out artifacts/upscaler``
    Twenty-four minutes of a CPU core that much else used as well. Expect 34.8 dB on large held-out drawings that were
    reduced, and 34.5 from what needs no learning (docs/log.md).

    Args:
        seed: Seed of weights and batches.
    """
    loop = LoopConfig(
        steps=700,
        batch_size=4,
        lr=1.5e-3,
        warmup=50,
        final_lr=0.02,
        betas=(0.9, 0.99),
        weight_decay=0.0,
        clip=0.1,
        average_decay=0.995,
        seed=seed,
        precision="f32",
        validate_every=175,
        save_every=100,
        sample_every=350,
    )
    return UpscalerTraining(loop=loop)
