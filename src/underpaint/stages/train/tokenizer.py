"""Training the hybrid tokenizer: one decoder that draws from tokens alone and from the full latent alike.

Stage 1 trains everything; a coin per picture decides whether the decoder sees ``f`` (tokens) or ``z`` (everything).
Stage 2 trains the decoder alone, on tokens with errors and on noisy latents, so that it forgives what generators emit.
With a fixed autoencoder there is one stage, which fits the codes of other scales to its latents and decodes nothing.

Source: alternating training, HART, arXiv 2410.10812, section 3.1.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.artifact import Manifest, read_manifest, seal, staging
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Report, silent
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import DOWNSAMPLING, Autoencoder, AutoencoderConfig
from underpaint.models.component import save_component
from underpaint.models.pixels import composite
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.vector_codes import VectorCodes
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import rand, randint, randn
from underpaint.stages.train.augment import flip_and_shift
from underpaint.stages.train.config import TokenizerTraining
from underpaint.stages.train.finish import time_taken, trained
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.initial import initial_parent
from underpaint.stages.train.other_scales import continue_tokenizer
from underpaint.stages.train.pictures import Pictures, load_pictures, require_size


class HybridTokenizer(nn.Module):
    """Autoencoder and quantizer as one module for training."""

    def __init__(self, config: TokenizerTraining) -> None:
        super().__init__()
        self.autoencoder = Autoencoder(AutoencoderConfig(widths=config.widths, latent_channels=config.latent_channels))
        self.quantizer = MultiScaleQuantizer(
            QuantizerConfig(
                kind=config.kind,
                schedule=config.schedule,
                latent_channels=config.latent_channels,
                codebook_size=config.codebook_size,
            )
        )


def picture_loss(drawn: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
    """Compare pictures by value, by gradient, and flattened on a random color, all in L1.

    Args:
        drawn: ``[B, 4, H, H]`` premultiplied, in [-1, 1].
        target: Same.
        generator: Draws the background colors.
    """
    value = (drawn - target).abs().mean()
    horizontal = (drawn.diff(dim=3) - target.diff(dim=3)).abs().mean()
    vertical = (drawn.diff(dim=2) - target.diff(dim=2)).abs().mean()
    background = rand((len(drawn), 3), generator, drawn.device)
    flat = (composite(drawn, background) - composite(target, background)).abs().mean()
    return value + horizontal + vertical + flat


def psnr(drawn: Tensor, target: Tensor) -> float:
    """Return the mean peak signal-to-noise ratio in dB of premultiplied pictures ``[B, 4, H, H]`` in [-1, 1]."""
    error = ((drawn.clamp(-1, 1) - target) / 2.0).square().flatten(1).mean(dim=1)
    return float((-10.0 * error.clamp_min(1e-10).log10()).mean())


class TokenizerTrainee:
    """The tokenizer as the training loop sees it.

    Args:
        config: The settings.
        train: Training pictures.
        held_out: Validation pictures.
        device: Where to train.
    """

    def __init__(
        self, config: TokenizerTraining, train: Pictures, held_out: Pictures, device: torch.device = CPU
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        with initialized_by(config.loop.seed):
            self.module: HybridTokenizer = HybridTokenizer(config)
        if config.fixed_autoencoder:
            self.module.autoencoder.requires_grad_(False)
        self.module.to(device)
        self.joint_until = round(config.loop.steps * config.joint_share)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch; see the module's docstring for the stages."""
        target = self.train.batch(self.train.choose(self.config.loop.batch_size, generator))
        target = flip_and_shift(target, generator)
        if self.config.fixed_autoencoder:
            return self._codes_loss(target)
        if step < self.config.continuous_steps:
            drawn = self.module.autoencoder.decode(self.module.autoencoder.encode(target))
            return picture_loss(drawn, target, generator), {}
        if step < self.joint_until:
            return self._joint_loss(target, generator)
        return self._decoder_loss(target, generator)

    def _joint_loss(self, target: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        autoencoder = self.module.autoencoder
        z = autoencoder.encode(target)
        f, build = self._quantize(z)
        commit = F.mse_loss(z, f.detach())
        discrete = rand((len(z), 1, 1, 1), generator, z.device) < self.config.discrete_share
        seen = z + torch.where(discrete, (f - z).detach(), torch.zeros_like(z))
        pixels = picture_loss(autoencoder.decode(seen), target, generator)
        residual = float((z - f).detach().square().mean().sqrt())
        return pixels + 0.5 * build + 0.25 * commit, {"pixels": float(pixels.detach()), "residual": residual}

    def _quantize(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantize latents while the codes watch; returns ``f``, and how far the sums of all scales are from ``z``."""
        quantizer = self.module.quantizer
        with torch.autocast(z.device.type, enabled=False):
            parts = quantizer(z)
            for scale, (vectors, labels) in enumerate(zip(parts.vectors, parts.labels, strict=True)):
                quantizer.codes.observe(vectors, labels, scale)
            build = torch.stack([F.mse_loss(partial, z.detach()) for partial in parts.partial]).mean()
        return parts.partial[-1], build

    def _codes_loss(self, target: Tensor) -> tuple[Tensor, dict[str, float]]:
        self.module.autoencoder.normalize.eval()
        with torch.no_grad(), torch.autocast(target.device.type, enabled=False):
            z = self.module.autoencoder.encode(target)
        f, build = self._quantize(z)
        return build, {"residual": float((z - f).detach().square().mean().sqrt())}

    def _decoder_loss(self, target: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        autoencoder, quantizer = self.module.autoencoder, self.module.quantizer
        autoencoder.normalize.eval()
        with torch.no_grad(), torch.autocast(target.device.type, enabled=False):
            z = autoencoder.encode(target)
            shape = (len(z), quantizer.num_scales)
            rates = rand(shape, generator, z.device) * self.config.perturb_rate
            f = quantizer.split(z, rates=rates, generator=generator)[0].partial[-1]
            rms = (z - f).square().mean().sqrt()
            strength = rand((len(z), 1, 1, 1), generator, z.device) * self.config.noise * rms
            noisy = z + strength * randn(z.shape, generator, z.device)
            discrete = rand((len(z), 1, 1, 1), generator, z.device) < self.config.discrete_share
            seen = torch.where(discrete, f, noisy)
        pixels = picture_loss(autoencoder.decode(seen), target, generator)
        return pixels, {"pixels": float(pixels.detach())}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Start, learn or freeze the codes."""
        codes = self.module.quantizer.codes
        if step + 1 == self.config.continuous_steps and isinstance(codes, VectorCodes):
            codes.start(self._first_vectors(generator, 8 * codes.size), generator)
        elif self.config.continuous_steps <= step < self.joint_until:
            codes.learn(generator, restart=step % 10 == 0)

    def _first_vectors(self, generator: torch.Generator, count: int) -> Tensor:
        """Collect what an ideal quantizer would see: half the residual is left at each scale."""
        z = self.module.autoencoder.encode(self.train.batch(self.train.choose(256, generator)))
        quantizer, pool = self.module.quantizer, []
        r = z
        for scale in range(quantizer.num_scales):
            v = quantizer.down(r, scale)
            pool.append(v.reshape(-1, v.shape[-1]))
            r = r - 0.7 * quantizer.lift(v, scale)
        each = count // len(pool)
        return torch.cat([p[randint(len(p), (each,), generator, p.device)] for p in pool])

    def validate(self) -> dict[str, float]:
        """Measure reconstruction and the health of the codes on held-out pictures."""
        return measure_tokenizer(self.module, self.held_out)

    def draw_samples(self, path: Path) -> None:
        """Write originals, continuous and discrete reconstructions of 12 held-out pictures, one row each."""
        target = self.held_out.batch(torch.arange(0, len(self.held_out), max(len(self.held_out) // 12, 1))[:12])
        z = self.module.autoencoder.encode(target)
        f = self.module.quantizer(z).partial[-1]
        rows = [target, self.module.autoencoder.decode(z), self.module.autoencoder.decode(f)]
        save_grid(path, torch.cat(rows), columns=len(target))


@torch.no_grad()
def measure_tokenizer(module: HybridTokenizer, pictures: Pictures) -> dict[str, float]:
    """Return PSNR (dB) of both decodes, the residual's share, alpha error, usage and entropy of the codes by scale."""
    sums: dict[str, float] = {}
    labels: list[list[Tensor]] = []
    for index in torch.arange(len(pictures)).split(64):
        target = pictures.batch(index)
        z = module.autoencoder.encode(target)
        parts = module.quantizer(z)
        f = parts.partial[-1]
        discrete = module.autoencoder.decode(f)
        figures = {
            "psnr_continuous": psnr(module.autoencoder.decode(z), target),
            "psnr_discrete": psnr(discrete, target),
            "residual_ratio": float((z - f).square().mean().sqrt() / z.std()),
            "alpha_error": float((discrete[:, 3] - target[:, 3]).abs().mean() / 2.0),
        }
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + value * len(index) / len(pictures)
        labels.append(parts.labels)
    scales = [torch.cat([batch[s] for batch in labels]) for s in range(module.quantizer.num_scales)]
    for side, scale_labels in zip(module.quantizer.config.schedule, scales, strict=True):
        sums[f"entropy_{side}"] = module.quantizer.codes.usage(scale_labels)["entropy_bits"]
    flat = [x.reshape(-1, *module.quantizer.codes.label_shape()) for x in scales]
    sums["used"] = module.quantizer.codes.usage(torch.cat(flat))["used"]
    return sums


def check_health(figures: dict[str, float], config: TokenizerTraining) -> list[str]:
    """Return what is unhealthy about a trained tokenizer; empty if nothing is.

    The entropy has to be 3 bits at the first scale, 5 at a map of four and 6 at the others, less for codebooks below
    1,024 codes.

    Args:
        figures: As ``measure_tokenizer`` returns them.
        config: The settings it was trained with.
    """
    problems = []
    if figures["used"] < 0.5:
        problems.append(f"only {figures['used']:.0%} of the codes are used (50% are needed)")
    most = math.log2(config.codebook_size) if config.kind == "vq" else 10.0
    for position, side in enumerate(config.schedule):
        floor = min(1.0, most / 10.0) * (3.0 if position == 0 else 5.0 if side == 2 else 6.0)
        if figures[f"entropy_{side}"] < floor:
            problems.append(
                f"scale {side} has {figures[f'entropy_{side}']:.1f} bits of entropy ({floor:.2g} are needed)"
            )
    decodes = ("continuous", "discrete")
    lost = [name for name in decodes if not math.isfinite(figures[f"psnr_{name}"])]
    return [*problems, *(f"the {name} reconstruction is not finite" for name in lost)]


@torch.no_grad()
def residual_std(module: HybridTokenizer, pictures: Pictures) -> Tensor:
    """Measure the residual's standard deviation per latent channel ``[C]`` over up to 2,048 pictures of all parts."""
    pieces = []
    for index in torch.arange(0, len(pictures), -(-len(pictures) // 2048)).split(64):
        z = module.autoencoder.encode(pictures.batch(index))
        pieces.append(z - module.quantizer(z).partial[-1])
    return torch.cat(pieces).std(dim=(0, 2, 3))


def run(
    config: TokenizerTraining,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    strict: bool = True,
    device: torch.device = CPU,
    initial: Path | None = None,
) -> Manifest:
    """Train a tokenizer and write it as a ``tokenizer`` artifact.

    Args:
        config: The settings.
        dataset: A ``dataset`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        strict: Whether an unhealthy codebook is an error.
        device: Where to train.
        initial: Folder of a saved pipeline with other scales whose tokenizer to start from.

    Raises:
        ArtifactError: The data set is none.
        DataError: Its pictures have another size than the settings are for.
        TrainingError: The loss diverged, the codebook is unhealthy, or the tokenizer to start from does not fit or is
            missing.
    """
    if config.fixed_autoencoder and initial is None:
        raise TrainingError("a fixed autoencoder must be a trained one; name the saved model that has it")
    parents = {"dataset": read_manifest(dataset, kind="dataset").digest} | initial_parent(initial)
    train = load_pictures(dataset, ("train",), report)
    require_size(train, config.schedule[-1] * DOWNSAMPLING, dataset)
    trainee = TokenizerTrainee(config, train, load_pictures(dataset, ("validation",)), device)
    if initial is not None:
        continue_tokenizer(initial, trainee.module.autoencoder, trainee.module.quantizer)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        trainee.module.quantizer.residual_std.copy_(residual_std(trainee.module, trainee.train))
        figures: dict[str, Any] = dict(measure_tokenizer(trainee.module, trainee.held_out))
        problems = check_health(figures, config)
        if problems and strict:
            raise TrainingError(f"the tokenizer is unhealthy: {'; '.join(problems)}; see docs/model.md, health checks")
        figures |= {"perplexity": {side: round(2.0 ** figures[f"entropy_{side}"], 1) for side in config.schedule}}
        figures |= time_taken(training) | {"problems": problems}
        figures["parameters"] = sum(p.numel() for p in trainee.module.parameters())
        with staging(out) as folder:
            save_component(trainee.module.autoencoder, trainee.module.autoencoder.config, folder / "autoencoder")
            save_component(trainee.module.quantizer, trainee.module.quantizer.config, folder / "quantizer")
            return seal(
                folder,
                kind="tokenizer",
                stage="train",
                config=config,
                parents=parents,
                figures=figures,
                packages=("torch", "numpy"),
            )
