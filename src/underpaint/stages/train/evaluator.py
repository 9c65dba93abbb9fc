"""Training an evaluator: contrastive pairs, heads, and the amount of damage, in one pass.

Captions that stand twice in a batch are positives of each other's pictures. A damaged picture teaches its damage alone,
so that no other loss makes the features blind to it.

Shapes: ``B`` pictures, ``H`` side, ``D`` features.

Source: symmetric contrastive loss, CLIP, arXiv 2103.00020; several positives, arXiv 2004.11362.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.learning.seeding import initialized_by
from underpaint.models.evaluator import DAMAGES, Evaluator, EvaluatorConfig
from underpaint.models.pixels import composite
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import rand, randint
from underpaint.stages.train.augment import shift
from underpaint.stages.train.captions import NOUNS, with_article
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.evaluator_labels import UNLABELED, Labels, classes_of
from underpaint.stages.train.evaluator_scores import quick_scores
from underpaint.stages.train.evaluator_views import damage_each, recolor, warp
from underpaint.stages.train.evaluator_words import Words
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.pictures import Pictures

COLOR_HEADS = ("style", "tone", "color")
"""Heads that a recolored picture says nothing about."""
MAX_LOG_SCALE = 4.6052


def contrast(pictures: Tensor, captions: Tensor, same: Tensor, log_scale: Tensor) -> Tensor:
    """Return the symmetric contrastive loss.

    Args:
        pictures: ``[B, D]`` of unit length.
        captions: ``[B, D]`` of unit length.
        same: ``[B, B]`` bool, true where a picture and a caption belong together.
        log_scale: Logarithm of the inverse temperature.
    """
    logits = log_scale.clamp(max=MAX_LOG_SCALE).exp() * pictures @ captions.T  # [B, B]
    target = same.to(logits.dtype)
    rows = -(target / target.sum(dim=1, keepdim=True) * logits.log_softmax(dim=1)).sum(dim=1)
    columns = -(target / target.sum(dim=0, keepdim=True) * logits.log_softmax(dim=0)).sum(dim=0)
    return 0.5 * (rows.mean() + columns.mean())


def ask(caption: str, draws: list[float]) -> str:
    """Return a caption as people write it: with an article by a sixth, after "sticker of" or the like by a tenth."""
    named = with_article(caption) if draws[0] < 1 / 6 else caption
    return f"{NOUNS[int(draws[2] * len(NOUNS))]} of {named}" if draws[1] < 0.1 else named


class EvaluatorTrainee:
    """The evaluator as the training loop sees it.

    Args:
        recipe: The settings.
        train: The pictures to train on.
        held_out: Name to pictures to measure on.
        words: The word vectors.
        device: Where to train.
    """

    def __init__(
        self,
        recipe: EvaluatorRecipe,
        train: Pictures,
        held_out: dict[str, Pictures],
        words: Words,
        device: torch.device = CPU,
    ) -> None:
        self.recipe, self.held_out, self.device = recipe, held_out, device
        self.train = Pictures(train.samples, train.pixels.to(device), train.weights**recipe.balance)
        classes = classes_of(train.samples)
        self.labels = Labels.of(train.samples, classes)
        config = EvaluatorConfig(
            image_size=recipe.image_size,
            widths=recipe.widths,
            depths=recipe.depths,
            dim=recipe.dim,
            vocab_size=len(words.table),
            text_width=recipe.text_width,
            text_depth=recipe.text_depth,
            classes=classes,
        )
        with initialized_by(recipe.loop.seed):
            self.evaluator = Evaluator(config, words.tokenizer)
        self.evaluator.caption.words.table.copy_(words.table)
        self.evaluator.caption.words.weight.copy_(words.weight)
        self.evaluator.to(device)

    @property
    def module(self) -> nn.Module:
        """The evaluator."""
        return self.evaluator

    def _view(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures ``[B, 3, H, H]``, and where they are warped and recolored, ``[B]`` bool each."""
        count = len(index)
        draws = torch.rand(2, count, generator=generator)
        warped = draws[0] < self.recipe.warped
        recolored = (draws[1] < self.recipe.recolored) & self.labels.colorless[index]
        pictures = self.train.batch(index)
        reach = self.recipe.image_size // 16
        pictures = shift(pictures, torch.randint(-reach, reach + 1, (count, 2), generator=generator))
        pictures[warped] = warp(pictures[warped], generator)
        rgb = composite(pictures, torch.ones(count, 3, device=pictures.device)) * 2.0 - 1.0
        rgb[recolored] = recolor(rgb[recolored], generator)
        return rgb, warped, recolored

    def example(self, generator: torch.Generator) -> Tensor:
        """Return one batch as training shows it, undamaged: ``[B, 3, H, H]``."""
        return self._view(self.train.choose(self.recipe.loop.batch_size, generator), generator)[0]

    def _drop(self, features: Tensor, generator: torch.Generator) -> Tensor:
        keep = rand(features.shape, generator, features.device) >= self.recipe.dropout
        return features * keep / (1.0 - self.recipe.dropout)

    def _head_losses(self, features: Tensor, index: Tensor, recolored: Tensor) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        for name, head in self.evaluator.head.items():
            target = self.labels.heads[name][index]
            if name in COLOR_HEADS:
                target = torch.where(recolored, UNLABELED, target)
            logits = head(features).to(torch.float32)
            loss = F.cross_entropy(
                logits,
                target.to(logits.device),
                ignore_index=UNLABELED,
                reduction="sum",
                label_smoothing=self.recipe.smoothing,
            )
            losses[name] = loss / (target != UNLABELED).sum().clamp_min(1).to(logits.device)
        return losses

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the loss of one batch; see the module's docstring."""
        recipe, network = self.recipe, self.evaluator
        index = self.train.choose(recipe.loop.batch_size, generator)
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            rgb, warped, recolored = self._view(index, generator)
            damaged = (torch.rand(len(index), generator=generator) < recipe.damaged) & ~warped
            target = torch.zeros(len(index), len(DAMAGES), device=rgb.device)
            rgb[damaged], target[damaged] = damage_each(rgb[damaged], generator)
        features = network.encode_images(rgb)
        found = network.damage(features[~warped]).to(torch.float32)
        harm = (found - target[~warped]).square().sum(dim=1).mean()
        index, recolored, features = index[~damaged], recolored[~damaged], features[~damaged]
        heads = self._head_losses(self._drop(features, generator), index, recolored)
        captions = [self.train.samples[i].caption for i in index.tolist()]
        draws = torch.rand(len(index), 3, generator=generator).tolist()
        texts = network.encode_captions([ask(c, d) for c, d in zip(captions, draws, strict=True)])
        numbers = self.labels.captions[index]
        same = (numbers[:, None] == numbers[None]).to(features.device)
        pairs = contrast(network.embed_features(features), texts, same, network.log_scale)
        others = sum(value for name, value in heads.items() if name != "concept")
        total = pairs + heads["concept"] + recipe.head_weight * others + recipe.damage_weight * harm
        parts = {"pairs": pairs, "damage": harm, **heads}
        return total, {name: float(value.detach()) for name, value in parts.items()}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing."""

    def validate(self) -> dict[str, float]:
        """Return accuracies and R-precision on each held-out set."""
        figures: dict[str, float] = {}
        for name, pictures in self.held_out.items():
            figures |= {f"{name}_{key}": value for key, value in quick_scores(self.evaluator, pictures).items()}
        return figures

    def draw_samples(self, path: Path) -> None:
        """Draw 64 pictures as the network sees them in training, the damaged ones below."""
        generator = torch.Generator().manual_seed(0)
        index = randint(len(self.train), (64,), generator, CPU)
        rgb, _, _ = self._view(index, generator)
        rgb[32:], _ = damage_each(rgb[32:], generator)
        save_grid(path, torch.cat([rgb, torch.ones_like(rgb[:, :1])], dim=1), columns=16)
