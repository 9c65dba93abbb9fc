"""What a classifier's probabilities say: of the pictures it sees, and of the classifier itself.

Source: Inception score: arXiv 1606.03498, section 4. Debiased calibration error: arXiv 1909.10155, section 5. Brier
score: Brier 1950, Verification of forecasts expressed in terms of probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.estimate import Estimate, Interval, symmetric_interval, variance_of_mean
from underpaint.metrics.interval import jackknife_estimate, wilson
from underpaint.metrics.neighbors import check_features

Floats = NDArray[np.float64]

MIN_INCEPTION = 1000
MIN_BIN = 20
MIN_SAMPLES = 30
GROUPS = 20
SUM_TOLERANCE = 1e-3


def _check_probabilities(probabilities: NDArray[np.floating]) -> Floats:
    check_features(probabilities, "classifier's")
    values = probabilities.astype(np.float64)
    if values.min() < 0 or np.abs(values.sum(axis=1) - 1).max() > SUM_TOLERANCE:
        raise MetricError("the classifier's rows are no probabilities; each must be at least 0 and sum to 1")
    return values / values.sum(axis=1, keepdims=True)


def _entropy(probabilities: Floats) -> Floats:
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return -(probabilities * logs).sum(axis=-1)


def inception_score(
    probabilities: NDArray[np.floating], *, clusters: Clusters | None = None, level: float = 0.95
) -> Estimate:
    """Estimate ``exp E_x KL(p(c|x) || p(c))``: 1 to the number of classes; higher is better.

    All samples form one set; papers that average ten splits get a smaller value.

    Args:
        probabilities: ``[n, classes]``.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if samples are independent.
        level: Nominal coverage.

    Returns:
        The score with the standard error of a jackknife of 20 groups, its debiased form and influences.

    Raises:
        TooFewSamples: There are fewer than 1000 samples, or 20 clusters.
        MetricError: The rows are no probabilities.
    """
    values = _check_probabilities(probabilities)
    n = len(values)
    if n < MIN_INCEPTION:
        raise TooFewSamples(f"an Inception score needs {MIN_INCEPTION} samples, got {n}; draw more pictures")
    index = np.arange(n) if clusters is None else number_clusters(clusters, n)
    count = int(index.max()) + 1
    if count < GROUPS:
        raise TooFewSamples(f"the error of an Inception score needs {GROUPS} clusters, got {count}; add prompts")
    own, group = _entropy(values), index % GROUPS
    without = [float(np.exp(_entropy(values[group != g].mean(axis=0)) - own[group != g].mean())) for g in range(GROUPS)]
    marginal = values.mean(axis=0)
    score = float(np.exp(_entropy(marginal) - own.mean()))
    divergence = -own - values @ np.log(np.where(marginal > 0, marginal, 1.0))
    clusters_named = None if clusters is None else count
    estimate = jackknife_estimate(score, np.array(without), n=n, num_clusters=clusters_named, level=level)
    return replace(estimate, influence=score * (divergence - divergence.mean()))


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Predictions of about the same confidence.

    Args:
        n: Number of predictions.
        confidence: Their mean confidence.
        accuracy: Share of them that are right.
        interval: Wilson's interval of the accuracy.
    """

    n: int
    confidence: float
    accuracy: float
    interval: Interval


def _bins_of(confidence: Floats, correct: Floats, bins: int) -> NDArray[np.int64]:
    """Return the bin of each prediction: equally many in each, equal confidences not torn apart by chance."""
    n = len(confidence)
    if confidence.shape != correct.shape or confidence.ndim != 1:
        raise MetricError(f"got {confidence.shape} confidences for {correct.shape} outcomes; give one for each")
    if not (np.isfinite(confidence).all() and np.isfinite(correct).all()):
        raise DegenerateSamples("confidences or outcomes hold NaN; remove those predictions")
    if n < bins * MIN_BIN:
        raise TooFewSamples(f"{bins} bins of calibration need {bins * MIN_BIN} predictions, got {n}; take fewer bins")
    if confidence.min() < 0 or confidence.max() > 1 or not np.isin(correct, (0.0, 1.0)).all():
        raise MetricError("a confidence lies in 0 to 1 and an outcome is 0 or 1")
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(confidence, kind="stable")] = np.arange(n)
    return rank * bins // n


def reliability(
    confidence: NDArray[np.floating], correct: NDArray[np.generic], bins: int = 15, level: float = 0.95
) -> list[ReliabilityBin]:
    """Return the accuracy by confidence, in bins with equally many predictions.

    Args:
        confidence: ``[n]`` in 0 to 1.
        correct: ``[n]`` of 0 and 1.
        bins: Number of bins.
        level: Nominal coverage of each bin's interval.

    Raises:
        TooFewSamples: There are fewer than 20 predictions a bin.
    """
    p, y = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    index = _bins_of(p, y, bins)
    rows = []
    for b in range(bins):
        mine = index == b
        hits, n = int(y[mine].sum()), int(mine.sum())
        interval = wilson(hits, n, level)
        rows.append(ReliabilityBin(n=n, confidence=float(p[mine].mean()), accuracy=hits / n, interval=interval))
    return rows


