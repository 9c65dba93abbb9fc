"""Whether an evaluator may judge: what its features see, its heads name and its captions find on held-out pictures.

Everything here is measured on pictures that training never saw: concepts in a style in which they were not seen
(``test_style``), combinations of known parts (``test_composition``), and unknown concepts (``test_concept``).

Shapes: ``N`` pictures, ``H`` side, ``D`` features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from underpaint.core.errors import MetricError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.learning.loop import step_generator
from underpaint.metrics.classifier import expected_calibration_error
from underpaint.metrics.clusters import effective_number, number_clusters
from underpaint.metrics.estimate import Floats, variance_of_mean
from underpaint.metrics.frechet import frechet_distance
from underpaint.metrics.interval import mean_by_prompt, wilson
from underpaint.metrics.kernel import LEAST_SAMPLES, kid
from underpaint.models.evaluator import Evaluator
from underpaint.stages.train.evaluator_labels import part
from underpaint.stages.train.evaluator_scores import (
    features_of,
    found_captions,
    labeled,
    logits_of,
    possible_candidates,
    rgb_of,
)
from underpaint.stages.train.evaluator_views import add_noise, blur, jpeg, lose_resolution
from underpaint.stages.train.pictures import Pictures

Figures = dict[str, Any]
Harm = Callable[[Tensor], Tensor]

SPLITS = ("test_style", "test_composition", "test_concept")
JUDGED_ON = {"concept": ("test_style",), "style": ("test_style",), "color": SPLITS}
"""Splits that decide whether a head may judge; ``test_composition`` for the others. Colors are too few in any one."""
NAMED_ENOUGH, FOUND_ENOUGH, SEEN_ENOUGH = 0.9, 0.5, 5.0
FEW_SAMPLES = 500
MOST_CLASSES_SHOWN = 11
LADDERS = (("blur 0.5", "blur 1", "blur 2", "blur 4"), ("jpeg 90", "jpeg 50", "jpeg 25", "jpeg 10"))
MUST_BE_SEEN = ("blur 1", "blur 2", "jpeg 50", "jpeg 10", "noise 10", "noise 25", "half resolution")


def harms() -> dict[str, Harm]:
    """Return every degradation by name; each takes and gives ``[N, 3, H, H]`` in [-1, 1].

    ``six levels`` and ``darker`` are kinds that training never shows.
    """
    table: dict[str, Harm] = {f"blur {sigma:g}": lambda x, s=sigma: blur(x, s) for sigma in (0.5, 1.0, 2.0, 4.0)}
    table |= {f"jpeg {quality}": lambda x, q=quality: jpeg(x, q) for quality in (90, 50, 25, 10)}
    table |= {
        f"noise {sigma}": lambda x, s=sigma: add_noise(x, s, step_generator(0, 0, f"noise {s}")) for sigma in (10, 25)
    }
    return table | {
        "half resolution": lambda x: lose_resolution(x, 2.0),
        "six levels": lambda x: ((x + 1.0) * 2.5).round() / 2.5 - 1.0,
        "darker": lambda x: ((x + 1.0) / 2.0) ** 1.3 * 2.0 - 1.0,
    }


def to_bytes(rgb: Tensor) -> Tensor:
    """Round ``[N, 3, H, H]`` to what 8 bits a channel can hold."""
    return ((rgb.clamp(-1.0, 1.0) + 1.0) * 127.5).round() / 127.5 - 1.0


def two_halves(samples: Sequence[Sample], seed: int = 0) -> tuple[list[int], list[int]]:
    """Return two sets of places that share no concept, each in random order."""
    rng = np.random.default_rng(seed)
    clusters = sorted({sample.cluster for sample in samples})
    first = {clusters[i] for i in rng.permutation(len(clusters))[: len(clusters) // 2]}
    order = [int(i) for i in rng.permutation(len(samples))]
    return [i for i in order if samples[i].cluster in first], [i for i in order if samples[i].cluster not in first]


def sensitivity(evaluator: Evaluator, pictures: Pictures, report: Report = silent) -> Figures:
    """Measure how far each degradation moves features away from a reference of other concepts.

    Args:
        evaluator: In evaluation mode.
        pictures: Pictures of many concepts, which are halved by concept.
        report: Receives progress.

    Returns:
        ``n`` for the kernel distance, ``n_fd`` for the Frechet distance, ``clean_fd``, and under ``degradations`` by
        name: ``kid_z``, the paired increase of the kernel distance over its cluster-robust standard error, and
        ``fd_ratio``, the Frechet distance relative to that of the untouched pictures; and ``fd_rises`` a ladder.
        Nothing of degradations where there are fewer than 100 pictures a side.
    """
    own, others = two_halves(pictures.samples)
    few = min(FEW_SAMPLES, len(own), len(others))
    if few < LEAST_SAMPLES:
        return {"n": few, "n_fd": len(own), "clean_fd": None, "degradations": {}, "fd_rises": {}}
    rgb = rgb_of(evaluator, pictures)
    clean, reference = features_of(evaluator, rgb[own]).numpy(), features_of(evaluator, rgb[others]).numpy()
    groups = [pictures.samples[i].cluster for i in own[:few]], [pictures.samples[i].cluster for i in others[:few]]
    before = kid(clean[:few], reference[:few], enforce=False)
    base = frechet_distance(clean, reference, enforce=False).value
    rows: dict[str, Figures] = {}
    for number, (name, harm) in enumerate(harms().items()):
        report(Progress(task="check: damage", done=number, total=len(harms()), unit="kinds"))
        features = features_of(evaluator, to_bytes(harm(rgb[own]))).numpy()
        after = kid(features[:few], reference[:few], enforce=False)
        variance = paired_variance(before.influence, after.influence, groups[0])
        variance += paired_variance(before.reference_influence, after.reference_influence, groups[1])
        rows[name] = {
            "kid_z": round((after.value - before.value) / max(variance, 1e-30) ** 0.5, 2),
            "fd_ratio": round(frechet_distance(features, reference, enforce=False).value / base, 3),
        }
    rises = {ladder[0].split()[0]: is_rising([1.0, *(rows[name]["fd_ratio"] for name in ladder)]) for ladder in LADDERS}
    return {"n": few, "n_fd": len(own), "clean_fd": round(base, 3), "degradations": rows, "fd_rises": rises}


def paired_variance(early: Floats | None, late: Floats | None, clusters: Sequence[str]) -> float:
    """Return the variance of the mean of the influences' difference, by clusters."""
    assert early is not None and late is not None, "a kernel distance has influences"
    return variance_of_mean(late - early, number_clusters(clusters, len(early)))


