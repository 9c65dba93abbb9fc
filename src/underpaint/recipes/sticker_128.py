"""Recipes for stickers at 128 pixels: the hybrid model with eight scales."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.recipes.sticker_64 import PARTS, REGULARIZED, generator_nano, tokenizer_tiny
from underpaint.recipes.sticker_64 import nano as nano_64
from underpaint.recipes.sticker_64 import small as small_64
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.recipe import HybridRecipe, Sampling

FULL = (1, 2, 3, 4, 6, 9, 12, 16)
GROWN = (1, 2, 3, 4, 6, 8, 12, 16)
"""The scales of the models for 64 px, and two more."""


def small() -> HybridRecipe:
    """The flagship at 128 px: 384 x 8, eight scales, 547 tokens; for a GPU.

    ``underpaint train sticker-128-small --data artifacts/stickers-128 --out artifacts/small-128 --device cuda``. Not
    trained yet (docs/gpu.md).
    """
    base = small_64()
    tokenizer = tokenizer_tiny("vq", steps=12_000).model_copy(
        update={"schedule": FULL, "widths": (64, 128, 192), "codebook_size": 2048}
    )
    loop = LoopConfig(steps=30_000, batch_size=128, lr=8e-4, warmup=500, validate_every=500, sample_every=2000)
    loop = loop.in_parts(PARTS)
    generator = base.generator.model_copy(
        update={
            "loop": loop,
            "smoothing": (0.2, 0.2, 0.2, 0.15, 0.1, 0.1, 0.1, 0.1),
            "label_noise": (0.1, 0.1, 0.05, 0.05, 0.0, 0.0, 0.0, 0.0),
        }
    )
    return base.model_copy(
        update={
            "image_size": 128,
            "tokenizer": tokenizer,
            "generator": generator,
            "sampling": Sampling(
                guidance=3.0,
                guidance_shape=(0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0.0, 0.0),
                temperatures=(0.6, 0.6, 0.6, 0.6, 0.54, 0.48, 0.42, 0.3),
                top_p=0.95,
                residual_steps=2,
            ),
        }
    )


def nano() -> HybridRecipe:
    """The nano model grown from 64 px: 192 x 6, eight scales, 530 tokens; for a CPU.

    ``underpaint train sticker-128-nano --data artifacts/stickers-128 --out artifacts/nano-128 --from stickers-64``; its
    tokenizer takes 23 minutes of one CPU core without bfloat16 (30.0 dB, 25.6 from tokens alone), its generator about
    seven hours. Not trained to its end yet (docs/gpu.md).
    """
    base = nano_64()
    tokenizer = base.tokenizer.model_copy(
        update={
            "schedule": GROWN,
            "continuous_steps": 0,
            "joint_share": 0.6,
            "loop": LoopConfig(
                steps=400,
                batch_size=16,
                lr=8e-4,
                warmup=50,
                average_decay=0.99,
                weight_decay=0.01,
                validate_every=100,
                save_every=50,
                sample_every=200,
            ),
        }
    )
    loop = LoopConfig(
        steps=4000, batch_size=16, lr=1e-3, warmup=100, validate_every=500, save_every=50, sample_every=1000
    )
    softer = {"rewording": REGULARIZED["rewording"], "drop_path": REGULARIZED["drop_path"]}
    grown = {"plane": base.tokenizer.schedule[-1]}
    generator = generator_nano(loop.steps).model_copy(update={"loop": loop, **softer, **grown})
    sampling = Sampling(
        guidance=3.0,
        guidance_shape=(0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.0, 0.0),
        temperatures=(0.6, 0.6, 0.6, 0.6, 0.54, 0.48, 0.42, 0.3),
        top_p=0.95,
        residual_steps=2,
    )
    return base.model_copy(
        update={
            "image_size": 128,
            "tokenizer": tokenizer,
            "latents": LatentsEncoding(variants=2),
            "generator": generator,
            "sampling": sampling,
        }
    )
