"""The flow pipeline: a latent drawn from noise along a velocity field, then the decoder; the hybrid's rival.

The text runs through the blocks once a picture; every step runs the conditional and, where guidance is on, the
unconditional half as one batch.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent, ``H`` side of the picture.

Source: flow matching, arXiv 2210.02747; guidance interval, arXiv 2404.07724.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import is_none, is_zero
from underpaint.core.errors import InputError
from underpaint.diffusion.guidance import GuidanceInterval, acts, guided_denoiser, in_interval
from underpaint.diffusion.output_cache import OutputCache, cached_denoiser
from underpaint.diffusion.solvers import Denoiser, evaluations, solve, time_grid
from underpaint.models.autoencoder import Autoencoder
from underpaint.models.flow_transformer import FlowCondition, FlowTransformer
from underpaint.models.text_encoder import TextEncoder, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import Cache
from underpaint.pipelines.noise import NoiseStream
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.pipelines.text_to_picture import SamplingConfig, TextToPicture

START = "flow"
"""The stream of the noise that a picture begins as."""

Solver = Literal["euler", "heun", "dpmpp_2m", "unipc"]


class FlowConfig(SamplingConfig):
    """Settings of the flow pipeline.

    Args:
        steps: Default number of steps.
        solver: How the steps are taken.
        guidance: Default strength of the pull towards the caption; 0 runs no unconditional half.
        interval: Times at which guidance acts; 0 is noise, 1 is clean.
        shift: Shift of the time grid towards noise; 1 for none.
        step_counts: Numbers of steps that a distilled network knows, which has taken guidance in; None for any number.
        cache: Which calls of the network are skipped; None for none.
        guidance_taken_in: Whether a network that takes any number of steps has taken guidance in.
    """

    steps: int = Field(default=20, ge=1)
    solver: Solver = "euler"
    guidance: float = Field(default=1.5, ge=0)
    interval: GuidanceInterval = GuidanceInterval()
    shift: float = Field(default=1.0, gt=0)
    step_counts: tuple[int, ...] | None = None
    cache: OutputCache | None = Field(default=None, exclude_if=is_none)
    guidance_taken_in: bool = Field(default=False, exclude_if=is_zero)

    @property
    def unguided(self) -> bool:
        """Whether the network cannot be guided: it was distilled, and has taken guidance in."""
        return self.guidance_taken_in or self.step_counts is not None


class FlowPipeline(TextToPicture[FlowConfig]):
    """Text to picture with a flow transformer, in many steps or, distilled, in few.

    Args:
        text_tokenizer: Text to token ids.
        text_encoder: Ids to states.
        autoencoder: Latents to pictures.
        flow_transformer: Noisy latents to clean ones.
        config: How to sample.
    """

    def __init__(
        self,
        *,
        text_tokenizer: TextTokenizer,
        text_encoder: TextEncoder,
        autoencoder: Autoencoder,
        flow_transformer: FlowTransformer,
        config: FlowConfig,
    ) -> None:
        super().__init__(text_tokenizer, text_encoder, config)
        self.autoencoder, self.flow_transformer = autoencoder, flow_transformer

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return self.flow_transformer.config.side * self.autoencoder.config.downsampling

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks by component name."""
        return {
            "text_encoder": self.text_encoder,
            "autoencoder": self.autoencoder,
            "flow_transformer": self.flow_transformer,
        }

    @property
    def network(self) -> FlowTransformer:
        """The network that draws."""
        return self.flow_transformer

    def fit(self) -> dict[str, bool]:
        """Say what the components must agree about, and whether they do."""
        network = self.flow_transformer.config
        return {
            "the latent channels": network.latent_channels == self.autoencoder.config.latent_channels,
            "the number of styles": network.num_styles == len(self.styles),
            "the text width": network.text_width == self.text_encoder.config.width,
            "the step lengths": network.step_length == (self.config.step_counts is not None),
        }

    @property
    def streams(self) -> tuple[NoiseStream, ...]:
        """The random numbers that a picture is drawn from: the state at time 0."""
        config = self.flow_transformer.config
        return (NoiseStream(name=START, kind="normal", shape=(config.latent_channels, config.side, config.side)),)

    def numbers(self, requests: Sequence[DrawRequest]) -> Numbers:
        """Return the numbers of requests that differ in words and seeds alone; see ``TextToPicture``."""
        first = requests[0]
        guidance = self.config.guidance if first.guidance is None else first.guidance
        steps = self.config.steps if first.steps is None else max(first.steps, 1)
        self._check(steps, guidance)
        factor = 1.0 if first.temperature is None else first.temperature
        noise = self.noise(requests)
        return Numbers(size=len(requests), guidance=guidance, temperature=factor, steps=steps, noise=noise)

    def pictures(self, text: TextStates, style: Tensor, numbers: Numbers, on_stage: OnStage) -> Tensor:
        """Draw a batch from tensors alone; see ``TextToPicture``."""
        on_stage("transformer")
        latent = self._draw_latents(text, style, numbers)
        on_stage("decoder")
        return self.autoencoder.decode(latent)

    @torch.no_grad()
    def draw_latents(self, requests: Sequence[DrawRequest]) -> Tensor:
        """Draw latents ``[B, C, h, h]`` alone; the numbers of the first request hold for all."""
        text = self.encode_text([request.caption for request in requests])
        return self._draw_latents(
            text, self.style_index([request.style for request in requests]), self.numbers(requests)
        )

    def _draw_latents(self, text: TextStates, style: Tensor, numbers: Numbers) -> Tensor:
        noise = numbers.noise(START) * numbers.temperature  # [B, C, h, h]
        times = time_grid(numbers.steps or self.config.steps, self.config.shift)
        denoise = self._denoiser(text, style, numbers.guidance, times)
        if self.config.cache is not None:
            calls, span = evaluations(self.config.solver, len(times) - 1), self.config.interval
            denoise = cached_denoiser(denoise, calls, self.config.cache, lambda t: in_interval(t, span.low, span.high))
        return solve(denoise, noise, times, self.config.solver)

    def _check(self, steps: int, strength: float) -> None:
        """Refuse what a distilled network does not know.

        Raises:
            InputError: It does not know this number of steps, or has taken guidance in already.
        """
        counts = self.config.step_counts
        if counts is not None and steps not in counts:
            raise InputError(f"this model was distilled to {', '.join(map(str, counts))} steps, not to {steps}")
        if self.config.unguided and strength > 0.0:
            raise InputError(f"this model has taken guidance in and cannot be guided by {strength}; leave guidance out")

    def _denoiser(self, text: TextStates, style: Tensor, strength: float | Tensor, times: Sequence[float]) -> Denoiser:
        """Return the prediction of the clean latent as a function of state and time."""
        network, size = self.flow_transformer, len(style)
        asked = text.with_and_without(style, network.any_style) if acts(strength) else (text, style, None)
        condition = network.condition(*asked)
        cache = network.read_text(condition)
        plain, plain_cache = condition.half(size), [(k[:size], v[:size]) for k, v in cache]
        lengths = dict(zip(times[:-1], np.diff(times).tolist(), strict=True))

        def predict(x: Tensor, t: float, given: FlowCondition, seen: Cache) -> Tensor:
            step = x.new_full((len(x),), lengths.get(t, 0.0)) if network.step is not None else None
            return network(x, x.new_full((len(x),), t), given, seen, step)

        def conditional(x: Tensor, t: float) -> Tensor:
            return predict(x, t, plain, plain_cache)

        def both(x: Tensor, t: float) -> tuple[Tensor, Tensor]:
            data = predict(torch.cat([x, x]), t, condition, cache)
            return data[:size], data[size:]

        return guided_denoiser(conditional, both, strength, self.config.interval)
