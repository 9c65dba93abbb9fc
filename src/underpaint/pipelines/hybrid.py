"""The hybrid pipeline: tokens first, coarse to fine, then the residual, then the decoder.

Shapes: ``B`` batch, ``T`` text tokens, ``k`` side of a scale, ``C`` latent channels, ``h`` side of the latent,
``H`` side of the picture.

Source: HART, arXiv 2410.10812; guidance by scale, Switti, arXiv 2412.01819.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.diffusion.guidance import acts
from underpaint.diffusion.solvers import euler, time_grid
from underpaint.models.autoencoder import Autoencoder
from underpaint.models.pixels import to_straight
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.residual import ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import ScaleTransformer
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.noise import NoiseStream
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.pipelines.token_choice import Choice, one_by_one
from underpaint.runtime.device import threads

RESIDUAL = "residual"
"""The stream of the refiner's noise."""

OnScale = Callable[[int, Tensor], None]
"""Called with a scale that is drawn, and ``[B, C, h, h]``, what all scales so far say."""
Settle = Callable[[int, Tensor, Tensor], Tensor]
"""From a scale, what the scales before it say ``[B, C, h, h]``, and the labels drawn, to the labels that stand."""
Refine = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""What ``ResidualRefiner.forward`` does."""


def tokens_at(side: int) -> str:
    """Return the name of the stream that chooses the tokens of a scale."""
    return f"tokens-{side}"


@dataclass(frozen=True)
class Drawing:
    """A batch on its way through the pipeline.

    Args:
        labels: Labels of the scales drawn so far.
        f: What they say ``[B, C, h, h]``.
        hidden: The transformer's states at the last scale ``[B, h * h, D]``.
    """

    labels: list[Tensor]
    f: Tensor
    hidden: Tensor


class HybridPipeline(TextToPicture[HybridConfig]):
    """Text to picture with the hybrid model; every part is a component that can be trained, swapped and saved alone.

    Args:
        text_tokenizer: Text to token ids.
        text_encoder: Ids to states.
        autoencoder: Latents to pictures.
        quantizer: Labels to latents.
        transformer: States to labels.
        residual: Refiner, or None.
        config: How to sample.
    """

    def __init__(
        self,
        *,
        text_tokenizer: TextTokenizer,
        text_encoder: TextEncoder,
        autoencoder: Autoencoder,
        quantizer: MultiScaleQuantizer,
        transformer: ScaleTransformer,
        residual: ResidualRefiner | None,
        config: HybridConfig,
    ) -> None:
        super().__init__(text_tokenizer, text_encoder, config)
        self.autoencoder, self.quantizer, self.transformer = autoencoder, quantizer, transformer
        self.residual = residual

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return self.quantizer.side * self.autoencoder.config.downsampling

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks by component name."""
        named = {
            "text_encoder": self.text_encoder,
            "autoencoder": self.autoencoder,
            "quantizer": self.quantizer,
            "transformer": self.transformer,
            "residual": self.residual,
        }
        return {name: module for name, module in named.items() if module is not None}

    @property
    def network(self) -> ScaleTransformer:
        """The network that draws the tokens."""
        return self.transformer

    def fit(self) -> dict[str, bool]:
        """Say what the components must agree about, and whether they do."""
        transformer, scales = self.transformer.config, self.quantizer.num_scales
        return {
            "the schedule": tuple(transformer.schedule) == tuple(self.quantizer.config.schedule),
            "the number of styles": transformer.num_styles == len(self.styles),
            "the text width": transformer.text_width == self.text_encoder.config.width,
            "the guidance": len(self.config.guidance_shape) == scales,
            "the temperatures": len(self.config.temperatures) == scales,
        }

    @property
    def streams(self) -> tuple[NoiseStream, ...]:
        """All random numbers that a picture may be drawn from: a stream a scale, and one for the residual."""
        tail, side = self.quantizer.codes.noise_shape(), self.quantizer.side
        tokens = [
            NoiseStream(name=tokens_at(k), kind="gumbel", shape=(k * k, *tail)) for k in self.quantizer.config.schedule
        ]
        shape = (self.quantizer.config.latent_channels, side, side)
        return (*tokens, NoiseStream(name=RESIDUAL, kind="normal", shape=shape))

    def numbers(self, requests: Sequence[DrawRequest]) -> Numbers:
        """Return the numbers of requests that differ in words and seeds alone; see ``TextToPicture``."""
        first = requests[0]
        steps = self.config.residual_steps if first.steps is None else first.steps
        return Numbers(
            size=len(requests),
            guidance=self.config.guidance if first.guidance is None else first.guidance,
            temperature=1.0 if first.temperature is None else first.temperature,
            steps=None if self.residual is None else steps,
            noise=self.noise(requests),
        )

    def pictures(self, text: TextStates, style: Tensor, numbers: Numbers, on_stage: OnStage) -> Tensor:
        """Draw a batch from tensors alone; see ``TextToPicture``."""
        on_stage("transformer")
        drawing = self.draw_tokens(text, style, numbers)
        on_stage("residual")
        latent = self.refine(drawing, numbers)
        on_stage("decoder")
        return self.autoencoder.decode(latent)

    @torch.inference_mode()
    def decodes(self, requests: Sequence[DrawRequest], steps: int = 4) -> dict[str, list[np.ndarray]]:
        """Decode one drawing of the tokens in three ways, which shows what the refiner adds.

        Args:
            requests: What to draw; their own number of steps does not matter.
            steps: Steps of the sampled residual, at least 1.

        Returns:
            ``tokens`` (no residual), ``mean`` (the mean residual) and ``sampled``, each with one ``[H, H, 4]`` uint8
            array a request, straight alpha.

        Raises:
            InputError: The pipeline has no refiner, or a style is unknown.
        """
        if self.residual is None:
            raise InputError("this model has no refiner, so there is one way to decode; use draw")
        pictures: dict[str, list[np.ndarray]] = {"tokens": [], "mean": [], "sampled": []}
        with threads(self.threads):
            for batch in self.batches(requests):
                text = self.encode_text([request.caption for request in batch])
                numbers = self.numbers(batch)
                drawing = self.draw_tokens(text, self.style_index([request.style for request in batch]), numbers)
                mean, sampled = (self._add_residual(self.residual, drawing, numbers, n) for n in (0, steps))
                for name, latent in (("tokens", drawing.f), ("mean", mean), ("sampled", sampled)):
                    pictures[name].extend(to_straight(self.autoencoder.decode(latent)))
        return pictures

    def draw_tokens(
        self,
        text: TextStates,
        style: Tensor,
        numbers: Numbers,
        on_scale: OnScale | None = None,
        *,
        against: TextStates | None = None,
        settle: Settle | None = None,
    ) -> Drawing:
        """Draw the token maps scale by scale.

        Scales that are guided run conditional and unconditional halves as one batch of ``2B``; after the last guided
        scale the unconditional half and its cache are dropped.

        Args:
            text: Encoded captions.
            style: ``[B]`` rows of the style embedding.
            numbers: For noise, guidance and temperature.
            on_scale: Shown what the scales so far say, after each.
            against: Encoded captions that guidance pulls away from; None pulls away from no caption.
            settle: Replaces labels after they are drawn, where some are known.
        """
        size, shape = numbers.size, self.config.guidance_shape
        last = max((index + 1 for index, share in enumerate(shape) if share > 0.0), default=0)
        guided = last if acts(numbers.guidance) else 0
        network = self.transformer
        asked = text.with_and_without(style, network.any_style, against) if guided else (text, style, None)
        condition = network.ready(network.condition(*asked))
        cache = network.read_text(condition)
        f = text.tokens.new_zeros(size, self.quantizer.config.latent_channels, self.quantizer.side, self.quantizer.side)
        labels: list[Tensor] = []
        hidden = f
        for scale in range(self.quantizer.num_scales):
            if scale == guided and guided:
                condition = condition.half(size)
                cache = [(k[:size], v[:size]) for k, v in cache]
            seen = self.quantizer.down(f, scale) if scale else None
            if seen is not None and scale < guided:
                seen = torch.cat([seen, seen])
            logits, hidden, cache = network.draw_scale(condition, cache, seen, scale)
            choice = Choice(
                pull=numbers.guidance * shape[scale],
                temperature=self.config.temperatures[scale] * numbers.temperature,
                top_p=self.config.top_p_at(scale),
                noise=numbers.noise(tokens_at(self.quantizer.config.schedule[scale])),
            )
            label = self._choose(logits, hidden, scale, choice)
            if settle is not None:
                label = settle(scale, f, label)
            f = f + self.quantizer.lift(self.quantizer.codes.embed(label, scale), scale)
            labels.append(label)
            if on_scale is not None:
                on_scale(scale, f)
        return Drawing(labels, f, hidden[:size])

    def _choose(self, logits: Tensor, hidden: Tensor, scale: int, choice: Choice) -> Tensor:
        early, codes = self.transformer.early, self.quantizer.codes
        if early is None or scale >= self.transformer.config.early_scales:
            return choice.labels(codes, logits)
        return one_by_one(early, self.transformer, codes, hidden, scale, choice)

    def refine(self, drawing: Drawing, numbers: Numbers, refiner: Refine | None = None) -> Tensor:
        """Add the residual to what the tokens say; returns the latent ``[B, C, h, h]``.

        Args:
            drawing: The tokens.
            numbers: For noise and steps.
            refiner: Stands in for the pipeline's own, where it has one.
        """
        if self.residual is None or numbers.steps is None:
            return drawing.f
        return self._add_residual(refiner or self.residual, drawing, numbers, numbers.steps)

    def _add_residual(self, refiner: Refine, drawing: Drawing, numbers: Numbers, steps: int) -> Tensor:
        noise = numbers.noise(RESIDUAL) if steps else torch.zeros_like(drawing.f, dtype=torch.float32)
        last = self.quantizer.num_scales - 1
        token = self.quantizer.codes.embed(drawing.labels[-1], last)
        residual = draw_residual(refiner, noise, steps, drawing.hidden, token, drawing.f)
        return drawing.f + residual * self.quantizer.residual_std[:, None, None]


def draw_residual(refiner: Refine, noise: Tensor, steps: int, hidden: Tensor, token: Tensor, f: Tensor) -> Tensor:
    """Draw the whitened residual ``[B, C, h, h]``.

    Args:
        refiner: The network.
        noise: Standard normal ``[B, C, h, h]``; unused with 0 steps.
        steps: Euler steps; 0 returns the mean in one evaluation.
        hidden: See ``ResidualRefiner.forward``.
        token: See ``ResidualRefiner.forward``.
        f: See ``ResidualRefiner.forward``.
    """
    if steps == 0:
        return refiner(torch.zeros_like(noise), noise.new_zeros(len(noise)), hidden, token, f)

    def denoise(x: Tensor, t: float) -> Tensor:
        return refiner(x, x.new_full((len(x),), t), hidden, token, f)

    return euler(denoise, noise, time_grid(steps))
