"""Recipes that teach a saved hybrid model a person's own style, from a few dozen pictures."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.tuning.config import StyleRecipe


def _loop(lr: float) -> LoopConfig:
    return LoopConfig(
        steps=400,
        batch_size=16,
        lr=lr,
        warmup=20,
        final_lr=0.1,
        weight_decay=0.01,
        average_decay=0.95,
        validate_every=25,
        save_every=25,
        sample_every=400,
    )


def style() -> StyleRecipe:
    """A new style for a saved hybrid model, from a few dozen pictures: all of the generator is trained.

    ``underpaint train style --from stickers-64 --data artifacts/pictures-64 --out artifacts/my-style``
    At most 400 steps of 12 new pictures and 4 of what the model could do before; it ends early once held-out pictures
    are no longer predicted better. What to expect stands in docs/your_style.md.
    """
    return StyleRecipe(loop=_loop(lr=4e-4))


def style_low_rank() -> StyleRecipe:
    """The same with adapters of rank 16 on the transformer alone: a style is one small file beside the model.

    ``underpaint train style-low-rank --from stickers-64 --data artifacts/pictures-64 --out artifacts/my-style``
    """
    return StyleRecipe(loop=_loop(lr=3e-3), rank=16)
