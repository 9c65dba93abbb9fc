"""Training the hybrid generator: text encoder, scale-wise transformer and residual refiner in one pass.

The transformer learns with self-correction: some labels of a scale are perturbed, the perturbed ones go into what the
later scales see, and the later scales' targets are quantized anew from what is then missing. The refiner learns on the
transformer's detached states and on last-scale labels that are half the time drawn from the transformer itself.

Shapes: ``B`` batch, ``S`` scales, ``P`` picture tokens, ``C`` latent channels, ``h`` side of the latent.

Source: Infinity, arXiv 2412.04431, section 3.4; HART, arXiv 2410.10812, section 3.3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest, read_manifest, seal, staging, verify
from underpaint.core.config import digest_of
from underpaint.core.errors import DataError
from underpaint.core.progress import Report, silent
from underpaint.diffusion.path import interpolate, logit_normal, velocity_loss
from underpaint.learning.loop import Run, step_generator
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, save_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.hybrid import HybridConfig, HybridPipeline, cooling, ramp
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU, describe
from underpaint.runtime.draws import rand, randn
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.captions import vary
from underpaint.stages.train.config import GeneratorTraining
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.latents import Latents, load_latents
from underpaint.stages.train.pictures import require_styles

STYLES = ("cartoon", "flat", "gradient", "line-art")
MAX_TOKENS = 24


class HybridGenerator(nn.Module):
    """The three trained networks as one module."""

    def __init__(self, text: TextEncoderConfig, transformer: TransformerConfig, residual: ResidualConfig) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(text)
        self.transformer = ScaleTransformer(transformer)
        self.residual = ResidualRefiner(residual)


def default_sampling(kind: str, schedule: tuple[int, ...]) -> HybridConfig:
    """Return the sampling settings that a fresh model starts with."""
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
    """

    def __init__(
        self,
        config: GeneratorTraining,
        train: Latents,
        held_out: Latents,
        tokenizer: Path,
        text_table: Path,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
        self.quantizer = load_component(tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig, device)
        self.text_tokenizer = TextTokenizer.from_folder(text_table)
        table = read_weights(text_table / "model.safetensors")
        schedule, channels = self.quantizer.config.schedule, self.quantizer.config.latent_channels
        with initialized_by(config.loop.seed):
            self.module: HybridGenerator = HybridGenerator(
                TextEncoderConfig(
                    vocab_size=len(table["table"]),
                    width=table["table"].shape[1],
                    depth=config.text_depth,
                    max_tokens=MAX_TOKENS,
                ),
                TransformerConfig(
                    schedule=schedule,
                    n_logits=self.quantizer.codes.n_logits,
                    width=config.width,
                    depth=config.depth,
                    heads=config.heads,
                    num_styles=len(STYLES),
                    text_width=table["table"].shape[1],
                    latent_channels=channels,
                    drop_path=config.drop_path,
                ),
                ResidualConfig(
                    kind=config.residual_kind,
                    width=config.residual_width,
                    depth=config.residual_depth,
                    hidden_width=config.width,
                    latent_channels=channels,
                ),
            )
        self.module.text_encoder.table.copy_(table["table"])
        self.module.text_encoder.weight.copy_(table["weight"])
        self.module.transformer.use_checkpointing = config.gradient_checkpointing
        self.module.to(device)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the loss of one batch; see the module's docstring."""
        index, z = self.train.choose(self.config.loop.batch_size, generator)
        samples = [self.train.samples[i] for i in index.tolist()]
        captions = [vary(sample, generator) for sample in samples]
        style = torch.tensor([STYLES.index(sample.style) for sample in samples], device=z.device)
        chance = rand((len(z),), generator, z.device)
        c = self.config
        drop_caption = chance < c.drop_both + c.drop_caption
        drop_style = (chance < c.drop_both) | (chance > 1.0 - c.drop_style)
        style = torch.where(drop_style, self.module.transformer.any_style, style)
        tokens, residual, _ = self.losses(z, captions, style, drop_caption, generator)
        return tokens.mean() + residual, {"tokens": float(tokens.detach().mean()), "residual": float(residual.detach())}

    def losses(
        self,
        z: Tensor,
        captions: list[str],
        style: Tensor,
        drop: Tensor,
        generator: torch.Generator,
        train: bool = True,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute both losses of a batch.

        Args:
            z: Latents ``[B, C, h, h]``.
            captions: ``B`` texts.
            style: ``[B]`` rows of the style embedding.
            drop: ``[B]`` bool, true where the caption is dropped.
            generator: Draws everything random.
            train: Whether to perturb labels, drop paths and soften targets.

        Returns:
            Token loss ``[B]``, the refiner's loss (a scalar), and the plain mean loss per scale ``[S]``.
        """
        c, codes = self.config, self.quantizer.codes
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
            rates = rand((len(z), self.quantizer.num_scales), generator, z.device) * c.correction_rate
            rates = rates * (rand((len(z), 1), generator, z.device) < c.correction_share)
            parts, _ = self.quantizer.split(z, rates=rates if train else None, generator=generator)
            seen = [self.quantizer.down(f, scale) for scale, f in enumerate(parts.partial[:-1], 1)]
        ids, mask = self.text_tokenizer.encode_batch(captions, MAX_TOKENS)
        longest = int(mask.sum(axis=1).max())
        text = self.module.text_encoder(*(torch.from_numpy(array[:, :longest]).to(z.device) for array in (ids, mask)))
        condition = self.module.transformer.condition(text, style, drop)
        logits, hidden = self.module.transformer(condition, seen, generator if train else None)
        sizes = [labels.shape[1] for labels in parts.labels]
        scale_logits = logits.split(sizes, dim=1)
        smoothing = c.smoothing if train else 0.0
        per_scale = [
            codes.loss(predicted, labels, smoothing)
            for predicted, labels in zip(scale_logits, parts.labels, strict=True)
        ]
        tokens = 0.5 * torch.cat(per_scale, dim=1).mean(dim=1)
        tokens = tokens + 0.5 * torch.stack([loss.mean(dim=1) for loss in per_scale], dim=1).mean(dim=1)
        before = parts.partial[-2] if len(parts.partial) > 1 else torch.zeros_like(z)
        last_hidden = hidden[:, -sizes[-1] :].detach()
        residual = self._residual_loss(z, before, parts.labels[-1], scale_logits[-1].detach(), last_hidden, generator)
        return tokens, residual, torch.stack([loss.detach().mean() for loss in per_scale])

    def _residual_loss(
        self, z: Tensor, before: Tensor, labels: Tensor, logits: Tensor, hidden: Tensor, generator: torch.Generator
    ) -> Tensor:
        codes, last, draws = self.quantizer.codes, self.quantizer.num_scales - 1, self.config.residual_draws
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
            half = len(z) // 2
            uniform = rand((half, logits.shape[1], *codes.noise_shape()), generator, z.device)
            noise = -torch.log(-torch.log(uniform.clamp(1e-7, 1.0 - 1e-7)))
            labels = torch.cat([codes.sample(logits[:half], 0.7, 1.0, noise), labels[half:]])
            token = codes.embed(labels, last)
            f = before + self.quantizer.lift(token, last)
            target = (z - f) / self.quantizer.residual_std[:, None, None]
            target, f, token, hidden = (x.repeat(draws, *[1] * (x.ndim - 1)) for x in (target, f, token, hidden))
            t = logit_normal(len(target), generator, z.device)
            mean_only = rand((len(target),), generator, z.device) < 0.25
            t = torch.where(mean_only, 0.0, t)
            noise = randn(target.shape, generator, z.device)
            noise = torch.where(mean_only[:, None, None, None], 0.0, noise)
            x_t = interpolate(target, noise, t)
        return velocity_loss(self.module.residual(x_t, t, hidden, token, f).to(torch.float32), target, t)

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
            config=default_sampling(self.quantizer.config.kind, self.quantizer.config.schedule),
        )

    def draw_samples(self, path: Path) -> None:
        """Draw 16 held-out captions, originals above, and 16 captions of the training set below."""
        pipeline, rows = self.pipeline(), []
        for part in (self.held_out, self.train):
            index = torch.arange(0, len(part), max(len(part) // 16, 1))[:16]
            samples = [part.samples[i] for i in index.tolist()]
            requests = [DrawRequest(caption=s.caption, style=s.style, seed=i) for i, s in enumerate(samples)]
            originals = self.autoencoder.decode(part.values[index, 0].to(torch.float32))
            rows += [originals, torch.cat([self._draw(pipeline, request) for request in requests])]
        save_grid(path, torch.cat(rows), columns=16)

    def _draw(self, pipeline: HybridPipeline, request: DrawRequest) -> Tensor:
        text, style = pipeline.encode_text([request.caption]), pipeline.style_index([request.style])
        return self.autoencoder.decode(pipeline.draw_tokens(text, style, [request]).f)


@torch.no_grad()
def measure_likelihood(trainee: GeneratorTrainee, part: Latents) -> dict[str, float]:
    """Return held-out losses: ``nll`` (nats a token), ``nll_<side>`` by scale, ``residual`` (velocity error)."""
    schedule = trainee.quantizer.config.schedule
    scales, residual = torch.zeros(len(schedule)), 0.0
    for number, index in enumerate(torch.arange(len(part)).split(64)):
        samples = [part.samples[i] for i in index.tolist()]
        style = torch.tensor([STYLES.index(s.style) for s in samples], device=part.values.device)
        generator = step_generator(0, number, "validate")
        drop = torch.zeros(len(index), dtype=torch.bool, device=part.values.device)
        z = part.values[index, 0].to(torch.float32)
        _, refiner, by_scale = trainee.losses(z, [s.caption for s in samples], style, drop, generator, train=False)
        scales += by_scale.cpu() * len(index) / len(part)
        residual += float(refiner) * len(index) / len(part)
    sizes = torch.tensor([side * side for side in schedule], dtype=torch.float32)
    figures = {"nll": float((scales * sizes).sum() / sizes.sum())}
    figures |= {f"nll_{side}": float(value) for side, value in zip(schedule, scales, strict=True)}
    return figures | {"residual": residual}


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

    Raises:
        DataError: The latents come from another tokenizer.
        TrainingError: The loss diverged.
    """
    encoded = read_manifest(latents, kind="latents")
    parents = {
        "latents": encoded.digest,
        "tokenizer": verify(tokenizer, kind="tokenizer").digest,
        "text-table": verify(text_table, kind="text-table").digest,
    }
    if encoded.parents["tokenizer"] != parents["tokenizer"]:
        raise DataError(f"{latents} was encoded with another tokenizer than {tokenizer}; encode the data set again")
    train, held_out = load_latents(latents)
    require_styles([*train.samples, *held_out["validation"].samples], STYLES, latents)
    trainee = GeneratorTrainee(config, train, held_out["validation"], tokenizer, text_table, device)
    identity = digest_of({"config": config.digest(), "parents": parents})
    training = Run(trainee, config.loop, work, identity, device, report)
    training.finish()
    with training.average.applied():
        trainee.module.eval()
        figures: dict[str, Any] = {
            split: measure_likelihood(trainee, part.to(device)) for split, part in held_out.items()
        }
        figures |= {
            "minutes": round(training.seconds / 60.0, 1),
            "hardware": describe(device),
            "seen_images": config.loop.steps * config.loop.batch_size,
            "parameters": {n: sum(p.numel() for p in m.parameters()) for n, m in trainee.module.named_children()},
        }
        with staging(out) as folder:
            for name, module in trainee.module.named_children():
                save_component(module, module.config, folder / name)  # pyright: ignore[reportArgumentType]
            return seal(
                folder,
                kind="generator",
                stage="train",
                config=config,
                parents=parents,
                figures=figures,
                packages=("torch", "numpy", "tokenizers"),
            )
