"""Training a tokenizer's decoder on: sharper pictures from the same latents.

Encoder, normalization and codes stay as they are, so that every latent and every generator stays valid. The decoder
sees what generators give it: tokens with errors, tokens with a part of the residual, latents with noise. A patch
discriminator, trained in the same steps, tells it what the comparison with the picture cannot: that an edge somewhere
is better than blur everywhere.

Source: latents with errors, HART, arXiv 2410.10812, section 3.1; adversarial decoders, VQGAN, arXiv 2012.09841.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest, read_manifest, seal, staging, verify
from underpaint.core.progress import Report, silent
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig, with_doubling
from underpaint.models.component import load_component, save_component
from underpaint.models.patch_discriminator import (
    PatchDiscriminator,
    PatchDiscriminatorConfig,
    gradient_penalty,
    judge_only,
    relativistic_loss,
)
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import rand, randn
from underpaint.stages.train.augment import flip_and_shift
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.drawn_latents import load_drawn
from underpaint.stages.train.finish import time_taken, trained
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.pictures import Pictures, load_pictures, require_size
from underpaint.stages.train.tokenizer import picture_loss, psnr

HALF = 0.5


class Contest(nn.Module):
    """The decoder and its discriminator as one module for training."""

    def __init__(self, decoder: nn.Module, discriminator: PatchDiscriminator) -> None:
        super().__init__()
        self.decoder, self.discriminator = decoder, discriminator


def emitted(
    z: Tensor, quantizer: MultiScaleQuantizer, config: DecoderTraining, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return latents such as generators emit, made from true ones.

    Each is ``f + u (z - f) + s eps``, where ``f`` holds tokens with errors: ``u = 0`` is tokens alone, ``u`` in (0, 1)
    what a mean residual leaves, ``u = 1`` with noise a drawn residual.

    Args:
        z: True latents ``[B, C, h, h]``.
        quantizer: Splits them.
        config: Shares, errors and noise.
        generator: Draws all of it.

    Returns:
        Latents ``[B, C, h, h]`` and ``u`` ``[B]``.
    """
    size, device = len(z), z.device
    rates = rand((size, 1), generator, device) * config.perturb_rate
    rates = rates.expand(size, quantizer.num_scales)
    f = quantizer.split(z, rates=rates, generator=generator)[0].partial[-1]
    kind, part = rand((size,), generator, device), rand((size,), generator, device)
    noisy = kind >= 1.0 - config.noisy_share
    u = torch.where(kind < config.discrete_share, 0.0, torch.where(noisy, 1.0, part))
    rms = (z - f).square().mean().sqrt()
    strength = rand((size,), generator, device) * config.noise * rms * noisy
    noise = randn(z.shape, generator, device)
    return f + u[:, None, None, None] * (z - f) + strength[:, None, None, None] * noise, u


def edge_energy(pictures: Tensor) -> Tensor:
    """Return the mean squared difference of neighboring pixels of each picture, ``[B]``.

    Squared, since blur spreads an edge without changing the sum of its absolute differences.

    Args:
        pictures: ``[B, 4, H, H]`` premultiplied; what lies outside [-1, 1] is clamped as a file would.
    """
    shown = pictures.clamp(-1.0, 1.0)
    down, right = (shown.diff(dim=side).square().flatten(1).mean(dim=1) for side in (2, 3))  # [B]
    return (down + right) / 2.0


