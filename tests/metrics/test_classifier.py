"""Scores of a classifier's probabilities: torchmetrics, plain loops, laws."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.classifier import (
    brier,
    confusion,
    expected_calibration_error,
    inception_score,
    reliability,
)


def probabilities(seed: int, n: int = 1000, classes: int = 7, scale: float = 2.0) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).normal(size=(n, classes))
    rows = np.exp(logits)
    return rows / rows.sum(axis=1, keepdims=True)


class Logits(torch.nn.Module):
    """Takes a picture's first pixels for the logits."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.flatten(1)[:, :7].double()


def test_inception_score_equals_torchmetrics() -> None:
    metric_module = pytest.importorskip("torchmetrics.image.inception")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on memory, when made
        metric = metric_module.InceptionScore(feature=Logits(), splits=1)
    rows = probabilities(0)
    pictures = torch.from_numpy(np.log(rows)).reshape(1000, 7, 1, 1)
    metric.update(pictures)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the spread of a single split
        expected = float(metric.compute()[0])
    assert inception_score(rows).value == pytest.approx(expected, rel=1e-6)


def test_inception_score_runs_from_one_to_the_number_of_classes() -> None:
    assert inception_score(np.full((1000, 5), 0.2)).value == pytest.approx(1.0)
    assert inception_score(np.eye(5)[np.arange(1000) % 5]).value == pytest.approx(5.0)


def test_influence_of_the_inception_score_gives_its_error_and_the_jackknife_takes_off_bias() -> None:
    truth = inception_score(probabilities(99, 50_000)).value
    found = [inception_score(probabilities(seed)) for seed in range(40)]
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.se or 0.0 for one in found]) == pytest.approx(spread, rel=0.3)
    first = found[0]
    assert first.influence is not None
    assert first.influence.std(ddof=1) / np.sqrt(1000) == pytest.approx(first.se, rel=0.4)
    plain, debiased = np.mean([(one.value - truth, (one.value_debiased or 0.0) - truth) for one in found], axis=0)
    assert abs(debiased) < abs(plain)


def test_perfect_confidence_has_no_calibration_error_and_blind_confidence_all_of_it() -> None:
    certain = np.ones(600)
    assert expected_calibration_error(certain, np.ones(600)).value == 0.0
    assert expected_calibration_error(certain, np.zeros(600)).value == 1.0


def test_calibration_error_equals_a_loop_over_sorted_bins() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(1000)
    y = (rng.random(1000) < p**2).astype(float)
    order = np.argsort(p)
    cuts = np.array_split(order, 10)
    expected = sum(len(rows) / 1000 * abs(y[rows].mean() - p[rows].mean()) for rows in cuts)
    assert expected_calibration_error(p, y, bins=10).value == pytest.approx(expected, rel=1e-12)
    bins = reliability(p, y, bins=10)
    assert [row.n for row in bins] == [100] * 10
    assert [row.accuracy for row in bins] == pytest.approx([y[rows].mean() for rows in cuts])


def test_debiasing_brings_a_calibrated_classifier_to_zero() -> None:
    rng, plain, debiased = np.random.default_rng(1), [], []
    for _ in range(100):
        p = rng.uniform(0.5, 1.0, size=600)
        found = expected_calibration_error(p, rng.random(600) < p)
        plain.append(found.value)
        debiased.append(found.value_debiased)
    assert np.mean(plain) > 0.04
    assert abs(np.mean(debiased)) < 0.35 * np.mean(plain)


def test_interval_of_the_calibration_error_covers_a_real_one() -> None:
    rng, held = np.random.default_rng(2), 0
    for _ in range(200):
        p = rng.uniform(0.5, 0.8, size=900)
        interval = expected_calibration_error(p, rng.random(900) < p + 0.15).interval
        assert interval is not None
        held += interval.low <= 0.15 <= interval.high
    assert held / 200 >= 0.9


def test_brier_equals_a_loop_and_scikit_learn() -> None:
    rows = probabilities(0, 200, 2)
    labels = np.random.default_rng(1).integers(0, 2, size=200)
    found = brier(rows, labels)
    assert found.value == pytest.approx(
        np.mean([sum((r - np.eye(2)[y]) ** 2) for r, y in zip(rows, labels, strict=True)])
    )
    sklearn = pytest.importorskip("sklearn.metrics")
    assert found.value == pytest.approx(2 * sklearn.brier_score_loss(labels, rows[:, 1]), rel=1e-9)
    assert brier(np.eye(3)[np.arange(30) % 3], np.arange(30) % 3).value == 0.0


def test_confusion_has_the_true_class_in_columns() -> None:
    table = confusion(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]), 4)
    assert table.sum() == 4
    assert table[1, 2] == 1
    assert table[2, 1] == 0
    assert table[:, 2].tolist() == [0, 1, 1, 0]


def test_bad_probabilities_are_refused() -> None:
    rows = probabilities(0)
    with pytest.raises(TooFewSamples, match="1000 samples, got 999"):
        inception_score(rows[:999])
    with pytest.raises(MetricError, match="sum to 1"):
        inception_score(rows * 2)
    with pytest.raises(MetricError, match="sum to 1"):
        brier(np.tile([1.5, -0.5], (40, 1)), np.zeros(40, dtype=int))
    with pytest.raises(DegenerateSamples, match="row 1"):
        inception_score(np.where(np.arange(1000)[:, None] == 1, np.nan, rows))
    with pytest.raises(MetricError, match="0 to 6"):
        brier(rows, np.full(1000, 7))
    with pytest.raises(MetricError, match="whole number"):
        brier(rows, np.zeros(999, dtype=int))
    with pytest.raises(TooFewSamples, match="15 bins of calibration need 300"):
        expected_calibration_error(np.full(299, 0.5), np.zeros(299))
    with pytest.raises(MetricError, match="0 or 1"):
        expected_calibration_error(np.full(300, 0.5), np.full(300, 0.5))
    with pytest.raises(MetricError, match="one for each"):
        reliability(np.full(300, 0.5), np.zeros(299))
    with pytest.raises(MetricError, match="whole number"):
        confusion(np.zeros(3, dtype=int), np.zeros(4, dtype=int), 2)
