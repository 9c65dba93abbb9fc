"""Training the hybrid generator: text encoder, scale-wise transformer and residual refiner in one pass.

The transformer learns with self-correction: some labels of a scale are perturbed, the perturbed ones go into what the
later scales see, and the later scales' targets are quantized anew from what is then missing. The refiner learns on the
transformer's detached states and on last-scale labels that are half the time drawn from the transformer itself.

Shapes: ``B`` batch, ``S`` scales, ``P`` picture tokens, ``L`` logits per token, ``D`` width, ``C`` latent channels,
``h`` side of the latent.

Source: Infinity, arXiv 2412.04431, section 3.4; HART, arXiv 2410.10812, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Report, silent
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import Decomposition, MultiScaleQuantizer, QuantizerConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import Condition
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig, cooling, ramp
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.conditions import STYLES, Conditions, draw_conditions, encode_captions, plain_conditions
from underpaint.stages.train.config import GeneratorTraining
from underpaint.stages.train.correction import draw_rates, own_samples, split_with
from underpaint.stages.train.finish import effort, trained, write_networks
from underpaint.stages.train.generator_loss import by_scale, noisy, residual_loss, token_losses, weigh
from underpaint.stages.train.grid import draw_grid
from underpaint.stages.train.initial import initial_parent
from underpaint.stages.train.latents import Latents, load_latents, parents_of
from underpaint.stages.train.networks import HybridGenerator, build_networks
from underpaint.stages.train.other_scales import start_generator


def default_sampling(kind: str, schedule: tuple[int, ...]) -> HybridConfig:
    """Return the sampling settings that a fresh model starts with.

    Args:
        kind: Of the codes, ``vq`` or ``bsq``.
        schedule: Sides of the scales, coarse to fine.
    """
    scales = len(schedule)
    return HybridConfig(
        styles=STYLES,
        guidance_shape=ramp(scales, off_last=2 if scales > 4 else 1),
        temperatures=cooling(scales, last=0.5 if kind == "vq" else 0.7, warm=min(3, scales - 1)),
    )


class GeneratorTrainee:
    """The generator as the training loop sees it.

    Args:
        config: The settings.
        train: Encoded training pictures.
        held_out: Encoded validation pictures.
        tokenizer: A ``tokenizer`` artifact.
        text_table: A ``text-table`` artifact.
        device: Where to train.
        initial: Folder of a saved pipeline whose weights to start from.

    Raises:
        InputError: A setting has not one number for each scale.
        TrainingError: The weights to start from do not fit.
    """

    def __init__(
        self,
        config: GeneratorTraining,
        train: Latents,
        held_out: Latents,
        tokenizer: Path,
        text_table: Path,
        device: torch.device = CPU,
        initial: Path | None = None,
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
        self.quantizer = load_component(tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig, device)
        self.text_tokenizer = TextTokenizer.from_folder(text_table)
        table = read_weights(text_table / "model.safetensors")
        self.module: HybridGenerator = build_networks(config, self.quantizer, table)
        if initial is not None:
            start_generator(initial, self.module, self.quantizer)
        for network in self._still():
            network.requires_grad_(False)
        self.module.to(device)
        self.sampling = default_sampling(self.quantizer.config.kind, self.quantizer.config.schedule)
        scales = self.quantizer.num_scales
        self.correction_rate = by_scale(config.correction_rate, scales, "correction_rate")
        self.smoothing = by_scale(config.smoothing, scales, "smoothing")
        self.label_noise = by_scale(config.label_noise, scales, "label_noise")

    def _still(self) -> tuple[nn.Module, ...]:
        """Return the networks that are not trained."""
        module = self.module
        return {
            "all": (),
            "refiner": (module.text_encoder, module.transformer),
            "tokens": (module.residual,),
        }[self.config.trains]

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch; see the module's docstring."""
        index, z = self.train.choose(self.config.loop.batch_size, generator)
        samples = [self.train.samples[i] for i in index.tolist()]
        c, any_style = self.config, self.module.transformer.any_style
        asked = draw_conditions(samples, c, any_style, generator, z.device, rewording=c.rewording)
        own = c.own_every > 0 and step % c.own_every == c.own_every - 1
        tokens, residual, _ = self.losses(z, asked, generator, own=own)
        figures = {"tokens": float(tokens.detach().mean()), "residual": float(residual.detach())}
        return tokens.mean() + residual, self.measured(figures)

    def measured(self, figures: dict[str, float]) -> dict[str, float]:
        """Leave the refiner's figure out where there is no refiner."""
        return {k: v for k, v in figures.items() if k != "residual" or self.config.trains != "tokens"}

    def losses(
        self,
        z: Tensor,
        asked: Conditions,
        generator: torch.Generator,
        train: bool = True,
        own: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute both losses of a batch.

        Args:
            z: Latents ``[B, C, h, h]``.
            asked: How they are asked for.
            generator: Draws everything random.
            train: Whether to perturb labels, drop paths and soften targets.
            own: Whether to perturb labels towards the model's own samples.

        Returns:
            Token loss ``[B]`` and plain mean loss per scale ``[S]``, both in nats a token, with the refiner's loss (a
            scalar, 0 without a refiner) between them.
        """
        c, codes = self.config, self.quantizer.codes
        text = encode_captions(self.text_tokenizer, self.module.text_encoder, asked.captions, z.device)
        condition = self.module.transformer.condition(text, asked.style, asked.drop)
        parts = self._split(z, condition, generator, train, own)
        logits, hidden = self._predict(parts, condition, generator if train else None)
        sizes = [labels.shape[1] for labels in parts.labels]
        scale_logits = logits.split(sizes, dim=1)
        targets = noisy(codes, parts.labels, self.label_noise, generator) if train else parts.labels
        smoothing = self.smoothing if train else (0.0,) * len(sizes)
        per_scale = token_losses(codes, scale_logits, targets, smoothing)
        per_side = torch.stack([loss.detach().mean() for loss in per_scale])
        if c.trains == "tokens":
            return weigh(per_scale), torch.zeros((), device=z.device), per_side
        before = parts.partial[-2] if len(parts.partial) > 1 else torch.zeros_like(z)
        last, states = scale_logits[-1].detach(), hidden[:, -sizes[-1] :].detach()
        given = (z, before, parts.labels[-1], last, states, c.residual_draws, c.mean_share, generator)
        residual = residual_loss(self.module.residual, self.quantizer, *given)
        return weigh(per_scale), residual, per_side

    @torch.no_grad()
    def _split(
        self, z: Tensor, condition: Condition, generator: torch.Generator, train: bool, own: bool
    ) -> Decomposition:
        """Quantize, in training with self-correction; with ``own`` towards what the model would draw."""
        logits = self._guess(z, condition) if own else None
        with torch.autocast(z.device.type, enabled=False):
            rates = draw_rates(self.correction_rate, self.config.correction_share, len(z), generator, z.device)
            if logits is None:
                return self.quantizer.split(z, rates=rates if train else None, generator=generator)[0]
            samples = own_samples(self.quantizer, logits, self.sampling.temperatures, generator)
            return split_with(self.quantizer, z, rates, samples, generator)

    def _guess(self, z: Tensor, condition: Condition) -> Tensor:
        """Return the logits ``[B, P, L]`` after the true tokens, without paths dropped or gradients."""
        with torch.autocast(z.device.type, enabled=False):
            parts = self.quantizer(z)
        logits, _ = self._predict(parts, condition, None)
        torch.clear_autocast_cache()  # it holds weights without gradients now
        return logits

    def _predict(
        self, parts: Decomposition, condition: Condition, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Return logits ``[B, P, L]`` and states ``[B, P, D]`` after what the sums of a decomposition show."""
        codes, early = self.quantizer.codes, parts.labels[: self.config.early_scales]
        with torch.autocast(condition.start.device.type, enabled=False):
            seen = [self.quantizer.down(f, scale) for scale, f in enumerate(parts.partial[:-1], 1)]
            vectors = [codes.embed(labels, scale) for scale, labels in enumerate(early)]
        tokens = torch.cat(vectors, dim=1) if vectors else None
        return self.module.transformer(condition, seen, generator, tokens)

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: the codes are frozen."""

    def validate(self) -> dict[str, float]:
        """Return the held-out loss per token in nats, over all scales and by scale, and the refiner's loss."""
        return measure_likelihood(self, self.held_out)

    def pipeline(self) -> HybridPipeline:
        """Return the networks as a pipeline with default sampling."""
        return HybridPipeline(
            text_tokenizer=self.text_tokenizer,
            text_encoder=self.module.text_encoder,
            autoencoder=self.autoencoder,
            quantizer=self.quantizer,
            transformer=self.module.transformer,
            residual=self.module.residual,
            config=self.sampling,
        )

    def draw_samples(self, path: Path) -> None:
        """Draw 16 held-out captions, originals above, and 16 captions of the training set below."""
        pipeline = self.pipeline()

        def draw(requests: Sequence[DrawRequest]) -> Tensor:
            text = pipeline.encode_text([request.caption for request in requests])
            return pipeline.draw_tokens(
                text, pipeline.style_index([request.style for request in requests]), pipeline.numbers(requests)
            ).f

        draw_grid(draw, self.autoencoder, (self.held_out, self.train), path)


