"""Kernel distances between two sets of features: the squared maximum mean discrepancy, unbiased.

With ``a_i = mean_{j != i} k(x_i, x_j) - mean_j k(x_i, y_j)`` and ``b_j`` likewise, the distance is ``mean(a) +
mean(b)`` and its standard error that of the means of ``2 a`` and ``2 b``. Full sets are used, not random subsets: the
spread over subsets that other tools print is not an error of the estimate.

Source: Gretton et al., "A kernel two-sample test", 2012, equation 3 and corollary 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples
from underpaint.metrics.clusters import Clusters
from underpaint.metrics.estimate import Estimate, Floats, symmetric_interval, variance_of_mean
from underpaint.metrics.samples import BLOCK, Features, check_count, check_pair, cluster_batches, cluster_labels

Kernel = Callable[[Floats, Floats], Floats]
"""From rows ``[..., N, d]`` and ``[..., M, d]`` in float64 to ``[..., N, M]``."""

LEAST_SAMPLES = 100
_UNIT_TOLERANCE = 1e-3


def polynomial_kernel(scale: float) -> Kernel:
    """Return ``(scale * x . y + 1)^3``."""

    def kernel(x: Floats, y: Floats) -> Floats:
        products = scale * (x @ np.swapaxes(y, -1, -2)) + 1.0
        return products * products * products

    return kernel


def gaussian_kernel(sigma: float) -> Kernel:
    """Return ``exp(-|x - y|^2 / (2 sigma^2)) - 1``; the constant cancels and would cost digits."""

    def kernel(x: Floats, y: Floats) -> Floats:
        square = (
            (x**2).sum(axis=-1)[..., :, None] + (y**2).sum(axis=-1)[..., None, :] - 2.0 * (x @ np.swapaxes(y, -1, -2))
        )
        return np.expm1(np.maximum(square, 0.0) / (-2.0 * sigma**2))

    return kernel


def kid(
    generated: Features,
    reference: Features,
    *,
    scale: float | None = None,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Estimate:
    """Measure the kernel distance with the kernel ``(scale * x . y + 1)^3``: the kernel inception distance.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``.
        scale: Factor of the products; None for ``1 / d``.
        clusters: ``[n]``, a name per independent cluster, such as a prompt; None if every row is independent. Pairs
            inside a cluster are alike by design: the debiased value leaves them out.
        reference_clusters: ``[m]``, likewise.
        enforce: Refuse fewer than 100 samples a side.
        level: Nominal coverage.

    Raises:
        TooFewSamples: A set has fewer than 100 samples, or only one cluster.
        DegenerateSamples: A feature is not finite, or the sets differ in width.

    Source: Binkowski et al., arXiv 1801.01401, section 4.
    """
    generated, reference = _checked(generated, reference, "kid", enforce=enforce)
    kernel = polynomial_kernel(1.0 / generated.shape[1] if scale is None else scale)
    return _estimate(_discrepancy(generated, reference, kernel, clusters, reference_clusters), 1.0, level)


def mmd_rbf(
    generated: Features,
    reference: Features,
    *,
    sigma: float = 10.0,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Estimate:
    """Measure the unbiased kernel distance with a Gaussian kernel, times 1000, for rows of length 1.

    On unit vectors with ``sigma = 10`` it is nearly ``10 |mean_X - mean_Y|^2``: almost blind to covariance, so never
    judge by it alone. Arguments and errors are those of :func:`kid`; ``sigma`` is the kernel's width.

    Raises:
        DegenerateSamples: Also if a row is not of length 1.

    Source: Jayasumana et al., arXiv 2401.09603, section 4, without its bias.
    """
    generated, reference = _checked_unit(generated, reference, "mmd_rbf", enforce=enforce)
    found = _discrepancy(generated, reference, gaussian_kernel(sigma), clusters, reference_clusters)
    return _estimate(found, 1000.0, level)


def cmmd_v(
    generated: Features,
    reference: Features,
    *,
    sigma: float = 10.0,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Estimate:
    """Measure the distance as CMMD's paper prints it: with each sample's pair with itself, hence biased upward.

    Returns:
        ``value`` as published; ``value_debiased`` and the interval are those of :func:`mmd_rbf`.

    Source: Jayasumana et al., arXiv 2401.09603, equation 4.
    """
    generated, reference = _checked_unit(generated, reference, "cmmd_v", enforce=enforce)
    found = _discrepancy(generated, reference, gaussian_kernel(sigma), clusters, reference_clusters)
    return _estimate(found, 1000.0, level, published=found.with_self_pairs)


def _checked(generated: Features, reference: Features, metric: str, *, enforce: bool) -> tuple[Features, Features]:
    generated, reference = check_pair(generated, reference)
    for name, rows in (("generated", generated), ("reference", reference)):
        check_count(len(rows), LEAST_SAMPLES if enforce else 2, name=name, metric=metric)
    return generated, reference


def _checked_unit(generated: Features, reference: Features, metric: str, *, enforce: bool) -> tuple[Features, Features]:
    generated, reference = _checked(generated, reference, metric, enforce=enforce)
    for name, rows in (("generated", generated), ("reference", reference)):
        lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
        row = int(np.argmax(np.abs(lengths - 1.0)))
        if abs(lengths[row] - 1.0) > _UNIT_TOLERANCE:
            raise DegenerateSamples(
                f"row {row} of the {name} features has length {lengths[row]:.4g}, {metric} needs length 1; "
                "divide each row by its length"
            )
    return generated, reference


@dataclass(frozen=True, eq=False)
class _Discrepancy:
    """The distance without and with self-pairs, without pairs inside clusters, and both sides' projections."""

    unbiased: float
    with_self_pairs: float
    across_clusters: float
    a: Floats
    b: Floats
    labels: NDArray[np.int64] | None
    reference_labels: NDArray[np.int64] | None


