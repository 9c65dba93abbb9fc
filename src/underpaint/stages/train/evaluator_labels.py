"""Which pictures an evaluator learns from, and what it is told about them, as numbers.

Shapes: ``N`` pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from underpaint.core.attributes import COLORS, DIRECTIONS, GENDERS, STYLES, TONES, labels_of
from underpaint.core.samples import Sample
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.pictures import Pictures

Classes = Mapping[str, Sequence[str]]

FIXED_HEADS: dict[str, tuple[str, ...]] = {
    "style": STYLES,
    "tone": TONES,
    "gender": GENDERS,
    "color": COLORS,
    "direction": DIRECTIONS,
}
UNLABELED = -1


def classes_of(samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """Return head to classes for training samples; the concepts are those among them."""
    return {"concept": tuple(sorted({sample.group for sample in samples})), **FIXED_HEADS}


def share_of(text: str) -> float:
    """Return a number in [0, 1) that depends on a text alone."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) / 16**12


def in_fold(sample: Sample, recipe: EvaluatorRecipe) -> bool:
    """Tell whether a sample's concept is left out of training."""
    return recipe.folds > 1 and int(share_of(f"fold:{sample.cluster}") * recipe.folds) == recipe.fold


def is_held_out(sample: Sample, recipe: EvaluatorRecipe) -> bool:
    """Tell whether a training picture is kept for tuning, with all that the same hand drew of the same id."""
    return share_of(f"held-out:{sample.id}:{sample.family}") < recipe.held_out


def part(pictures: Pictures, index: Sequence[int]) -> Pictures:
    """Return the pictures at some places, weighted by their share among the variants of their concept."""
    samples = [pictures.samples[i] for i in index]
    return Pictures(samples, pictures.pixels[list(index)], torch.tensor([sample.weight for sample in samples]))


def split_pictures(pictures: Pictures, recipe: EvaluatorRecipe) -> tuple[Pictures, Pictures]:
    """Return the pictures to train on and those kept for tuning; those of the left-out fold are in neither."""
    known = [i for i, sample in enumerate(pictures.samples) if not in_fold(sample, recipe)]
    kept = {i for i in known if is_held_out(pictures.samples[i], recipe)}
    return part(pictures, [i for i in known if i not in kept]), part(pictures, sorted(kept))


def numbers_of(samples: Sequence[Sample], head: str, classes: Sequence[str]) -> Tensor:
    """Return a head's class of each sample, ``[N]`` int64; -1 where it has no label or one that is no class."""
    number = {name: i for i, name in enumerate(classes)}
    return torch.tensor([number.get(labels_of(sample).get(head, ""), UNLABELED) for sample in samples])


@dataclass(frozen=True)
class Labels:
    """Labels of pictures as numbers.

    Args:
        heads: Head to ``[N]`` int64; see ``numbers_of``.
        captions: ``[N]`` int64, equal for equal captions.
        colorless: ``[N]`` bool, whether neither a label nor the caption says anything of colors.
    """

    heads: dict[str, Tensor]
    captions: Tensor
    colorless: Tensor

    @classmethod
    def of(cls, samples: Sequence[Sample], classes: Classes) -> Labels:
        """Number the labels of samples."""
        captions = {caption: i for i, caption in enumerate(sorted({sample.caption for sample in samples}))}
        return cls(
            heads={head: numbers_of(samples, head, names) for head, names in classes.items()},
            captions=torch.tensor([captions[sample.caption] for sample in samples]),
            colorless=torch.tensor([says_nothing_of_color(sample.caption) for sample in samples]),
        )


def says_nothing_of_color(caption: str) -> bool:
    """Tell whether a caption would fit a picture in other colors."""
    words = set(caption.split())
    return not words & set(COLORS) and "tone" not in words
