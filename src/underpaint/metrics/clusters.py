"""Samples that come in clusters: several pictures of one prompt say less than as many of different prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import MetricError

Floats = NDArray[np.float64]
Clusters = Sequence[str] | Sequence[int] | NDArray[np.generic]


def number_clusters(clusters: Clusters, n: int) -> NDArray[np.int64]:
    """Return ``[n]`` numbers from 0 for any names of clusters.

    Raises:
        MetricError: There is not one name a sample.
    """
    names = np.asarray(clusters)
    if names.shape != (n,):
        raise MetricError(f"{n} samples came with cluster names of shape {names.shape}; give one name a sample")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def cluster_means(values: Floats, index: NDArray[np.int64]) -> Floats:
    """Return the mean of each cluster: ``[C]``, for clusters numbered from 0."""
    return np.bincount(index, weights=values) / np.bincount(index)


def intraclass_correlation(values: Floats, index: NDArray[np.int64]) -> float:
    """Return the share of variance that lies between clusters, in 0 to 1; 1 where nothing varies.

    Source: one-way analysis of variance, Donner 1986, A review of inference procedures for the intraclass correlation.
    """
    sizes, n = np.bincount(index), len(values)
    count = len(sizes)
    if count == n or count < 2 or np.ptp(values) == 0:
        return 1.0
    means = cluster_means(values, index)
    between = float(sizes @ (means - values.mean()) ** 2) / (count - 1)
    within = float(((values - means[index]) ** 2).sum()) / (n - count)
    typical = (n - float(sizes @ sizes) / n) / (count - 1)
    return min(1.0, max(0.0, (between - within) / (between + (typical - 1) * within)))


def effective_number(values: Floats, index: NDArray[np.int64]) -> float:
    """Return how many independent samples those in clusters are worth: ``n / (1 + (size - 1) ICC)``.

    The size is that of the cluster of a typical sample, ``sum_c n_c^2 / n``.

    Source: Kish 1965, Survey Sampling, section 5.4.
    """
    sizes, n = np.bincount(index), len(values)
    return n / (1 + (float(sizes @ sizes) / n - 1) * intraclass_correlation(values, index))
