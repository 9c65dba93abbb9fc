"""After training: norms that fit the averaged weights, decorrelated features, probabilities that mean what they say.

Source: batch statistics of averaged weights, arXiv 1803.05407, section 3.2; temperature scaling, arXiv 1706.04599.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.learning.loop import step_generator
from underpaint.models.evaluator import Evaluator
from underpaint.stages.train.evaluator import EvaluatorTrainee
from underpaint.stages.train.evaluator_scores import features_of, labeled, logits_of, rgb_of
from underpaint.stages.train.pictures import Pictures

BATCHES = 40
FEWEST = 30
RIDGE = 0.05
LOWEST, HIGHEST = 0.1, 10.0


@torch.no_grad()
def settle_norms(trainee: EvaluatorTrainee, batches: int = BATCHES) -> None:
    """Measure the norms' means and variances anew, with the present weights, on training views."""
    norms = [m for m in trainee.evaluator.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    for number in range(batches):
        trainee.evaluator.encode_images(trainee.example(step_generator(trainee.recipe.loop.seed, number, "norms")))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    trainee.evaluator.eval()


@torch.no_grad()
def decorrelate(evaluator: Evaluator, pictures: Pictures, ridge: float = RIDGE) -> None:
    """Give all directions of the features about the same variance over some pictures; heads and captions see no change.

    What tells concepts apart varies most, damage least; distances between sets of features would miss the latter.
    The map ``(S + ridge)^-1/2`` is folded into the weights before the features, its inverse into those behind them.

    Args:
        evaluator: In evaluation mode.
        pictures: Those whose features have the covariance ``S``.
        ridge: Added to every variance, so that directions in which hardly anything varies stay small.
    """
    features = features_of(evaluator, rgb_of(evaluator, pictures)).to(torch.float64)
    values, vectors = torch.linalg.eigh(torch.cov(features.T))
    scale = (values.clamp_min(0.0) + ridge).sqrt()
    forth = vectors / scale @ vectors.T  # [D, D]
    back = vectors * scale @ vectors.T  # [D, D]
    norm, out = evaluator.image.standardize, evaluator.image.out
    assert norm.running_mean is not None and norm.running_var is not None, "the last norm keeps statistics"
    own = forth / (norm.running_var.to(torch.float64) + norm.eps).sqrt().cpu()
    out.bias.copy_(own @ (out.bias - norm.running_mean).to(torch.float64).cpu())
    out.weight.copy_(own @ out.weight.to(torch.float64).cpu())
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0 - norm.eps)
    for layer in (*evaluator.head.values(), evaluator.project, evaluator.damage):
        assert isinstance(layer, nn.Linear), "what reads features is linear"
        layer.weight.copy_(layer.weight.to(torch.float64).cpu() @ back)


def best_temperature(logits: Tensor, classes: Tensor) -> float:
    """Return the temperature between 0.1 and 10 with the least cross-entropy, by golden section on its logarithm.

    Args:
        logits: ``[K, C]``.
        classes: ``[K]`` int64.
    """
    low, high, ratio = math.log(LOWEST), math.log(HIGHEST), (math.sqrt(5.0) - 1.0) / 2.0

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits.to(torch.float64) / math.exp(log_temperature), classes))

    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return round(math.exp((low + high) / 2.0), 4)


def temperatures_of(evaluator: Evaluator, held_out: Sequence[Pictures]) -> dict[str, float]:
    """Return head to temperature, fitted on held-out pictures; heads with fewer than 30 labels there are left out."""
    features = torch.cat([features_of(evaluator, rgb_of(evaluator, pictures)) for pictures in held_out])
    samples = [sample for pictures in held_out for sample in pictures.samples]
    raw = logits_of(evaluator, features)
    temperatures: dict[str, float] = {}
    for head in evaluator.config.classes:
        rows, classes = labeled(evaluator, samples, head)
        if len(rows) >= FEWEST:
            temperatures[head] = best_temperature(raw[head][rows], classes)
    return temperatures
