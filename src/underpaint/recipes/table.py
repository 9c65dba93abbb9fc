"""Every recipe by name."""

from __future__ import annotations

from collections.abc import Callable

from underpaint.recipes import evaluator_64, smoke, sticker_64
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.recipe import HybridRecipe

RECIPES: dict[str, Callable[[], HybridRecipe | EvaluatorRecipe]] = {
    "smoke": smoke.smoke,
    "sticker-64-nano": sticker_64.nano,
    "sticker-64-nano-bsq": sticker_64.nano_bsq,
    "evaluator-64": evaluator_64.evaluator,
}
