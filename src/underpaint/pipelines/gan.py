"""The GAN pipeline: a picture from noise and words in one pass; the hybrid's fastest rival.

Shapes: ``B`` batch, ``H`` side of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.models.gan_generator import GanGenerator
from underpaint.models.text_encoder import TextEncoder, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.drawer import unwatched
from underpaint.pipelines.noise import NoiseStream
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.pipelines.text_to_picture import SamplingConfig, TextToPicture

NOISE = "gan"
"""The stream of the generator's noise."""


class GanConfig(SamplingConfig):
    """Settings of the GAN pipeline.

    Args:
        styles: Names of the styles, in the order of the style embedding.
        truncation: Factor on the noise; below 1 pictures are more usual and less various.
    """

    truncation: float = Field(default=1.0, ge=0)


class GanPipeline(TextToPicture[GanConfig]):
    """Text to picture with a GAN; a request's temperature is one more factor on the noise.

    Args:
        text_tokenizer: Text to token ids.
        text_encoder: Ids to states.
        generator: Noise and text to pictures.
        config: How to sample.
    """

    def __init__(
        self,
        *,
        text_tokenizer: TextTokenizer,
        text_encoder: TextEncoder,
        generator: GanGenerator,
        config: GanConfig,
    ) -> None:
        super().__init__(text_tokenizer, text_encoder, config)
        self.generator = generator

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return self.generator.config.image_size

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks by component name."""
        return {"text_encoder": self.text_encoder, "generator": self.generator}

    @property
    def network(self) -> GanGenerator:
        """The network that draws."""
        return self.generator

    def fit(self) -> dict[str, bool]:
        """Say what the components must agree about, and whether they do."""
        return {
            "the number of styles": self.generator.config.num_styles == len(self.styles),
            "the text width": self.generator.config.text_width == self.text_encoder.config.width,
        }

    @property
    def streams(self) -> tuple[NoiseStream, ...]:
        """The random numbers that a picture is drawn from."""
        return (NoiseStream(name=NOISE, kind="normal", shape=(self.generator.config.noise_width,)),)

    def numbers(self, requests: Sequence[DrawRequest]) -> Numbers:
        """Return the numbers of requests that differ in words and seeds alone; see ``TextToPicture``."""
        for request in requests:
            check_numbers(request)
        factor = 1.0 if requests[0].temperature is None else requests[0].temperature
        noise = self.noise(requests)
        return Numbers(size=len(requests), guidance=0.0, temperature=factor, steps=None, noise=noise)

    def pictures(self, text: TextStates, style: Tensor, numbers: Numbers, on_stage: OnStage) -> Tensor:
        """Draw a batch from tensors alone; see ``TextToPicture``."""
        on_stage("transformer")
        noise = numbers.noise(NOISE) * (self.config.truncation * numbers.temperature)  # [B, noise_width]
        return self.generator(noise, text.pooled, style)

    @torch.no_grad()
    def draw_pictures(self, requests: Sequence[DrawRequest]) -> Tensor:
        """Draw premultiplied pictures ``[B, 4, H, H]``, nominally in [-1, 1], all in one batch.

        The numbers of the first request hold for all.
        """
        text = self.encode_text([request.caption for request in requests])
        style = self.style_index([request.style for request in requests])
        return self.pictures(text, style, self.numbers(requests), unwatched)


def check_numbers(request: DrawRequest) -> None:
    """Check that a request asks for nothing that a generator of one pass cannot give.

    Raises:
        InputError: It asks for guidance or for a number of steps.
    """
    if request.guidance:
        raise InputError(
            f"a GAN knows no guidance, got {request.guidance:g}; leave it out, or pass 0, the conditional model alone"
        )
    if request.steps is not None:
        raise InputError(f"a GAN draws in one pass and takes no steps, got {request.steps}; leave them out")
