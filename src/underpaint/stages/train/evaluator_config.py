"""Settings for training an evaluator, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class EvaluatorRecipe(Config):
    """An evaluator from data set to artifact.

    Args:
        loop: The loop; its seed and ``fold`` make an independent evaluator.
        image_size: Side of the pictures it looks at, in pixels.
        widths: Channels at a half, a quarter and an eighth of the side.
        depths: Residual blocks at each of them.
        dim: Length of the features.
        text_model: Shipped model, or folder of a text table, whose word vectors the caption encoder stands on.
        text_width: Components of the word vectors that are kept.
        text_rows: Most frequent pieces that are kept, besides those of the training captions.
        text_depth: Transformer blocks of the caption encoder.
        folds: Number of folds that the concepts (clusters) are cut into; 1 for no folds.
        fold: The fold that is left out of training, so that evaluators of other folds know other concepts.
        held_out: Share of the training pictures kept for tuning and for the temperatures.
        balance: 1 shows every concept equally often in each style, 0 every picture.
        warped: Share of the pictures that are turned, scaled and moved; the others are moved by whole pixels.
        recolored: Share of the pictures without tone or color label that lose or change their colors.
        damaged: Share of the pictures that are damaged and teach nothing but how much.
        dropout: Chance that a feature is left out before the heads.
        smoothing: Label smoothing of the heads.
        damage_weight: Weight of the damage in the loss.
        head_weight: Weight of every head but the concept's in the loss.
    """

    loop: LoopConfig
    image_size: int = Field(default=64, ge=8, multiple_of=8)
    widths: tuple[Count, Count, Count] = (32, 80, 144)
    depths: tuple[int, int, int] = (1, 1, 2)
    dim: Count = 128
    text_model: str = "stickers-64"
    text_width: int = Field(default=96, ge=8, multiple_of=4)
    text_rows: Count = 3000
    text_depth: int = Field(default=1, ge=0)
    folds: Count = 1
    fold: int = Field(default=0, ge=0)
    held_out: float = Field(default=1 / 32, gt=0, lt=1)
    balance: Share = 0.75
    warped: Share = 0.4
    recolored: Share = 0.3
    damaged: Share = 0.15
    dropout: float = Field(default=0.1, ge=0, lt=1)
    smoothing: float = Field(default=0.05, ge=0, lt=1)
    damage_weight: float = Field(default=2.0, ge=0)
    head_weight: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _check_fold(self) -> EvaluatorRecipe:
        if self.fold >= self.folds:
            raise ValueError(f"fold must lie below folds = {self.folds}, not at {self.fold}")
        return self
