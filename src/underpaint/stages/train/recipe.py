"""A complete recipe for a hybrid model: everything that training needs to know, in one place."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.pipelines.limits import Mass
from underpaint.stages.train.config import GeneratorTraining, LatentsEncoding, TokenizerTraining
from underpaint.stages.train.text_table_config import TextTableConfig

NotNegative = Annotated[float, Field(ge=0)]


class Sampling(Config):
    """How the finished pipeline draws; vectors have one entry a scale, coarse to fine.

    Args:
        guidance: Strength of the pull towards the caption.
        guidance_shape: Share of the strength at each scale.
        temperatures: Sampling temperature at each scale.
        top_p: Share of probability kept, at all scales or at each.
        residual_steps: Steps of the refiner; 0 adds the mean residual, None leaves the refiner out.
    """

    guidance: float = Field(ge=0)
    guidance_shape: tuple[NotNegative, ...]
    temperatures: tuple[NotNegative, ...]
    top_p: Mass | tuple[Mass, ...]
    residual_steps: int | None = Field(ge=0)


class HybridRecipe(Config):
    """A hybrid model from data set to pipeline.

    Args:
        image_size: Side of the pictures in pixels.
        text_table: How the text table is distilled.
        tokenizer: How the tokenizer is trained.
        latents: How the data set is encoded.
        generator: How the generator is trained.
        sampling: How the pipeline draws.
    """

    image_size: int = Field(ge=8)
    text_table: TextTableConfig
    tokenizer: TokenizerTraining
    latents: LatentsEncoding
    generator: GeneratorTraining
    sampling: Sampling

    @property
    def needs_start(self) -> bool:
        """Whether a part is taken from a saved model as it is, so that there must be one."""
        return self.tokenizer.fixed_autoencoder or self.generator.trains == "refiner"

    def check_start(self, start: object | None) -> None:
        """Check that there is a model to start from, if there must be one.

        Args:
            start: What names it; None for none.

        Raises:
            InputError: There is none.
        """
        if start is None and self.needs_start:
            raise InputError(
                "this recipe keeps a part of a saved model as it is, so it needs one to start from: --from stickers-64"
            )

    @model_validator(mode="after")
    def _check_sizes(self) -> HybridRecipe:
        scales = len(self.tokenizer.schedule)
        last, sampling = self.tokenizer.schedule[-1], self.sampling
        shares, temperatures = sampling.guidance_shape, sampling.temperatures
        if last * 8 != self.image_size:
            raise ValueError(
                f"the schedule must end at {self.image_size // 8} for pictures of {self.image_size} px, not at {last}"
            )
        if len(shares) != scales or len(temperatures) != scales:
            raise ValueError(
                f"sampling needs one guidance share and one temperature for each of {scales} scales, not {len(shares)} "
                f"and {len(temperatures)}"
            )
        if isinstance(sampling.top_p, tuple) and len(sampling.top_p) != scales:
            raise ValueError(f"top_p must be one number or one for each of {scales} scales, not {sampling.top_p}")
        if self.tokenizer.fixed_autoencoder and self.generator.trains != "all":
            raise ValueError(
                "codes that are fitted anew need a generator that learns them, not one that trains the "
                f"{self.generator.trains} alone; set trains to all, or fixed_autoencoder to false"
            )
        if self.generator.trains == "tokens" and sampling.residual_steps is not None:
            raise ValueError(
                f"a generator of tokens alone has no refiner, but residual_steps is {sampling.residual_steps}; set it "
                "to None, or train all"
            )
        return self
