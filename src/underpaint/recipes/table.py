"""Every recipe by name."""

from __future__ import annotations

from collections.abc import Callable

from underpaint.recipes import (
    decoder_64,
    decoder_128,
    evaluator_64,
    rivals_64,
    smoke,
    sticker_64,
    sticker_128,
    style,
    upscaler_64,
)
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.recipe import HybridRecipe
from underpaint.stages.train.rival_recipe import FewStepRecipe, FlowRecipe, GanRecipe
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.upscaler_config import UpscalerTraining

Recipe = (
    HybridRecipe
    | FlowRecipe
    | FewStepRecipe
    | GanRecipe
    | DecoderTraining
    | EvaluatorRecipe
    | StyleRecipe
    | UpscalerTraining
)

RECIPES: dict[str, Callable[[], Recipe]] = {
    "smoke": smoke.smoke,
    "sticker-64-nano": sticker_64.nano,
    "sticker-64-nano-bsq": sticker_64.nano_bsq,
    "sticker-64-nano-tuned": sticker_64.nano_tuned,
    "sticker-64-nano-long": sticker_64.nano_long,
    "sticker-64-nano-four-scales": sticker_64.nano_four_scales,
    "sticker-64-nano-three-scales": sticker_64.nano_three_scales,
    "sticker-64-nano-tokens": sticker_64.nano_tokens,
    "sticker-64-nano-regression": sticker_64.nano_regression,
    "sticker-64-nano-flow": rivals_64.flow_nano,
    "sticker-64-nano-few-step": rivals_64.few_step_nano,
    "sticker-64-nano-gan": rivals_64.gan_nano,
    "sticker-64-tiny": sticker_64.tiny,
    "sticker-64-tiny-flow": rivals_64.flow_tiny,
    "sticker-64-small": sticker_64.small,
    "sticker-128-nano": sticker_128.nano,
    "sticker-128-small": sticker_128.small,
    "decoder-64": decoder_64.decoder,
    "decoder-64-drawn": decoder_64.drawn,
    "decoder-128": decoder_128.decoder,
    "evaluator-64": evaluator_64.evaluator,
    "upscaler-64": upscaler_64.upscaler,
    "style": style.style,
    "style-low-rank": style.style_low_rank,
}
