"""The GAN pipeline: a picture from noise and words in one pass; the hybrid's fastest rival.

Shapes: ``B`` batch, ``H`` side of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.models.gan_generator import GanGenerator
from underpaint.models.pixels import to_straight
from underpaint.models.text_encoder import TextEncoder, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.pipelines.text_to_picture import SamplingConfig, TextToPicture
from underpaint.runtime.rng import normal


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

    def draw_alike(self, requests: Sequence[DrawRequest], on_stage: OnStage) -> np.ndarray:
        """Draw requests of equal numbers together; see ``TextToPicture``.

        Raises:
            InputError: A style is unknown, or a request asks for guidance or a number of steps.
        """
        for request in requests:
            check_numbers(request)
        on_stage("text")
        text = self.encode_text([request.caption for request in requests])
        on_stage("transformer")
        return to_straight(self._draw(text, requests))

    @torch.no_grad()
    def draw_pictures(self, requests: Sequence[DrawRequest]) -> Tensor:
        """Draw premultiplied pictures ``[B, 4, H, H]``, nominally in [-1, 1], all in one batch."""
        return self._draw(self.encode_text([request.caption for request in requests]), requests)

    def _draw(self, text: TextStates, requests: Sequence[DrawRequest]) -> Tensor:
        style = self.style_index([request.style for request in requests])
        return self.generator(self._noise(requests), text.pooled, style)

    def _noise(self, requests: Sequence[DrawRequest]) -> Tensor:
        """Return each request's own noise ``[B, noise_width]``, shortened as it asks."""
        shape = (self.generator.config.noise_width,)
        drawn = [normal(request.seed, "gan", shape) for request in requests]
        asked = [1.0 if request.temperature is None else request.temperature for request in requests]
        factors = self.config.truncation * torch.tensor(asked, device=self.device)
        return torch.from_numpy(np.stack(drawn)).to(self.device) * factors[:, None]


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
