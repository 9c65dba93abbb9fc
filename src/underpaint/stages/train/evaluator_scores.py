"""What an evaluator makes of real pictures: features, heads and captions found.

Shapes: ``N`` pictures, ``D`` features, ``C`` classes, ``K`` pictures with a label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from underpaint.core.samples import Sample
from underpaint.metrics.alignment import CANDIDATES, r_precision
from underpaint.models.evaluator import Evaluator, prepare
from underpaint.stages.train.evaluator_labels import numbers_of
from underpaint.stages.train.pictures import Pictures

BATCH = 128
QUICK_CANDIDATES = 50


@torch.no_grad()
def features_of(evaluator: Evaluator, rgb: Tensor) -> Tensor:
    """Return the features ``[N, D]`` of ``[N, 3, H, H]`` in float32 on the CPU, some at a time."""
    device = evaluator.log_scale.device
    return torch.cat([evaluator.encode_images(part.to(device)).to(torch.float32).cpu() for part in rgb.split(BATCH)])


def rgb_of(evaluator: Evaluator, pictures: Pictures) -> Tensor:
    """Return a data set's pictures as the evaluator looks at them, ``[N, 3, H, H]``."""
    return prepare(pictures.pixels.cpu().numpy(), evaluator.config.image_size)


@torch.no_grad()
def logits_of(evaluator: Evaluator, features: Tensor) -> dict[str, Tensor]:
    """Return each head's logits ``[N, C]`` for features ``[N, D]``, on the CPU in float32."""
    heads = evaluator.heads(features.to(evaluator.log_scale.device))
    return {name: logits.to(torch.float32).cpu() for name, logits in heads.items()}


def labeled(evaluator: Evaluator, samples: Sequence[Sample], head: str) -> tuple[NDArray[np.int64], Tensor]:
    """Return the rows that have a label among a head's classes ``[K]``, and their classes ``[K]``."""
    numbers = numbers_of(samples, head, evaluator.config.classes[head])
    rows = np.flatnonzero(numbers.numpy() >= 0)
    return rows, numbers[rows]


@torch.no_grad()
def found_captions(
    evaluator: Evaluator, features: Tensor, samples: Sequence[Sample], candidates: int = CANDIDATES
) -> NDArray[np.float64]:
    """Tell for each picture whether its caption is found among those of other concepts in the same set: ``[N]``.

    Args:
        evaluator: In evaluation mode.
        features: Of the pictures ``[N, D]``.
        samples: Their records.
        candidates: Captions that each picture's own is looked for among, itself included.
    """
    pool = list({sample.caption: sample for sample in reversed(samples)}.values())
    place = {sample.caption: row for row, sample in enumerate(pool)}
    device = evaluator.log_scale.device
    return r_precision(
        evaluator.embed_features(features.to(device)).cpu().numpy(),
        np.array([place[sample.caption] for sample in samples]),
        evaluator.encode_captions([sample.caption for sample in pool]).cpu().numpy(),
        [sample.cluster for sample in pool],
        np.random.default_rng(0),
        candidates=candidates,
    )


def possible_candidates(samples: Sequence[Sample]) -> int:
    """Return among how many captions each picture's own can be looked for: those of other concepts, and itself."""
    captions = Counter({sample.caption: sample.cluster for sample in samples}.values())
    return 1 + captions.total() - max(captions.values())


def quick_scores(evaluator: Evaluator, pictures: Pictures) -> dict[str, float]:
    """Return the accuracy of every head that has a label, and R-precision among few, for the training log."""
    features = features_of(evaluator, rgb_of(evaluator, pictures))
    figures: dict[str, float] = {}
    for name, logits in logits_of(evaluator, features).items():
        rows, classes = labeled(evaluator, pictures.samples, name)
        if len(rows):
            figures[name] = float((logits[rows].argmax(dim=1) == classes).to(torch.float64).mean())
    candidates = min(QUICK_CANDIDATES, possible_candidates(pictures.samples))
    if candidates > 1:
        figures[f"r_precision_{candidates}"] = float(
            found_captions(evaluator, features, pictures.samples, candidates).mean()
        )
    return figures
