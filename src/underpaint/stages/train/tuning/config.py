"""Settings for teaching a saved hybrid model a style from a few dozen pictures; imports no torch."""

from __future__ import annotations

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig
from underpaint.stages.train.config import Count, LatentsEncoding, Share, Shares
from underpaint.stages.train.decoder_config import DecoderTraining


class Drops(Config):
    """How often parts of a request are left out in training.

    Args:
        drop_both: Chance to drop caption and style together.
        drop_caption: Chance to drop the caption alone.
        drop_style: Chance to drop the style alone.
    """

    drop_both: Share = 0.0
    drop_caption: Share = 0.0
    drop_style: Share = 0.0


class StyleRecipe(Config):
    """A new style for a saved model, from a few pictures.

    Args:
        loop: The loop; its steps are the most that are done.
        rank: Rank of the adapters on the transformer's linear maps; None trains transformer, text encoder and refiner.
        decoder: How the decoder learns to draw the style; None leaves it as it is.
        decoder_keep_share: As ``keep_share``, for the decoder's batches.
        latents: How the pictures are encoded: shifted, and half of the versions mirrored where captions allow it.
        min_pictures: Fewest pictures to learn from.
        held_out_share: Least share of the pictures that is held out, in whole groups.
        unnamed: Name of the style of pictures that name none.
        keep_share: Share of a batch that shows what the model could do before.
        keep_count: Pictures of what it could do before: drawn by itself, or of the data set to keep.
        patience: Validations without a better one after which training ends.
        drops: What is left out of requests for the new pictures. Nothing makes them pictures in no style or of no
            words, so what guidance points away from stays that of the model before.
        keep_drops: The same for what it could do before.
        correction_share: As in ``GeneratorTraining``.
        correction_rate: As in ``GeneratorTraining``.
        smoothing: As in ``GeneratorTraining``.
        rewording: As in ``GeneratorTraining``.
        residual_draws: As in ``GeneratorTraining``.
    """

    loop: LoopConfig
    rank: int | None = Field(default=None, ge=1, le=1024)
    decoder: DecoderTraining | None = None
    decoder_keep_share: float = Field(default=0.25, ge=0, lt=1)
    latents: LatentsEncoding = LatentsEncoding(variants=32, reach=3)
    min_pictures: int = Field(default=8, ge=2)
    held_out_share: float = Field(default=0.2, gt=0, lt=1)
    unnamed: str = Field(default="own", min_length=1)
    keep_share: float = Field(default=0.25, ge=0, lt=1)
    keep_count: int = Field(default=192, ge=6)
    patience: Count = 4
    drops: Drops = Drops(drop_caption=0.1)
    keep_drops: Drops = Drops(drop_both=0.1, drop_caption=0.03, drop_style=0.1)
    correction_share: Share = 0.8
    correction_rate: Shares = 0.3
    smoothing: Shares = 0.1
    rewording: Share = 0.15
    residual_draws: Count = 2

    @model_validator(mode="after")
    def _check_batch(self) -> StyleRecipe:
        if self.kept_in_batch >= self.loop.batch_size:
            raise ValueError(f"a batch of {self.loop.batch_size} has no room for new pictures at {self.keep_share:g}")
        return self

    @property
    def kept_in_batch(self) -> int:
        """Pictures of a batch that show what the model could do before."""
        return round(self.loop.batch_size * self.keep_share)
