"""The decoder for a new style: what it never had to draw, such as dark outlines, learned from the new pictures.

Encoder and codes stay, so every token means what it meant; but a decoder that has seen no outline paints none, whatever
the tokens say. It learns the new pictures from latents as generators emit them, and beside them to decode what the
model could draw before as it did before, its own old decoder being the teacher.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.progress import Progress, Report, silent
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, save_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.runtime.device import CPU
from underpaint.stages.train.augment import flip_and_shift
from underpaint.stages.train.decoder import emitted
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.finish import time_taken, trained
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.pictures import Pictures
from underpaint.stages.train.tokenizer import picture_loss
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.own import SamplePair, read_some
from underpaint.stages.train.tuning.parts import Parts, load_parts
from underpaint.stages.train.tuning.verdict import Point
from underpaint.stages.train.tuning.watch import Watch, WatchedRun, curve_of

KIND = "decoder"
MOST_MEASURED = 64


class Growing(nn.Module):
    """The decoder beside the memory of its best weights, as one module for training."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder


class StyleDecoder:
    """A saved model's decoder that learns a style, as the training loop sees it.

    Args:
        recipe: The settings of the style.
        config: Those of the decoder.
        autoencoder: Its decoder is trained in place.
        quantizer: The codes that it shall draw from.
        own: New pictures to learn from, and held out.
        kept: Latents of what the model could do before, likewise.
        device: Where to train.
    """

    task = "learn to draw the style"

    def __init__(
        self,
        recipe: StyleRecipe,
        config: DecoderTraining,
        autoencoder: Autoencoder,
        quantizer: MultiScaleQuantizer,
        own: tuple[Pictures, Pictures],
        kept: Parts,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.patience, self.step = config, recipe.patience, 0
        self.num_kept = round(config.loop.batch_size * recipe.decoder_keep_share)
        self.autoencoder = autoencoder.to(device).eval().requires_grad_(False)
        self.teacher = copy.deepcopy(self.autoencoder)
        self.quantizer = quantizer.to(device).eval().requires_grad_(False)
        self.train, self.held_out = (part.to(device) for part in own)
        self.kept, self.kept_held_out = (part.to(device) for part in kept)
        self.module: nn.Module = Growing(self.autoencoder.decoder.requires_grad_(True))
        loop = config.loop
        self.watch = Watch(self.module, -(-loop.steps // loop.validate_every) + 1)
        self.module.add_module("watch", self.watch.to(device))
        self.watch.note(self.module, self._point())

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch; new pictures come first."""
        self.step = step + 1
        index = self.train.choose(self.config.loop.batch_size - self.num_kept, generator)
        target = flip_and_shift(self.train.batch(index), generator)
        with torch.no_grad(), torch.autocast(target.device.type, enabled=False):
            seen, _ = emitted(self.autoencoder.encode(target), self.quantizer, self.config, generator)
            if self.num_kept:
                _, kept = self.kept.choose(self.num_kept, generator)
                seen = torch.cat([seen, kept])  # [B, C, h, h]
                target = torch.cat([target, self.teacher.decode(kept).clamp(-1.0, 1.0)])  # [B, 4, H, H]
        loss = picture_loss(self.autoencoder.decode(seen), target, generator)
        return loss, {"pixels": float(loss.detach())}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: gradients move all that is to be moved."""

    def validate(self) -> dict[str, float]:
        """Measure how far drawn pictures lie from what they should be, and keep the weights if never nearer."""
        point = self._point()
        self.watch.note(self.module, point)
        return {"error": point.held_out, "learned_error": point.learned, "kept_error": point.kept}

    def _point(self) -> Point:
        return Point(self.step, self._own_error(self.train), self._own_error(self.held_out), self._kept_error())

    @torch.no_grad()
    def _own_error(self, part: Pictures) -> float:
        """Return the mean error of pictures drawn from their tokens alone and from all of their latents."""
        target = part.batch(torch.arange(min(len(part), MOST_MEASURED)))
        z = self.autoencoder.encode(target)
        latents = torch.cat([self.quantizer(z).partial[-1], z])
        return error(self.autoencoder.decode(latents), torch.cat([target, target]))

    @torch.no_grad()
    def _kept_error(self) -> float:
        z = self.kept_held_out.values[:MOST_MEASURED, 0].to(torch.float32)
        return error(self.autoencoder.decode(z), self.teacher.decode(z).clamp(-1.0, 1.0))

    def draw_samples(self, path: Path) -> None:
        """Write held-out pictures, and what is drawn from their tokens, before and now."""
        target = self.held_out.batch(torch.arange(min(len(self.held_out), 8)))
        f = self.quantizer(self.autoencoder.encode(target)).partial[-1]
        save_grid(path, torch.cat([target, self.teacher.decode(f), self.autoencoder.decode(f)]), columns=len(target))


def error(drawn: Tensor, target: Tensor) -> float:
    """Return the mean absolute difference of premultiplied pictures ``[B, 4, H, H]``, as a share of the full range."""
    return float((drawn.clamp(-1.0, 1.0) - target).abs().mean() / 2.0)


def run(
    recipe: StyleRecipe,
    config: DecoderTraining,
    pair: SamplePair,
    dataset: Path,
    workspace: Path,
    report: Report = silent,
    *,
    parents: dict[str, str],
    device: torch.device = CPU,
) -> Manifest:
    """Train a model's decoder on and write it as a ``decoder`` artifact of the workspace.

    Args:
        recipe: The settings.
        config: Those of the decoder.
        pair: Samples to learn from, and held out.
        dataset: Where their pictures lie.
        workspace: A folder with ``tokenizer`` and ``kept``.
        report: Receives progress.
        parents: Role to digest of what it is trained from.
        device: Where to train.

    Raises:
        DataError: A picture is missing or broken.
        TrainingError: The loss diverged, or the running state belongs to another training.
    """
    report(Progress(task="measure how the decoder draws the style before it learns", done=0))
    tokens = workspace / "tokenizer"
    autoencoder = load_component(tokens / "autoencoder", Autoencoder, AutoencoderConfig, device)
    quantizer = load_component(tokens / "quantizer", MultiScaleQuantizer, QuantizerConfig, device)
    learned, held_out = (read_some(dataset, samples) for samples in pair)
    kept = load_parts(workspace / "kept")
    trainee = StyleDecoder(recipe, config, autoencoder, quantizer, (learned, held_out), kept, device)
    work = workspace / "state" / "decoder"
    with trained(trainee, config, parents, work, device=device, report=report, kind=WatchedRun) as training:
        trainee.watch.restore(trainee.module)
        figures = {"curve": curve_of(trainee.watch.points)} | time_taken(training)
        with staging(workspace / "decoder") as folder:
            save_component(autoencoder, autoencoder.config, folder / "autoencoder")
            return seal(
                folder,
                kind=KIND,
                stage="train",
                config=recipe,
                parents=parents,
                figures=figures,
                packages=("torch", "numpy"),
            )
