"""The smallest recipe that runs every step: minutes on two CPU cores, pictures of no use."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.config import GeneratorTraining, LatentsEncoding, TokenizerTraining
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.text_table_config import TextTableConfig


def smoke() -> HybridRecipe:
    """Every step at 64 pixels in about three minutes on two CPU cores; pictures of no use.

    ``underpaint train smoke --data artifacts/stickers-64 --out artifacts/smoke``
    """
    tokenizer = TokenizerTraining(
        loop=LoopConfig(steps=150, batch_size=16, lr=2e-3, warmup=10, average_decay=0.98, validate_every=75),
        widths=(16, 32, 64),
        codebook_size=256,
        schedule=(1, 2, 4, 8),
        continuous_steps=40,
    )
    generator = GeneratorTraining(
        loop=LoopConfig(steps=60, batch_size=16, lr=2e-3, warmup=10, average_decay=0.98, validate_every=30),
        width=64,
        depth=2,
        heads=2,
        text_depth=1,
        residual_width=64,
        residual_depth=1,
    )
    sampling = Sampling(
        guidance=1.5,
        guidance_shape=(0.33, 0.67, 1.0, 0.0),
        temperatures=(1.0, 1.0, 0.8, 0.5),
        top_p=0.95,
        residual_steps=0,
    )
    return HybridRecipe(
        image_size=64,
        text_table=TextTableConfig(),
        tokenizer=tokenizer,
        latents=LatentsEncoding(variants=2),
        generator=generator,
        sampling=sampling,
    )
