"""Feature matrices as samples: checked, read in blocks, grouped into independent clusters.

A matrix ``[n, d]`` may be memory-mapped; nothing here copies more than a block of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.clusters import Clusters, number_clusters

BLOCK = 2048
Features = NDArray[np.floating[Any]]


def blocks(features: Features, size: int = BLOCK) -> Iterator[Features]:
    """Yield consecutive rows of ``features``, ``size`` at a time."""
    for start in range(0, len(features), size):
        yield features[start : start + size]


def project(features: Features, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``features [n, d]`` along ``directions [d, k]``: ``[n, k]``, block by block."""
    return np.concatenate([np.asarray(block, dtype=np.float64) @ directions for block in blocks(features)])


def check_finite(block: Features, *, name: str, first_row: int = 0) -> None:
    """Refuse NaN and infinity.

    Args:
        block: ``[n, d]``.
        name: What the rows are, for the message.
        first_row: Number of the block's first row in the whole.

    Raises:
        DegenerateSamples: A feature is not finite.
    """
    finite = np.isfinite(block).all(axis=1)
    if finite.all():
        return
    row = int(np.argmin(finite))
    column = int(np.argmin(np.isfinite(block[row])))
    raise DegenerateSamples(
        f"row {first_row + row} of the {name} features holds {block[row, column]} in dimension {column}, "
        "only finite numbers can be measured; look at that picture, remove it or repair the extractor"
    )


def check_features(features: Features, *, name: str) -> Features:
    """Return ``features`` when they are a finite matrix ``[n, d]``.

    Raises:
        DegenerateSamples: They are not a matrix, are empty, or hold NaN or infinity.
    """
    features = np.asanyarray(features)
    if features.ndim != 2 or 0 in features.shape:
        raise DegenerateSamples(
            f"the {name} features have shape {features.shape}, allowed is [n, d] with both above 0; "
            "flatten each picture's features to one row"
        )
    first = 0
    for block in blocks(features):
        check_finite(block, name=name, first_row=first)
        first += len(block)
    return features


def check_pair(generated: Features, reference: Features) -> tuple[Features, Features]:
    """Return both feature matrices when they are finite and have the same number of dimensions.

    Raises:
        DegenerateSamples: One is not a finite matrix, or their dimensions differ.
    """
    generated, reference = check_features(generated, name="generated"), check_features(reference, name="reference")
    check_width(generated.shape[1], reference.shape[1])
    return generated, reference


def check_width(generated: int, reference: int) -> None:
    """Refuse two sets of features of different width.

    Raises:
        DegenerateSamples: They differ.
    """
    if generated != reference:
        raise DegenerateSamples(
            f"the generated features have {generated} dimensions, the reference's {reference}; "
            "extract both with the same extractor"
        )


def check_count(n: int, minimum: int, *, name: str, metric: str, remedy: str = "draw more pictures") -> None:
    """Refuse fewer than ``minimum`` samples.

    Raises:
        TooFewSamples: ``n`` is below ``minimum``.
    """
    if n < minimum:
        raise TooFewSamples(f"{metric} needs at least {minimum} {name} samples, got {n}; {remedy}")


def cluster_labels(clusters: Clusters | None, n: int) -> tuple[NDArray[np.int64], int]:
    """Return the cluster of each sample as 0 ... C - 1, and C; without ``clusters`` every sample is its own.

    Raises:
        MetricError: There is not one cluster per sample.
        TooFewSamples: There are fewer than two clusters.
    """
    labels = np.arange(n) if clusters is None else number_clusters(clusters, n)
    count = int(labels.max()) + 1
    if count < 2:
        raise TooFewSamples(f"{n} samples form {count} cluster, an interval needs 2 or more; add prompts")
    return labels, count


def cluster_batches(labels: NDArray[np.int64], rows: int = BLOCK) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of whole clusters, clusters of equal size together.

    Args:
        labels: ``[n]``, from :func:`cluster_labels`.
        rows: Most rows in a batch, unless one cluster alone is larger.

    Yields:
        ``[C, s]`` row numbers: C clusters of size s.
    """
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        first = starts[sizes == size]
        step = max(1, rows // int(size))
        for i in range(0, len(first), step):
            yield order[first[i : i + step, None] + np.arange(size)]
