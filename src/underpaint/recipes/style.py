"""Recipes that teach a saved hybrid model a person's own style, from a few dozen pictures."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.tuning.config import StyleRecipe


def _loop(lr: float) -> LoopConfig:
    return LoopConfig(
        steps=300,
        batch_size=16,
        lr=lr,
        warmup=20,
        final_lr=0.1,
        weight_decay=0.01,
        average_decay=0.95,
        validate_every=25,
        save_every=25,
        sample_every=300,
    )


def _decoder() -> DecoderTraining:
    loop = LoopConfig(
        steps=200,
        batch_size=16,
        lr=5e-4,
        warmup=20,
        final_lr=0.05,
        betas=(0.9, 0.99),
        weight_decay=0.01,
        average_decay=0.95,
        precision="f32",
        validate_every=25,
        save_every=25,
        sample_every=200,
    )
    return DecoderTraining(loop=loop)


def style() -> StyleRecipe:
    """A new style for a saved hybrid model, from a few dozen pictures: generator and decoder are trained.

    ``underpaint train style --from stickers-64 --data artifacts/pictures-64 --out artifacts/my-style``
    200 steps for the decoder, then at most 300 for the generator, each of 12 new pictures and 4 of what the model could
    do before; both end early once held-out pictures get no better. Five to eight minutes on one CPU core; what to
    expect stands in docs/your_style.md.
    """
    return StyleRecipe(loop=_loop(lr=2e-4), decoder=_decoder())


def style_low_rank() -> StyleRecipe:
    """The same with adapters of rank 16 on the transformer, and the decoder: a style is one small file.

    ``underpaint train style-low-rank --from stickers-64 --data artifacts/pictures-64 --out artifacts/my-style``
    As long and as good, as far as was measured (docs/log.md).
    """
    return StyleRecipe(loop=_loop(lr=1.5e-3), rank=16, decoder=_decoder())