@torch.no_grad()
def measure_likelihood(trainee: GeneratorTrainee, part: Latents) -> dict[str, float]:
    """Return held-out losses: ``nll`` (nats a token), ``nll_<side>`` by scale, ``residual`` (velocity error).

    Args:
        trainee: What is measured.
        part: Held-out latents on its device.
    """
    schedule = trainee.quantizer.config.schedule
    scales, residual = torch.zeros(len(schedule)), 0.0
    for samples, z, generator in part.in_order():
        _, refiner, per_scale = trainee.losses(z, plain_conditions(samples, z.device), generator, train=False)
        scales += per_scale.cpu() * len(samples) / len(part)
        residual += float(refiner) * len(samples) / len(part)
    sizes = torch.tensor([side * side for side in schedule], dtype=torch.float32)
    figures = {"nll": float((scales * sizes).sum() / sizes.sum())}
    figures |= {f"nll_{side}": float(value) for side, value in zip(schedule, scales, strict=True)}
    return trainee.measured(figures | {"residual": residual})


def run(
    config: GeneratorTraining,
    latents: Path,
    tokenizer: Path,
    text_table: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    device: torch.device = CPU,
    initial: Path | None = None,
) -> Manifest:
    """Train a generator and write it as a ``generator`` artifact.

    Args:
        config: The settings.
        latents: A ``latents`` artifact.
        tokenizer: The ``tokenizer`` artifact that made them.
        text_table: A ``text-table`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        device: Where to train.
        initial: Folder of a saved pipeline whose weights to start from; a part of the artifact's parents.

    Raises:
        DataError: The latents come from another tokenizer, or of pictures of a style that is not known.
        InputError: A setting has not one number for each scale.
        TrainingError: The loss diverged, or the weights to start from do not fit or are missing.
    """
    if config.trains == "refiner" and initial is None:
        raise TrainingError("a refiner alone needs the trained networks that it stands on; name the saved model")
    parents = parents_of(latents, tokenizer, text_table) | initial_parent(initial)
    train, held_out = load_latents(latents, STYLES)
    trainee = GeneratorTrainee(config, train, held_out["validation"], tokenizer, text_table, device, initial)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        figures: dict[str, Any] = {
            split: measure_likelihood(trainee, part.to(device)) for split, part in held_out.items()
        }
        figures |= effort(training, trainee.module)
        networks = dict(trainee.module.named_children())
        return write_networks(networks, out, kind="generator", config=config, parents=parents, figures=figures)
