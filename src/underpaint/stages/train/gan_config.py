"""Settings for training the GAN: text encoder, generator and discriminator together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.learning.config import LoopConfig

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class GanTraining(Config):
    """Settings for training the GAN; a picture has ``8 * 2**(len(widths) - 1)`` pixels a side.

    The paper trains with Adam without momentum and without weight decay: give the loop ``betas`` whose first is 0 and
    ``weight_decay=0``.

    Args:
        loop: The loop; always runs in float32, whatever its precision, since second derivatives are taken.
        widths: Channels of the generator at sides 4, 8, 16 and so on.
        blocks: Blocks of the generator at each of them.
        judge_widths: Channels of the discriminator at half the side of the picture, a quarter and so on.
        judge_blocks: Blocks of the discriminator at each of them.
        condition_width: Width of the vector made of noise, caption and style.
        text_depth: Blocks of the text encoder.
        penalty: Weight of the gradient penalties (gamma).
        penalty_every: Steps between two steps with penalties, which then weigh as much more.
        mismatch: Weight of right against wrong captions in the discriminator's loss.
        reach: Largest shift of a real picture, in pixels.
        drop_style: Chance to drop the style.
    """

    loop: LoopConfig
    widths: tuple[Count, ...] = Field(default=(384, 256, 96, 48), min_length=1)
    blocks: tuple[Count, ...] = Field(default=(2, 1, 1, 1), min_length=1)
    judge_widths: tuple[Count, ...] = Field(default=(32, 64, 128, 256), min_length=1)
    judge_blocks: tuple[Count, ...] = Field(default=(1, 1, 1, 1), min_length=1)
    condition_width: Count = 640
    text_depth: int = Field(default=1, ge=0)
    penalty: float = Field(default=10.0, ge=0)
    penalty_every: Count = 8
    mismatch: float = Field(default=0.5, ge=0)
    reach: int = Field(default=2, ge=0)
    drop_style: Share = 0.2

    @model_validator(mode="after")
    def _check_sides(self) -> GanTraining:
        lengths = [len(x) for x in (self.widths, self.blocks, self.judge_widths, self.judge_blocks)]
        if len(set(lengths)) > 1:
            raise ValueError(f"widths, blocks, judge_widths and judge_blocks must be equally long, not {lengths}")
        return self

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return 4 * 2 ** len(self.widths)

    @property
    def drop_both(self) -> float:
        """Chance to drop caption and style together: none, since only guidance would need it."""
        return 0.0

    @property
    def drop_caption(self) -> float:
        """Chance to drop the caption alone: none, likewise."""
        return 0.0
