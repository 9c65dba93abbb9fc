"""A saved hybrid model that learns a new style: batches of new pictures and of pictures it could draw before.

All weights above text table and tokenizer are trained, or with a rank only adapters on the transformer's linear maps
and the new styles' rows. A refiner that adds the mean residual when the model draws learns the mean alone.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from underpaint.learning.loop import step_generator
from underpaint.models.low_rank import adapt
from underpaint.models.style_rows import ROWS, with_styles
from underpaint.models.transformer import TransformerConfig
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.runtime.device import CPU
from underpaint.stages.train.conditions import Conditions, draw_conditions, style_rows
from underpaint.stages.train.config import MEAN_SHARE, GeneratorTraining
from underpaint.stages.train.generator import GeneratorTrainee
from underpaint.stages.train.latents import Latents
from underpaint.stages.train.tuning.config import Drops, StyleRecipe
from underpaint.stages.train.tuning.own import new_styles
from underpaint.stages.train.tuning.parts import Parts
from underpaint.stages.train.tuning.preview import draw_preview
from underpaint.stages.train.tuning.verdict import Point
from underpaint.stages.train.tuning.watch import Watch

MOST_MEASURED = 64


def generator_settings(recipe: StyleRecipe, network: TransformerConfig, sampling: HybridConfig) -> GeneratorTraining:
    """Return the settings of the losses; the networks' own settings are the saved model's.

    Args:
        recipe: The settings of the style.
        network: Those of the saved model's transformer.
        sampling: How the saved model draws.
    """
    return GeneratorTraining(
        loop=recipe.loop,
        width=network.width,
        depth=1,
        heads=network.heads,
        early_scales=network.early_scales,
        text_depth=0,
        residual_depth=0,
        correction_share=recipe.correction_share,
        correction_rate=recipe.correction_rate,
        smoothing=recipe.smoothing,
        rewording=recipe.rewording,
        residual_draws=recipe.residual_draws,
        mean_share=1.0 if sampling.residual_steps == 0 else MEAN_SHARE,
    )


class StyleTrainee(GeneratorTrainee):
    """A saved model that learns a style, as the training loop sees it.

    Args:
        recipe: The settings.
        pipeline: The saved model; its networks are trained in place.
        own: Encoded new pictures.
        kept: Encoded pictures of what the model could do before.
        workspace: Folder with the model's ``tokenizer`` and ``text-table``.
        device: Where to train.

    Raises:
        InputError: A setting has not one number for each scale.
    """

    task = "learn the style"

    def __init__(
        self,
        recipe: StyleRecipe,
        pipeline: HybridPipeline,
        own: Parts,
        kept: Parts,
        workspace: Path,
        device: torch.device = CPU,
    ) -> None:
        settings = generator_settings(recipe, pipeline.transformer.config, pipeline.config)
        super().__init__(settings, *own, workspace / "tokenizer", workspace / "text-table", device)
        self.recipe, self.patience, self.step = recipe, recipe.patience, 0
        self.kept, self.kept_held_out = (part.to(device) for part in kept)
        self.module.text_encoder, self.module.transformer = pipeline.text_encoder, pipeline.transformer
        self.refines = pipeline.residual is not None
        self.module.residual = pipeline.residual or self.module.residual
        self.module.to(device)
        added = new_styles(pipeline.styles, [*self.train.samples, *self.held_out.samples])
        self.styles = pipeline.styles
        self.nearest = {style: self._nearest_row(style) for style in added}
        self._add_styles(added)
        self.sampling = pipeline.config.model_copy(update={"styles": self.styles})
        self._choose_what_to_train(len(added))
        loop = recipe.loop
        self.watch = Watch(self.module, -(-loop.steps // loop.validate_every) + 1)
        self.module.add_module("watch", self.watch.to(device))
        self.module.eval()
        self.watch.note(self.module, self._point())

    def _nearest_row(self, style: str) -> int:
        """Return the row of the style, or of none, under which the model before explains pictures of a style best."""
        rows = [i for i, sample in enumerate(self.train.samples) if sample.style == style] or [0]
        samples = [self.train.samples[i] for i in rows]
        part = Latents(samples, self.train.values[rows], self.train.weights[rows])
        return min(range(len(self.styles) + 1), key=lambda row: self.loss_of(part, row))

    def _add_styles(self, added: tuple[str, ...]) -> None:
        if added:
            network = self.module.transformer
            rows = network.style_embedding.weight.detach()[[self.nearest[style] for style in added]]
            self.module.transformer = with_styles(network, rows)
            self.styles = (*self.styles, *added)

    def _choose_what_to_train(self, num_added: int) -> None:
        """Train everything, or with a rank the adapters and the last ``num_added`` styles alone."""
        if self.recipe.rank is None:
            self.module.requires_grad_(True)
            return
        self.module.requires_grad_(False)
        network = self.module.transformer
        adapt(network, self.recipe.rank, step_generator(self.recipe.loop.seed, 0, "adapters"))
        if num_added:
            mask = torch.zeros(len(self.styles) + 1, 1, device=network.style_embedding.weight.device)
            mask[-1 - num_added : -1] = 1.0
            network.style_embedding.weight.requires_grad_(True).register_hook(lambda gradient: gradient * mask)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch; new pictures come first."""
        self.step = step + 1
        num_kept = self.recipe.kept_in_batch
        num_new = self.recipe.loop.batch_size - num_kept
        parts = [self._asked(self.train, num_new, self.recipe.drops, generator)]
        if num_kept:
            parts.append(self._asked(self.kept, num_kept, self.recipe.keep_drops, generator))
        z = torch.cat([part for part, _ in parts])  # [B, C, h, h]
        asked = _joined([conditions for _, conditions in parts])
        tokens, residual, _ = self.losses(z, asked, generator)
        shown = {"tokens": float(tokens.detach()[:num_new].mean()), "residual": float(residual.detach())}
        return tokens.mean() + residual, shown

    def _asked(self, part: Latents, count: int, drops: Drops, generator: torch.Generator) -> tuple[Tensor, Conditions]:
        """Draw pictures and how they are asked for."""
        index, z = part.choose(count, generator)
        samples = [part.samples[i] for i in index.tolist()]
        none = self.module.transformer.any_style
        rewording = self.recipe.rewording
        return z, draw_conditions(samples, drops, none, generator, z.device, rewording=rewording, styles=self.styles)

    def validate(self) -> dict[str, float]:
        """Measure all three parts in nats a token, and keep the weights if no earlier ones were better."""
        point = self._point()
        self.watch.note(self.module, point)
        return {"nll": point.held_out, "learned_nll": point.learned, "kept_nll": point.kept}

    def _point(self) -> Point:
        parts = (self.train, self.held_out, self.kept_held_out)
        return Point(self.step, *(self.loss_of(part) for part in parts))

    @torch.no_grad()
    def loss_of(self, part: Latents, row: int | None = None) -> float:
        """Return the loss in nats a token of up to 64 pictures.

        Args:
            part: The pictures.
            row: Row of the style embedding in which all are asked for; None for each picture's own.
        """
        samples = part.samples[:MOST_MEASURED]
        z = part.values[: len(samples), 0].to(torch.float32)
        style = style_rows(samples, z.device, self.styles)
        style = style if row is None else torch.full_like(style, row)
        drop = torch.zeros(len(samples), dtype=torch.bool, device=z.device)
        asked = Conditions([sample.caption for sample in samples], style, drop)
        _, _, scales = self.losses(z, asked, step_generator(0, 0, "validate"), train=False)
        sizes = torch.tensor([side**2 for side in self.quantizer.config.schedule], dtype=scales.dtype)
        return float((scales.cpu() * sizes).sum() / sizes.sum())

    def pipeline(self) -> HybridPipeline:
        """Return the model as it is now."""
        pipeline = super().pipeline()
        if not self.refines:
            pipeline.residual = None
        return pipeline

    def draw_samples(self, path: Path) -> None:
        """Draw held-out captions and everyday words."""
        draw_preview([self.pipeline()], self.held_out, self.autoencoder, path)

    def new_rows(self) -> Tensor:
        """Return the new styles' rows ``[N, W]``."""
        rows = self.module.transformer.state_dict()[ROWS]
        return rows[len(rows) - 1 - len(self.nearest) : len(rows) - 1]


def _joined(parts: Sequence[Conditions]) -> Conditions:
    return Conditions(
        [caption for part in parts for caption in part.captions],
        torch.cat([part.style for part in parts]),
        torch.cat([part.drop for part in parts]),
    )
