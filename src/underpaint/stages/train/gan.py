"""Training the GAN: text encoder, generator and discriminator learn at once from one loss.

It sees the same pictures, captions and dropped styles as the other models, in the same order.

Shapes: ``B`` batch, ``H`` side of the picture.

Source: R3GAN, arXiv 2501.05441; penalties every few steps only, StyleGAN2, arXiv 1912.04958, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest, read_manifest, verify
from underpaint.core.progress import Report, silent
from underpaint.core.samples import Sample
from underpaint.learning.seeding import initialized_by
from underpaint.metrics.kernel import kid
from underpaint.metrics.shape_color import shape_color_features
from underpaint.models.discriminator import Discriminator, DiscriminatorConfig
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.pixels import to_straight
from underpaint.models.text_encoder import TextEncoder
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randint, randn
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.augment import shift
from underpaint.stages.train.conditions import STYLES, draw_conditions, encode_captions, make_text_encoder, style_to_ask
from underpaint.stages.train.finish import effort, trained, write_networks
from underpaint.stages.train.gan_config import GanTraining
from underpaint.stages.train.gan_loss import Game, play
from underpaint.stages.train.grid import NUM_SAMPLES, save_grid
from underpaint.stages.train.initial import SavedFiles, fill, initial_parent
from underpaint.stages.train.latents import HELD_OUT
from underpaint.stages.train.pictures import Pictures, load_pictures, require_size, require_styles

KIND = "gan"
MOST_MEASURED = 512


class GanNetworks(nn.Module):
    """The three trained networks as one module."""

    def __init__(self, text_encoder: TextEncoder, generator: GanGeneratorConfig, judge: DiscriminatorConfig) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.generator = GanGenerator(generator)
        self.discriminator = Discriminator(judge)


def make_networks(config: GanTraining, text_table: Path) -> GanNetworks:
    """Build the networks with fresh weights that depend on the seed alone.

    Args:
        config: The settings.
        text_table: A ``text-table`` artifact.
    """
    with initialized_by(config.loop.seed):
        encoder = make_text_encoder(text_table, config.text_depth)
        shared = {"num_styles": len(STYLES), "text_width": encoder.config.width}
        generator = GanGeneratorConfig(
            widths=config.widths, blocks=config.blocks, condition_width=config.condition_width, **shared
        )
        return GanNetworks(
            encoder, generator, DiscriminatorConfig(widths=config.judge_widths, blocks=config.judge_blocks, **shared)
        )


class GanTrainee:
    """The GAN as the training loop sees it.

    Args:
        config: The settings.
        train: Training pictures.
        held_out: Validation pictures.
        text_table: A ``text-table`` artifact.
        device: Where to train.
    """

    def __init__(
        self,
        config: GanTraining,
        train: Pictures,
        held_out: Pictures,
        text_table: Path,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.text_tokenizer = TextTokenizer.from_folder(text_table)
        self.module: GanNetworks = make_networks(config, text_table).to(device)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch for both sides; every ``penalty_every``-th step holds the penalties."""
        c, device = self.config, self.train.pixels.device
        index = self.train.choose(c.loop.batch_size, generator)
        samples = [self.train.samples[i] for i in index.tolist()]
        asked = draw_conditions(samples, c, self.module.generator.any_style, generator, device)
        offsets = randint(2 * c.reach + 1, (len(index), 2), generator, CPU) - c.reach
        real = shift(self.train.batch(index), offsets)
        noise = randn((len(index), self.module.generator.config.noise_width), generator, device)
        penalize = c.penalty > 0.0 and step % c.penalty_every == 0
        with torch.autocast(device.type, enabled=False):
            game = self.play(real, asked.captions, asked.style, noise, differing(samples, device), penalize=penalize)
        loss = game.discriminator + game.generator + c.mismatch * game.mismatch
        loss = loss + c.penalty * c.penalty_every * game.penalty
        names = ("discriminator", "generator", "mismatch", "margin", "slope")
        return loss, {name: float(getattr(game, name).detach()) for name in names}

    def play(
        self,
        real: Tensor,
        captions: Sequence[str],
        style: Tensor,
        noise: Tensor,
        differs: Tensor,
        *,
        penalize: bool,
    ) -> Game:
        """Draw a picture for each caption and let the discriminator compare.

        Args:
            real: ``[B, 4, H, H]``.
            captions: ``B`` texts.
            style: ``[B]`` rows of the style embedding.
            noise: ``[B, noise_width]``.
            differs: See ``gan_loss.play``.
            penalize: Whether to compute the gradient penalties.
        """
        networks = self.module
        pooled = encode_captions(self.text_tokenizer, networks.text_encoder, captions, real.device).pooled
        drawn = networks.generator(noise, pooled, style)
        expected = networks.discriminator.expect(pooled, style)
        return play(networks.discriminator, real, drawn, expected, differs, penalize=penalize)

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: there is nothing but weights."""

    def validate(self) -> dict[str, float]:
        """Return how far drawings of held-out captions are from the pictures; see ``measure_drawings``."""
        return measure_drawings(self.pipeline(), self.held_out)

    def pipeline(self) -> GanPipeline:
        """Return the networks as a pipeline with default sampling."""
        return GanPipeline(
            text_tokenizer=self.text_tokenizer,
            text_encoder=self.module.text_encoder,
            generator=self.module.generator,
            config=GanConfig(styles=STYLES),
        )

    def draw_samples(self, path: Path) -> None:
        """Draw 16 held-out captions, originals above, and 16 captions of the training set below."""
        pipeline, rows = self.pipeline(), []
        for part in (self.held_out, self.train):
            index = spread(len(part), NUM_SAMPLES)
            rows += [part.batch(index), pipeline.draw_pictures(requests_for(part, index))]
        save_grid(path, torch.cat(rows), columns=NUM_SAMPLES)


def differing(samples: Sequence[Sample], device: torch.device) -> Tensor:
    """Return ``[B]`` bool: whether each caption differs from the one before it (before the first lies the last)."""
    names = [sample.caption for sample in samples]
    before = names[-1:] + names[:-1]
    return torch.tensor([a != b for a, b in zip(names, before, strict=True)], device=device)


def spread(length: int, count: int) -> Tensor:
    """Return up to ``count`` indices, evenly spread over ``length`` samples."""
    return torch.arange(0, length, max(-(-length // count), 1))


def requests_for(part: Pictures, index: Tensor) -> list[DrawRequest]:
    """Return what is asked for to draw the captions of samples; the seeds count up from 0."""
    samples = [part.samples[i] for i in index.tolist()]
    return [DrawRequest(caption=s.caption, style=style_to_ask(s), seed=seed) for seed, s in enumerate(samples)]


def measure_drawings(pipeline: GanPipeline, part: Pictures) -> dict[str, float]:
    """Compare drawings of up to 512 captions with the pictures that belong to them, by shape and color.

    Args:
        pipeline: Draws.
        part: Held-out pictures.

    Returns:
        ``distance``, the kernel distance of both sets (0 for equal distributions), and ``same_caption``, the mean
        product of each drawing's features with those of its own picture (1 for equal ones).
    """
    index = spread(len(part), MOST_MEASURED)
    requests = requests_for(part, index)
    pixels = [to_straight(pipeline.draw_pictures(requests[i : i + 64])) for i in range(0, len(requests), 64)]
    drawn = shape_color_features(np.concatenate(pixels))
    real = shape_color_features(part.pixels[index.to(part.pixels.device)].cpu().numpy())
    distance = kid(drawn, real, scale=1.0, enforce=False).value if len(index) > 1 else float("nan")
    return {"distance": distance, "same_caption": float((drawn * real).sum(axis=1).mean())}


def run(
    config: GanTraining,
    dataset: Path,
    text_table: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    initial: Path | None = None,
    device: torch.device = CPU,
) -> Manifest:
    """Train a GAN and write it as a ``gan`` artifact; the discriminator is kept for training that goes on.

    Args:
        config: The settings.
        dataset: A ``dataset`` artifact.
        text_table: A ``text-table`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        initial: A saved pipeline whose text encoder the training starts from; None starts afresh.
        device: Where to train.

    Raises:
        ArtifactError: An input is missing or damaged.
        DataError: The pictures have another size or a style that is not known.
        TrainingError: The loss diverged, or the initial text encoder does not fit.
    """
    parents = {
        "dataset": read_manifest(dataset, kind="dataset").digest,
        "text-table": verify(text_table, kind="text-table").digest,
    } | initial_parent(initial)
    train, held_out = load_pictures(dataset, ("train",), report), load_pictures(dataset, HELD_OUT, report)
    require_size(train, config.image_size, dataset)
    require_styles([*train.samples, *held_out.samples], STYLES, dataset)
    trainee = GanTrainee(config, train, of_split(held_out, "validation"), text_table, device)
    if initial is not None:
        file = SavedFiles(initial).of("text_encoder")
        fill(trainee.module.text_encoder, read_weights(file), file)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        splits = [split for split in HELD_OUT if any(sample.split == split for sample in held_out.samples)]
        figures: dict[str, Any] = {
            split: measure_drawings(trainee.pipeline(), of_split(held_out, split)) for split in splits
        }
        figures |= effort(training, trainee.module)
        networks = dict(trainee.module.named_children())
        return write_networks(networks, out, kind=KIND, config=config, parents=parents, figures=figures)


def of_split(pictures: Pictures, split: str) -> Pictures:
    """Return the pictures of one split."""
    rows = [row for row, sample in enumerate(pictures.samples) if sample.split == split]
    return Pictures([pictures.samples[row] for row in rows], pictures.pixels[rows], pictures.weights[rows])