class DecoderTrainee:
    """The decoder as the training loop sees it.

    Args:
        config: The settings.
        autoencoder: Its decoder is trained in place.
        quantizer: The codes it shall draw from; stays as it is.
        train: Pictures to learn from.
        held_out: Pictures to measure on.
        device: Where to train.
        drawn: Latents that the model drew ``[N, C, h, h]``, if the settings ask for some.
    """

    def __init__(
        self,
        config: DecoderTraining,
        autoencoder: Autoencoder,
        quantizer: MultiScaleQuantizer,
        train: Pictures,
        held_out: Pictures,
        device: torch.device = CPU,
        drawn: Tensor | None = None,
    ) -> None:
        self.drawn = drawn
        self.num_drawn = 0 if drawn is None else max(round(config.drawn_share * config.loop.batch_size), 1)
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.autoencoder = autoencoder.to(device).eval().requires_grad_(False)
        self.quantizer = quantizer.to(device).eval().requires_grad_(False)
        with initialized_by(config.loop.seed):
            critic = PatchDiscriminator(PatchDiscriminatorConfig(widths=config.discriminator_widths)).to(device)
        self.module: Contest = Contest(self.autoencoder.decoder.requires_grad_(True), critic)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the losses of both sides, each with gradients for its own weights alone."""
        target = self.train.batch(self.train.choose(self.config.loop.batch_size, generator))
        target = flip_and_shift(target, generator)
        with torch.no_grad(), torch.autocast(target.device.type, enabled=False):
            seen, _ = emitted(self.autoencoder.encode(target), self.quantizer, self.config, generator)
        drawn = self.autoencoder.decode(torch.cat([seen, self._some_drawn(generator, seen)]))
        pixels = picture_loss(drawn[: len(target)], target, generator)
        critic, adversarial = self._judgments(drawn.clamp(-1.0, 1.0), target)
        penalty = self._penalty(target)
        figures = {"pixels": pixels, "adversarial": adversarial, "critic": critic, "penalty": penalty}
        loss = pixels + self.adversarial_weight(step) * adversarial + critic + penalty
        return loss, {name: float(value.detach()) for name, value in figures.items()}

    def _some_drawn(self, generator: torch.Generator, like: Tensor) -> Tensor:
        """Return latents ``[D, C, h, h]`` that the model drew, none where there are none."""
        if self.drawn is None:
            return like[:0]
        index = torch.randint(len(self.drawn), (self.num_drawn,), generator=generator)
        return self.drawn[index].to(like)

    def _judgments(self, drawn: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's loss and the decoder's.

        Args:
            drawn: ``[B + D, 4, H, H]``; beyond the first ``B``, what no picture belongs to.
            target: ``[B, 4, H, H]``; the others are judged beside pictures that have nothing to do with them.
        """
        discriminator = self.module.discriminator
        real, fake = discriminator(target), discriminator(drawn.detach())
        real = torch.cat([real, real[: len(fake) - len(real)]])  # [B + D, P]
        return relativistic_loss(real, fake), relativistic_loss(judge_only(discriminator, drawn), real.detach())

    def _penalty(self, target: Tensor) -> Tensor:
        """Return the discriminator's gradient penalty, on some of the pictures since it costs a second derivative.

        It comes at every step: one that comes seldom and strong is what clipping and AdamW take the strength from.
        """
        if self.config.penalty_weight == 0.0:
            return target.new_zeros(())
        some = target[: self.config.penalty_pictures]
        return HALF * self.config.penalty_weight * gradient_penalty(self.module.discriminator, some)

    def adversarial_weight(self, step: int) -> float:
        """Return the adversarial term's weight at a step: zero, a linear rise, then the full weight."""
        steps = self.config.loop.steps
        since = step - self.config.adversarial_from * steps
        return self.config.adversarial_weight * min(max(since / max(self.config.adversarial_ramp * steps, 1.0), 0.0), 1)

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: gradients move all that is to be moved."""

    def validate(self) -> dict[str, float]:
        """Measure closeness and sharpness on held-out pictures."""
        return measure_decoder(self.autoencoder, self.quantizer, self.held_out)

    def draw_samples(self, path: Path) -> None:
        """Write 12 held-out pictures, and what is drawn from all, from half of the residual, from tokens alone."""
        target = self.held_out.batch(torch.arange(0, len(self.held_out), max(len(self.held_out) // 12, 1))[:12])
        z = self.autoencoder.encode(target)
        f = self.quantizer(z).partial[-1]
        rows = [target, *(self.autoencoder.decode(latent) for latent in (z, f + HALF * (z - f), f))]
        save_grid(path, torch.cat(rows), columns=len(target))


@torch.no_grad()
def measure_decoder(autoencoder: Autoencoder, quantizer: MultiScaleQuantizer, pictures: Pictures) -> dict[str, float]:
    """Return PSNR (dB) from all and from tokens, the alpha error, and how sharp drawings are beside the pictures.

    Sharpness is the ratio of the root mean squared differences of neighboring pixels, 1 where drawings are as sharp as
    pictures: from tokens alone, from half of the residual (about what a mean residual restores), and from all of it.
    """
    sums: dict[str, float] = {}
    for index in torch.arange(len(pictures)).split(64):
        target = pictures.batch(index)
        z = autoencoder.encode(target)
        f = quantizer(z).partial[-1]
        whole, half, tokens = (autoencoder.decode(latent) for latent in (z, f + HALF * (z - f), f))
        figures = {
            "psnr_continuous": psnr(whole, target),
            "psnr_discrete": psnr(tokens, target),
            "alpha_error": float((tokens[:, 3] - target[:, 3]).abs().mean() / 2.0),
            "edges": float(edge_energy(target).mean()),
            "sharpness_discrete": float(edge_energy(tokens).mean()),
            "sharpness_half": float(edge_energy(half).mean()),
            "sharpness_continuous": float(edge_energy(whole).mean()),
        }
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + value * len(index) / len(pictures)
    edges = sums.pop("edges")
    return {name: (value / edges) ** 0.5 if name.startswith("sharpness") else value for name, value in sums.items()}


def run(
    config: DecoderTraining,
    dataset: Path,
    tokenizer: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    device: torch.device = CPU,
    drawn: Path | None = None,
) -> Manifest:
    """Train a tokenizer's decoder on and write a ``tokenizer`` artifact with the new one.

    Args:
        config: The settings.
        dataset: A ``dataset`` artifact.
        tokenizer: The ``tokenizer`` artifact to start from.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        device: Where to train.
        drawn: A ``drawn-latents`` artifact of the model, if the settings ask for some.

    Returns:
        The manifest; besides its two inputs, its parents name the model that the tokenizer was taken from, if any.

    Raises:
        ArtifactError: An input is missing or damaged.
        DataError: The pictures have another size than the tokenizer draws.
        TrainingError: The loss diverged, or ``work`` belongs to another run.
    """
    old = verify(tokenizer, kind="tokenizer")
    parents = {"dataset": read_manifest(dataset, kind="dataset").digest, "tokenizer": old.digest}
    parents |= {role: digest for role, digest in old.parents.items() if role == "model"}
    if drawn is not None:
        parents["drawn"] = read_manifest(drawn).digest
    autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
    quantizer = load_component(tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig, device)
    if (channels := config.new_end(autoencoder.config.doubling)) is not None:
        with initialized_by(config.loop.seed):
            autoencoder = with_doubling(autoencoder, channels)
    train = load_pictures(dataset, ("train",), report)
    require_size(train, quantizer.side * autoencoder.config.downsampling, dataset)
    held_out = load_pictures(dataset, ("validation",), report)
    latents = None if drawn is None else load_drawn(drawn)
    trainee = DecoderTrainee(config, autoencoder, quantizer, train, held_out, device, latents)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        figures: dict[str, Any] = {**old.figures, **trainee.validate()}
        figures |= time_taken(training)
        with staging(out) as folder:
            save_component(autoencoder, autoencoder.config, folder / "autoencoder")
            shutil.copytree(tokenizer / "quantizer", folder / "quantizer")
            return seal(
                folder,
                kind="tokenizer",
                stage="train",
                config=config,
                parents=parents,
                figures=figures,
                packages=("torch", "numpy"),
            )