def expected_calibration_error(
    confidence: NDArray[np.floating],
    correct: NDArray[np.generic],
    bins: int = 15,
    *,
    clusters: Clusters | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean over bins of ``|accuracy - confidence|``, in bins with equally many predictions.

    The plain value is above 0 even of a calibrated classifier. The debiased one takes off, in each bin, what a normal
    error of the bin's accuracy adds to the absolute value of the likely gap, whose square is the unbiased estimate of
    the paper; it can be negative, and leaves about a quarter of the bias of a perfectly calibrated classifier.

    Args:
        confidence: ``[n]`` in 0 to 1, of the predicted class.
        correct: ``[n]`` of 0 and 1.
        bins: Number of bins.
        clusters: ``[n]`` names of independent clusters, for example pictures; None if predictions are independent.
        level: Nominal coverage.

    Raises:
        TooFewSamples: There are fewer than 20 predictions a bin.
    """
    p, y = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    index, n = _bins_of(p, y, bins), len(p)
    sizes = np.bincount(index)
    gaps = np.bincount(index, weights=y - p) / sizes
    accuracy = np.bincount(index, weights=y) / sizes
    spread = np.sqrt(accuracy * (1 - accuracy) / sizes)
    value = float(sizes @ np.abs(gaps)) / n
    likely = np.sqrt(np.maximum(gaps**2 - spread**2, 0.0))
    excess = float(sizes @ (_folded_mean(likely, spread) - likely)) / n
    influence = np.sign(gaps)[index] * (y - p) - value
    ids = None if clusters is None else number_clusters(clusters, n)
    se = math.sqrt(variance_of_mean(influence, ids))
    return Estimate(
        value=value,
        n=n,
        value_debiased=value - excess,
        se=se,
        interval=symmetric_interval(value - excess, se, method="debiased+influence", level=level),
        num_clusters=None if ids is None else int(ids.max()) + 1,
        influence=influence,
    )


def _folded_mean(mean: Floats, deviation: Floats) -> Floats:
    """Return the mean of ``|x|`` for normal ``x``."""
    ratio = np.abs(mean) / np.where(deviation > 0, deviation, 1.0)
    inside = np.array([math.erf(r / math.sqrt(2)) for r in ratio])
    folded = deviation * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2) + np.abs(mean) * inside
    return np.where(deviation > 0, folded, np.abs(mean))


def brier(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    clusters: Clusters | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean squared distance of the probabilities to the true class's corner: 0 to 2, lower is better.

    Args:
        probabilities: ``[n, classes]``.
        labels: ``[n]`` numbers of the true classes.
        clusters: ``[n]`` names of independent clusters; None if samples are independent.
        level: Nominal coverage.

    Raises:
        TooFewSamples: There are fewer than 30 samples.
        MetricError: The rows are no probabilities or a label is none of the classes.
    """
    values = _check_probabilities(probabilities)
    n, count = values.shape
    if n < MIN_SAMPLES:
        raise TooFewSamples(f"a Brier score needs {MIN_SAMPLES} samples, got {n}; label more pictures")
    _check_labels(labels, n, count)
    ids = None if clusters is None else number_clusters(clusters, n)
    scores = ((values - np.eye(count)[labels]) ** 2).sum(axis=1)
    value = float(scores.mean())
    se = math.sqrt(variance_of_mean(scores - value, ids))
    return Estimate(
        value=value,
        n=n,
        se=se,
        interval=symmetric_interval(value, se, method="influence", level=level),
        num_clusters=None if ids is None else int(ids.max()) + 1,
        influence=scores - value,
    )


def _check_labels(labels: NDArray[np.integer], n: int, count: int) -> None:
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise MetricError(f"{n} samples came with labels {labels.dtype} {labels.shape}; give one whole number a sample")
    if n and not (labels.min() >= 0 and labels.max() < count):
        raise MetricError(f"labels span {labels.min()} to {labels.max()}; {count} classes go from 0 to {count - 1}")


def confusion(predicted: NDArray[np.integer], labels: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """Count predictions: ``[predicted, true]``, so that a column divided by its sum says what becomes of a class.

    Args:
        predicted: ``[n]`` numbers of the predicted classes.
        labels: ``[n]`` numbers of the true classes.
        num_classes: Number of classes.

    Raises:
        MetricError: A number is none of the classes, or the lengths differ.
    """
    for numbers in (predicted, labels):
        _check_labels(numbers, len(labels), num_classes)
    flat = np.bincount(predicted.astype(np.int64) * num_classes + labels, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes).astype(np.int64)  # [predicted, true]
