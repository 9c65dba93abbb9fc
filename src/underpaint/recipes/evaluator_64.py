"""Recipes for the evaluator of stickers at 64 pixels."""

from __future__ import annotations

from underpaint.learning.config import LoopConfig
from underpaint.stages.train.evaluator_config import EvaluatorRecipe


def evaluator(seed: int = 0, folds: int = 1, fold: int = 0) -> EvaluatorRecipe:
    """The shipped evaluator: pictures and captions in one space, six classifiers, features that see damage, 64 px.

    ``underpaint train evaluator-64 --data artifacts/stickers-64 --out artifacts/evaluator``; about fifty minutes on two
    CPU cores with bfloat16. What it reaches stands on its card, ``extractor.json``.

    Args:
        seed: Seed of weights and batches.
        folds: Number of folds that the concepts are cut into; 1 for no folds.
        fold: The fold that is left out; two evaluators of different folds and seeds are independent.
    """
    loop = LoopConfig(
        steps=3400,
        batch_size=128,
        lr=2.5e-3,
        warmup=100,
        average_decay=0.998,
        seed=seed,
        validate_every=200,
        save_every=200,
        sample_every=3400,
    )
    return EvaluatorRecipe(loop=loop, folds=folds, fold=fold)
