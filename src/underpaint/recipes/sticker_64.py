"""Recipes for stickers at 64 pixels: the hybrid model on the default data set."""

from __future__ import annotations

from typing import Any, Literal

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.config import GeneratorTraining, LatentsEncoding, TokenizerTraining
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.text_table_config import TextTableConfig

FULL = (1, 2, 3, 4, 6, 8)
PARTS = 8
"""Micro-batches of a step of the larger recipes, which up to so many processes can share."""
REGULARIZED: dict[str, Any] = {
    "drop_path": 0.1,
    "own_every": 4,
    "rewording": 0.15,
    "smoothing": (0.2, 0.2, 0.2, 0.15, 0.1, 0.1),
    "label_noise": (0.1, 0.1, 0.05, 0.05, 0.0, 0.0),
}
"""Self-correction from the model's own samples, other wordings, and softer targets where the coarse scales overfit."""


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
            residual_steps=2,
        ),
    )


def nano() -> HybridRecipe:
    """The shipped model's generator: hybrid tokens from a learned codebook, 3.4M-parameter transformer, 64 px.

    ``underpaint train sticker-64-nano --data artifacts/stickers-64 --out artifacts/nano``; about two hours on two CPU
    cores with bfloat16. Expect a held-out PSNR of 26.3 dB (tokens alone 22.5) and 4.02 nats a token on unseen concepts;
    more in docs/log.md and in the manifest of the weights. Its decoder was trained on by ``decoder-64`` and
    ``decoder-64-drawn``.
    """
    return _nano("vq", last_temperature=0.3)


def nano_bsq() -> HybridRecipe:
    """The same with binary codes in place of the learned codebook, for comparison; as long, 26.5 dB (22.7).

    ``underpaint train sticker-64-nano-bsq --data artifacts/stickers-64 --out artifacts/nano-bsq``; its generator was
    trained for 750 steps only so far (docs/log.md).
    """
    return _nano("bsq", last_temperature=0.42)


def generator_nano_tuned() -> GeneratorTraining:
    """Return how the generator of ``nano`` is trained on: longer, with Muon and softer targets at the coarse scales."""
    base = generator_nano(steps=2300)
    loop = base.loop.model_copy(
        update={
            "optimizer": "muon",
            "lr": 1e-3,
            "warmup": 100,
            "seed": 11,
            "validate_every": 250,
            "save_every": 50,
            "sample_every": 100_000,
        }
    )
    softer = {name: REGULARIZED[name] for name in ("drop_path", "rewording", "smoothing")}
    return base.model_copy(update={"loop": loop, **softer})


def nano_tuned() -> HybridRecipe:
    """The nano model trained on from a finished one for another 73,600 pictures, 64 px.

    ``underpaint train sticker-64-nano-tuned --data artifacts/stickers-64 --out artifacts/tuned --from artifacts/nano``;
    86 minutes on one CPU core without bfloat16. Expect 4.03 nats a token on unseen concepts, no fewer than before, and
    3.21 on unseen combinations (3.34 before); its pictures were no better, so it is not shipped (docs/log.md).
    """
    return nano().model_copy(update={"generator": generator_nano_tuned()})


def nano_long() -> HybridRecipe:
    """The nano model trained on from a finished one for another 128,000 pictures, 64 px.

    ``underpaint train sticker-64-nano-long --data artifacts/stickers-64 --out artifacts/long --from stickers-64``; an
    hour of a CPU core with bfloat16, half of that with two processes. Expect 3.96 nats a token on unseen concepts, 4.02
    before; its pictures were better by 4 % inside their interval, so it is not shipped (docs/log.md).
    """
    base = generator_nano(steps=4_000)
    loop = base.loop.model_copy(update={"lr": 1e-3, "seed": 12, "validate_every": 1000, "save_every": 200})
    softer = {name: REGULARIZED[name] for name in ("drop_path", "rewording", "smoothing")}
    generator = base.model_copy(update={"loop": loop.in_parts(2), **softer})
    return nano().model_copy(update={"generator": generator, "latents": LatentsEncoding(variants=8, reach=3)})


def _nano_fewer(schedule: tuple[int, ...], shape: tuple[float, ...], temperatures: tuple[float, ...]) -> HybridRecipe:
    """Return the nano model with some of its scales: codes and generator are trained on, the autoencoder is kept."""
    base, kept = nano_long(), [FULL.index(side) for side in schedule]
    codes = LoopConfig(
        steps=1000, batch_size=32, warmup=50, average_decay=0.99, weight_decay=0.0, validate_every=250, save_every=100
    )
    fixed = {"fixed_autoencoder": True, "continuous_steps": 0, "joint_share": 1.0}
    tokenizer = base.tokenizer.model_copy(update={"schedule": schedule, "loop": codes, **fixed})
    softer = {"smoothing": tuple(REGULARIZED["smoothing"][index] for index in kept)}
    sampling = base.sampling.model_copy(update={"guidance_shape": shape, "temperatures": temperatures})
    generator = base.generator.model_copy(update=softer)
    return base.model_copy(update={"tokenizer": tokenizer, "generator": generator, "sampling": sampling})