def is_rising(values: Sequence[float]) -> bool:
    """Tell whether each value is above the one before."""
    return all(late > early for early, late in pairwise(values))


def share(hits: NDArray[np.bool_], samples: Sequence[Sample]) -> Figures:
    """Return a share with Wilson's interval at the number of independent pictures.

    Drawings of one id in several styles are not independent; the share of variance between ids says how little.
    """
    values = hits.astype(np.float64)
    independent = effective_number(values, number_clusters([sample.id for sample in samples], len(samples)))
    interval = wilson(float(values.mean()) * independent, independent)
    return {
        "value": round(float(values.mean()), 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "n": len(values),
        "n_effective": round(independent, 1),
    }


def calibration_error(confidence: NDArray[np.float64], hits: NDArray[np.bool_]) -> float | None:
    """Return the expected calibration error, or None where there are too few predictions for two bins."""
    try:
        return round(expected_calibration_error(confidence, hits, min(15, len(hits) // 20)).value, 4)
    except (MetricError, ZeroDivisionError):
        return None


def head_figures(evaluator: Evaluator, features: Tensor, samples: Sequence[Sample], head: str) -> Figures | None:
    """Return what a head is right about on some pictures; None if none of them has a label.

    Args:
        evaluator: In evaluation mode.
        features: Of the pictures ``[N, D]``.
        samples: Their records.
        head: Name of the head.

    Returns:
        Accuracy with its interval, ``ece``, and for few classes ``confusion`` (true class down, named class across).
    """
    rows, truth = labeled(evaluator, samples, head)
    if not len(rows):
        return None
    probabilities = logits_of(evaluator, features)[head][rows].to(torch.float64).softmax(dim=1)
    confidence, named = (values.numpy() for values in probabilities.max(dim=1))
    hits = named == truth.numpy()
    figures = share(hits, [samples[row] for row in rows])
    figures["ece"] = calibration_error(confidence, hits)
    count = probabilities.shape[1]
    if count <= MOST_CLASSES_SHOWN:
        cells = np.bincount(truth.numpy() * count + named, minlength=count * count)
        figures["confusion"] = cells.reshape(count, count).tolist()
    return figures


def captions_found(evaluator: Evaluator, features: Tensor, samples: Sequence[Sample]) -> Figures | None:
    """Return R-precision at 1 of up to 100 with its interval over concepts; None if the set is too small.

    Args:
        evaluator: In evaluation mode.
        features: Of the pictures ``[N, D]``.
        samples: Their records.
    """
    candidates = min(100, possible_candidates(samples))
    if candidates < 2:
        return None
    hits = found_captions(evaluator, features, samples, candidates)
    figures: Figures = {"value": round(float(hits.mean()), 4), "n": len(hits), "candidates": candidates}
    try:
        estimate = mean_by_prompt(hits, [sample.cluster for sample in samples], np.random.default_rng(0))
    except MetricError:
        return figures
    assert estimate.interval is not None
    interval = {"low": round(estimate.interval.low, 4), "high": round(estimate.interval.high, 4)}
    return {**figures, "mean_over_concepts": round(estimate.value, 4), **interval, "concepts": estimate.num_clusters}


def check(evaluator: Evaluator, pictures: Pictures, report: Report = silent) -> Figures:
    """Measure an evaluator on the held-out splits of a data set.

    Args:
        evaluator: In evaluation mode.
        pictures: Those of ``SPLITS``, as many of them as the data set has.
        report: Receives progress.

    Returns:
        ``sensitivity``, ``r_precision`` by split, ``heads`` by head and split, ``advisory`` (the heads that may not
        decide anything), and ``ships``: demand to whether it is met.
    """
    splits = [split for split in SPLITS if any(sample.split == split for sample in pictures.samples)]
    parts = {s: part(pictures, [i for i, sample in enumerate(pictures.samples) if sample.split == s]) for s in splits}
    features = {split: features_of(evaluator, rgb_of(evaluator, held)) for split, held in parts.items()}
    heads: dict[str, Figures] = {}
    for head in evaluator.config.classes:
        report(Progress(task="check: heads", done=len(heads), total=len(evaluator.config.classes), unit="heads"))
        found = {s: head_figures(evaluator, features[s], held.samples, head) for s, held in parts.items()}
        judged = [split for split in JUDGED_ON.get(head, ("test_composition",)) if split in parts]
        pooled = [sample for split in judged for sample in parts[split].samples]
        decisive = head_figures(evaluator, torch.cat([features[s] for s in judged]), pooled, head) if judged else None
        heads[head] = {"judged_on": judged, **(decisive or {}), "splits": {s: f for s, f in found.items() if f}}
    seen = sensitivity(evaluator, pictures, report)
    retrieved = {s: captions_found(evaluator, features[s], held.samples) for s, held in parts.items()}
    advisory = sorted(head for head, figures in heads.items() if figures.get("low", 0.0) < NAMED_ENOUGH)
    return {
        "sensitivity": seen,
        "r_precision": {split: figures for split, figures in retrieved.items() if figures},
        "heads": heads,
        "advisory": advisory,
        "ships": {
            "degradations_seen": all(
                seen["degradations"].get(name, {"kid_z": 0.0})["kid_z"] >= SEEN_ENOUGH for name in MUST_BE_SEEN
            ),
            "fd_rises": bool(seen["fd_rises"]) and all(seen["fd_rises"].values()),
            "captions_found": {
                split: figures.get("low", 0.0) >= FOUND_ENOUGH for split, figures in retrieved.items() if figures
            },
            "heads": {head: head not in advisory for head in heads},
        },
    }
