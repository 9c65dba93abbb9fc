"""An estimate: a number with what it takes to trust it, and what each sample contributed to it.

Nearly every score here is asymptotically linear: ``value - truth`` is close to ``mean(influence) +
mean(reference_influence)``, where the influence of a sample says how the score moves with that sample. So one rule
gives every standard error, for one model and for the difference of two that drew the same prompts (subtract the
influences sample by sample first).

Source: Hampel, "The influence curve and its role in robust estimation", 1974.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A confidence interval.

    Args:
        low: Lower end; minus infinity if open.
        high: Upper end; infinity if open.
        level: Nominal coverage, for example 0.95.
        method: How it was made, for example ``jackknife+influence``, ``wilson``, ``cluster-bootstrap``.
        conditional_on: What was held fixed, for example ``manifolds``; empty if nothing.
    """

    low: float
    high: float
    level: float
    method: str
    conditional_on: str = ""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A score of one set of samples.

    Args:
        value: The score as papers define it.
        n: Number of generated samples.
        m: Number of reference samples; None if there is no reference.
        value_debiased: The score with its bias removed; None if it has none to remove. May be negative.
        se: Standard error; None if it cannot be given.
        interval: Confidence interval; None if it cannot be given.
        num_clusters: Number of independent clusters (prompts, groups of near-duplicates); None if all are independent.
        influence: ``[n]``, mean 0: how each generated sample moves the score; None if unknown.
        reference_influence: ``[m]``, likewise for the reference; None if there is none or it is held fixed.
        dropped_dims: Feature dimensions left out because the reference does not vary in them.
        message: Anything a reader must know.
    """

    value: float
    n: int
    m: int | None = None
    value_debiased: float | None = None
    se: float | None = None
    interval: Interval | None = None
    num_clusters: int | None = None
    influence: Floats | None = None
    reference_influence: Floats | None = None
    dropped_dims: int = 0
    message: str = ""


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile, for example 1.96 for 0.975."""
    return NormalDist().inv_cdf(probability)


def variance_of_mean(influence: Floats, clusters: NDArray[np.int64] | None = None) -> float:
    """Return the variance of the mean of ``influence``.

    Args:
        influence: ``[n]``.
        clusters: ``[n]``, a number per independent cluster (a prompt, a group of near-duplicates); None if all samples
            are independent.

    Returns:
        ``sum_c (sum_{i in c} (IF_i - mean))^2 / n^2``, with the factor ``C / (C - 1)`` for ``C`` clusters.
    """
    n = len(influence)
    centered = np.asarray(influence, dtype=np.float64) - np.mean(influence, dtype=np.float64)
    if clusters is None:
        return float(centered @ centered) / (n * (n - 1)) if n > 1 else float("inf")
    _, index = np.unique(clusters, return_inverse=True)
    sums = np.bincount(index, weights=centered)
    count = len(sums)
    return float(sums @ sums) / n**2 * count / (count - 1) if count > 1 else float("inf")


def symmetric_interval(center: float, se: float, *, method: str, level: float = 0.95) -> Interval:
    """Return ``center`` plus and minus the normal quantile times ``se``."""
    reach = normal_quantile(0.5 + level / 2) * se
    return Interval(low=center - reach, high=center + reach, level=level, method=method)