@dataclass(frozen=True, eq=False)
class _Side:
    """Sums of kernels inside one set: all pairs, without self-pairs, without pairs inside a cluster."""

    total: float
    self_pairs: float
    n: int
    sums: Floats
    partners: NDArray[np.int64]
    labels: NDArray[np.int64] | None

    @classmethod
    def of(cls, rows: Features, kernel: Kernel, clusters: Clusters | None) -> _Side:
        n = len(rows)
        sums, own = _symmetric_sums(rows, kernel)
        total, labels, partners = float(sums.sum()), None, np.full(n, n - 1)
        if clusters is not None:
            labels, _ = cluster_labels(clusters, n)
            sums = sums - _sums_inside(rows, kernel, labels)
            partners = n - 1 - (np.bincount(labels)[labels] - 1)
        return cls(total, own, n, sums, partners, labels)

    @property
    def unbiased(self) -> float:
        return self.total / (self.n * (self.n - 1))

    @property
    def with_self_pairs(self) -> float:
        return (self.total + self.self_pairs) / self.n**2

    @property
    def across_clusters(self) -> float:
        return float(self.sums.sum() / self.partners.sum())


def _discrepancy(
    x: Features, y: Features, kernel: Kernel, clusters: Clusters | None, reference_clusters: Clusters | None
) -> _Discrepancy:
    own, other = _Side.of(x, kernel, clusters), _Side.of(y, kernel, reference_clusters)
    rows, columns = _cross_sums(x, y, kernel)
    cross = 2.0 * float(rows.sum()) / (len(x) * len(y))
    return _Discrepancy(
        unbiased=own.unbiased + other.unbiased - cross,
        with_self_pairs=own.with_self_pairs + other.with_self_pairs - cross,
        across_clusters=own.across_clusters + other.across_clusters - cross,
        a=own.sums / own.partners - rows / len(y),
        b=other.sums / other.partners - columns / len(x),
        labels=own.labels,
        reference_labels=other.labels,
    )


def _estimate(found: _Discrepancy, factor: float, level: float, published: float | None = None) -> Estimate:
    influence = 2.0 * factor * (found.a - found.a.mean())
    reference_influence = 2.0 * factor * (found.b - found.b.mean())
    variance = variance_of_mean(influence, found.labels) + variance_of_mean(reference_influence, found.reference_labels)
    clustered = found.labels is not None or found.reference_labels is not None
    center = factor * (found.across_clusters if clustered else found.unbiased)
    se = float(np.sqrt(variance))
    near = "near 0 the interval is wide: test whether the sets differ with permutation_p" if center < 2.0 * se else ""
    return Estimate(
        value=factor * (found.unbiased if published is None else published),
        value_debiased=center if clustered or published is not None else None,
        n=len(influence),
        m=len(reference_influence),
        se=se,
        interval=symmetric_interval(center, se, method="u-statistic", level=level),
        num_clusters=None if found.labels is None else int(found.labels.max()) + 1,
        influence=influence,
        reference_influence=reference_influence,
        message=near,
    )


def _block(rows: Features, start: int) -> Floats:
    return np.asarray(rows[start : start + BLOCK], dtype=np.float64)


def _symmetric_sums(rows: Features, kernel: Kernel) -> tuple[Floats, float]:
    """Return ``sum_{j != i} k(x_i, x_j)``, ``[n]``, and ``sum_i k(x_i, x_i)``; each pair of blocks is done once."""
    sums, own = np.zeros(len(rows)), 0.0
    for start in range(0, len(rows), BLOCK):
        block = _block(rows, start)
        table = kernel(block, block)
        own += float(np.trace(table))
        np.fill_diagonal(table, 0.0)
        sums[start : start + BLOCK] += table.sum(axis=1)
        for later in range(start + BLOCK, len(rows), BLOCK):
            table = kernel(block, _block(rows, later))
            sums[start : start + BLOCK] += table.sum(axis=1)
            sums[later : later + BLOCK] += table.sum(axis=0)
    return sums, own


def _cross_sums(x: Features, y: Features, kernel: Kernel) -> tuple[Floats, Floats]:
    """Return ``sum_j k(x_i, y_j)``, ``[n]``, and ``sum_i k(x_i, y_j)``, ``[m]``."""
    rows, columns = np.zeros(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        block = _block(x, start)
        for other in range(0, len(y), BLOCK):
            table = kernel(block, _block(y, other))
            rows[start : start + BLOCK] += table.sum(axis=1)
            columns[other : other + BLOCK] += table.sum(axis=0)
    return rows, columns


def _sums_inside(rows: Features, kernel: Kernel, labels: NDArray[np.int64]) -> Floats:
    """Return ``sum k(x_i, x_j)`` over the j != i of i's cluster, ``[n]``."""
    sums = np.zeros(len(rows))
    for batch in cluster_batches(labels):
        members = np.asarray(rows[batch], dtype=np.float64)  # [C, s, d]
        table = kernel(members, members)
        sums[batch] = table.sum(axis=2) - np.einsum("css->cs", table)
    return sums
