"""Whether two sets differ at all: the permutation test of a kernel distance.

At the null the distance is no longer normal and its interval only wide; exchanging the labels of the two sets gives
the null's own distribution, at its exact level. One kernel matrix serves all permutations.

Source: Gretton et al., "A kernel two-sample test", 2012, section 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import MetricError
from underpaint.metrics.clusters import Clusters
from underpaint.metrics.estimate import Floats
from underpaint.metrics.kernel import Kernel, polynomial_kernel
from underpaint.metrics.samples import BLOCK, Features, check_count, check_pair, cluster_labels


def permutation_p(
    generated: Features,
    reference: Features,
    *,
    rng: np.random.Generator,
    kernel: Kernel | None = None,
    permutations: int = 999,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
) -> float:
    """Return the probability of a kernel distance this large or larger if both sets come from one distribution.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``.
        rng: Draws the permutations.
        kernel: None for that of :func:`underpaint.metrics.kernel.kid`.
        permutations: How many; the smallest p is 1 / (permutations + 1).
        clusters: ``[n]``; clusters change sides as a whole, so the clusters of both sets must be of one kind.
        reference_clusters: ``[m]``, likewise.

    Raises:
        TooFewSamples: A set has fewer than 4 samples.
        DegenerateSamples: A feature is not finite, or the sets differ in width.
        MetricError: ``permutations`` is below 19, too few for a level of 5 %.
    """
    generated, reference = check_pair(generated, reference)
    for name, rows in (("generated", generated), ("reference", reference)):
        check_count(len(rows), 4, name=name, metric="a permutation test")
    if permutations < 19:
        raise MetricError(f"{permutations} permutations cannot reach 5 %; ask for 19 or more, 999 is usual")
    own, num_own = cluster_labels(clusters, len(generated))
    other, num_other = cluster_labels(reference_clusters, len(reference))
    labels = np.concatenate([own, num_own + other])
    sides = _sides(num_own, num_other, permutations, rng)[labels]  # [n + m, permutations + 1]
    kernel = polynomial_kernel(1.0 / generated.shape[1]) if kernel is None else kernel
    distances = _distances(generated, reference, kernel, sides)
    tolerance = 1e-9 * np.abs(distances).max()
    return float((distances >= distances[0] - tolerance).sum()) / (permutations + 1)


def _sides(num_own: int, num_other: int, permutations: int, rng: np.random.Generator) -> Floats:
    """Return which clusters count as generated: ``[C, permutations + 1]``; the first column is the truth."""
    truth = np.concatenate([np.ones(num_own), np.zeros(num_other)])
    return np.stack([truth, *(rng.permutation(truth) for _ in range(permutations))], axis=1)


def _distances(x: Features, y: Features, kernel: Kernel, sides: Floats) -> Floats:
    """Return the unbiased distance for each column of ``sides``."""
    total = len(x) + len(y)
    within, row_sums = np.zeros(sides.shape[1]), np.zeros(total)
    for start in range(0, total, BLOCK):
        rows = _rows(x, y, start)
        part = slice(start, start + len(rows))
        for other in range(0, total, BLOCK):
            table = kernel(rows, _rows(x, y, other))
            if other == start:
                np.fill_diagonal(table, 0.0)
            row_sums[part] += table.sum(axis=1)
            within += (sides[part] * (table @ sides[other : other + table.shape[1]])).sum(axis=0)
    n, both = sides.sum(axis=0), sides.T @ row_sums
    m, rest = total - n, row_sums.sum() - 2.0 * both + within
    return within / (n * (n - 1)) + rest / (m * (m - 1)) - 2.0 * (both - within) / (n * m)


def _rows(x: Features, y: Features, start: int) -> NDArray[np.float64]:
    """Return a block of both sets, one after the other."""
    stop, n = start + BLOCK, len(x)
    parts = [x[start:stop], y[max(start - n, 0) : max(stop - n, 0)]]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