def nano_four_scales() -> HybridRecipe:
    """The nano model with four scales in place of six: 85 tokens, four passes, 64 px.

    ``underpaint train sticker-64-nano-four-scales --data artifacts/stickers-64 --out artifacts/four-scales --from
    stickers-64``; trained on as long as ``sticker-64-nano-long``, forty minutes of a quiet CPU core with bfloat16.
    Expect 4.69 nats a token on ``validation`` and three quarters of the time of six scales; its pictures were no worse
    by value. Stopped early, it has fewer nats a token and worse pictures (docs/log.md).
    """
    return _nano_fewer((1, 2, 4, 8), (1 / 3, 2 / 3, 1.0, 0.0), (0.6, 0.6, 0.54, 0.3))


def nano_three_scales() -> HybridRecipe:
    """The nano model with its early scales fused into one of 2 x 2: 84 tokens, three passes, 64 px.

    ``underpaint train sticker-64-nano-three-scales --data artifacts/stickers-64 --out artifacts/three-scales --from
    stickers-64``; as long as with four scales. Not trained to its end yet; it takes .70 of the time of six scales.
    """
    return _nano_fewer((2, 4, 8), (0.5, 1.0, 0.0), (0.6, 0.54, 0.3))


def nano_tokens() -> HybridRecipe:
    """The nano model without a refiner: what the tokens say is the picture, 64 px.

    ``underpaint train sticker-64-nano-tokens --data artifacts/stickers-64 --out artifacts/tokens``. The refiner moves
    no other network in training, so this is ``sticker-64-nano`` drawn with ``residual_steps: null``, and is measured by
    that (docs/family.md).
    """
    base = nano()
    generator = base.generator.model_copy(update={"trains": "tokens"})
    sampling = base.sampling.model_copy(update={"residual_steps": None})
    return base.model_copy(update={"generator": generator, "sampling": sampling})


def nano_regression() -> HybridRecipe:
    """The nano model with a regression in place of diffusion: its refiner learns the mean residual alone, 64 px.

    ``underpaint train sticker-64-nano-regression --data artifacts/stickers-64 --out artifacts/regression --from
    stickers-64``; tokens and transformer stay those of the saved model. About twenty minutes of a quiet CPU core with
    bfloat16. Expect a squared error of 1.34 on ``validation``; its pictures were no worse by value (docs/log.md).
    """
    base = generator_nano(steps=3000)
    loop = base.loop.model_copy(update={"lr": 1e-3, "warmup": 100, "seed": 13, "validate_every": 500})
    alone = {"loop": loop, "trains": "refiner", "mean_share": 1.0}
    recipe = nano()
    sampling = recipe.sampling.model_copy(update={"residual_steps": 0})
    return recipe.model_copy(update={"generator": base.model_copy(update=alone), "sampling": sampling})


def _larger(width: int, depth: int, heads: int, refiner: tuple[int, int], steps: int, batch_size: int) -> HybridRecipe:
    loop = LoopConfig(steps=steps, batch_size=batch_size, lr=1e-3, warmup=500, validate_every=500, sample_every=2000)
    generator = GeneratorTraining(
        loop=loop,
        width=width,
        depth=depth,
        heads=heads,
        early_scales=3,
        residual_width=refiner[0],
        residual_depth=refiner[1],
        **REGULARIZED,
    )
    return nano().model_copy(update={"generator": generator, "latents": LatentsEncoding(variants=8)})


def tiny() -> HybridRecipe:
    """The flagship of a night on a CPU: 256 x 8 (8.8M with early tokens and refiner), 64 px.

    ``underpaint train sticker-64-tiny --data artifacts/stickers-64 --out artifacts/tiny``; some fifteen hours on two
    CPU cores, minutes on a large GPU. Not trained to the end yet (docs/gpu.md).
    """
    return _larger(256, 8, 4, (160, 4), steps=20_000, batch_size=32)


def small() -> HybridRecipe:
    """The flagship for a GPU: 384 x 8 (19.6M with early tokens and refiner), 64 px.

    ``underpaint train sticker-64-small --data artifacts/stickers-64 --out artifacts/small --device cuda``; about
    twenty minutes on a large GPU by arithmetic. Not trained yet (docs/gpu.md).
    """
    recipe = _larger(384, 8, 6, (256, 4), steps=20_000, batch_size=256)
    loop = recipe.generator.loop.in_parts(PARTS)
    return recipe.model_copy(update={"generator": recipe.generator.model_copy(update={"loop": loop})})
