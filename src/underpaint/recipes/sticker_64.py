"""Recipes for stickers at 64 pixels: the hybrid model on the default data set."""

from __future__ import annotations

from typing import Literal

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.config import GeneratorTraining, LatentsEncoding, TokenizerTraining
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.text_table_config import TextTableConfig

FULL = (1, 2, 3, 4, 6, 8)


def tokenizer_tiny(kind: Literal["vq", "bsq"], steps: int) -> TokenizerTraining:
    """Return the 2M-parameter tokenizer of the ``tiny`` tier.

    Args:
        kind: ``vq`` or ``bsq``.
        steps: Optimizer steps of 32 pictures.
    """
    loop = LoopConfig(
        steps=steps,
        batch_size=32,
        lr=1.5e-3,
        warmup=100,
        average_decay=0.995,
        weight_decay=0.01,
        validate_every=500,
        save_every=500,
        sample_every=1000,
    )
    return TokenizerTraining(loop=loop, kind=kind, schedule=FULL, codebook_size=1024)


def generator_nano(steps: int) -> GeneratorTraining:
    """Return the generator of the ``nano`` tier: a transformer of 192 x 6 and a refiner of 128 x 3.

    Args:
        steps: Optimizer steps of 32 pictures.
    """
    loop = LoopConfig(
        steps=steps,
        batch_size=32,
        lr=1.5e-3,
        warmup=200,
        validate_every=500,
        save_every=250,
        sample_every=1000,
    )
    return GeneratorTraining(loop=loop, width=192, depth=6, heads=3, text_depth=1, residual_width=128, residual_depth=3)


def _nano(kind: Literal["vq", "bsq"], last_temperature: float) -> HybridRecipe:
    return HybridRecipe(
        image_size=64,
        text_table=TextTableConfig(),
        tokenizer=tokenizer_tiny(kind, steps=3600),
        latents=LatentsEncoding(),
        generator=generator_nano(steps=6000),
        sampling=Sampling(
            guidance=3.0,
            guidance_shape=(0.25, 0.5, 0.75, 1.0, 0.0, 0.0),
            temperatures=(0.6, 0.6, 0.6, 0.54, 0.42, last_temperature),
            top_p=0.95,
            residual_steps=0,
        ),
    )


def nano() -> HybridRecipe:
    """The shipped model: hybrid tokens from a learned codebook, 3.4M-parameter transformer, 64 px.

    ``underpaint train sticker-64-nano --data artifacts/stickers-64 --out artifacts/nano``; about two hours on two CPU
    cores with bfloat16. Expect a held-out PSNR of 26.3 dB (tokens alone 22.5) and 4.02 nats a token on unseen concepts;
    more in docs/log.md and in the manifest of the weights.
    """
    return _nano("vq", last_temperature=0.3)


def nano_bsq() -> HybridRecipe:
    """The same with binary codes in place of the learned codebook, for comparison; as long, 26.5 dB (22.7).

    ``underpaint train sticker-64-nano-bsq --data artifacts/stickers-64 --out artifacts/nano-bsq``; its generator was
    trained for 750 steps only so far (docs/log.md).
    """
    return _nano("bsq", last_temperature=0.42)
