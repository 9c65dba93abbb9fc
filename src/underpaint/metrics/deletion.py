"""What the Frechet distance would be without each cluster in turn, all at once.

Deleting a cluster changes the matrix ``M`` of :mod:`underpaint.metrics.frechet` by a few rank-one terms, so its
eigenvalues need not be computed again: with the columns of ``U`` those terms,

    tr sqrt(M - U U^T) = tr sqrt(M) + 1 / (2 pi) * integral_0^inf log det(I - U^T (M + t)^-1 U) t^-1/2 dt,

which a trapezoidal rule in ``log t`` gives to seven digits for all samples with one matrix product. This makes the
exact delete-one jackknife cheaper than twenty decompositions, and free of the order of the rows.

Source: the integral is that of ``sqrt(x) = 1 / (2 pi) * integral log(1 + x / t) t^-1/2 dt`` with the matrix determinant
lemma; unequal clusters as in Busing, Meijer and van der Leeden, "Delete-m jackknife for unequal m", 1999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.estimate import Floats
from underpaint.metrics.moments import Moments
from underpaint.metrics.samples import Features, cluster_batches

_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Transport:
    """The optimal linear transport from one side to the other.

    Args:
        gap: ``[d]``, this side's mean minus the other's.
        basis: ``[d, r]``, ``B`` with ``T = B B^T``: ``B^T (x - mean)`` has the covariance ``diag(sqrt(eigenvalues))``.
        eigenvalues: ``[r]``, ascending and positive, of ``M``.
    """

    gap: Floats
    basis: Floats
    eigenvalues: Floats


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the samples of one side do to the distance.

    Args:
        influence: ``[n]``, mean 0.
        bias: By how much this side's finite size raises the distance: the jackknife's estimate.
    """

    influence: Floats
    bias: float


def quadrature(eigenvalues: Floats) -> tuple[Floats, Floats]:
    """Return nodes ``t`` and weights of the integral over t, for an integrand that falls as ``t^-2`` beyond M's range.

    Below the first node the integrand counts as constant but for ``t^-1/2``, which sums to a geometric series.
    """
    low, high = np.log(eigenvalues[0]) - 12.0, np.log(eigenvalues[-1]) + 12.0
    t = np.exp(np.arange(low, high, _STEP))
    weights = _STEP * np.sqrt(t) / (2.0 * np.pi)
    weights[0] /= 1.0 - np.exp(-_STEP / 2.0)
    return t, weights


def root_trace_change(removed: Floats, eigenvalues: Floats) -> Floats:
    """Return ``tr sqrt(M - U_c^T U_c) - tr sqrt(M)`` for each cluster c, with M diagonal.

    Args:
        removed: ``[C, k, r]``, the k rows of ``U_c``.
        eigenvalues: ``[r]``, M's diagonal.

    Returns:
        ``[C]``.
    """
    first_order = -0.5 * (removed**2).sum(axis=1) @ eigenvalues**-0.5
    t, weights = quadrature(eigenvalues)
    resolvent = 1.0 / (eigenvalues[:, None] + t)  # [r, K]
    if removed.shape[1] == 1:
        gram = removed[:, 0] ** 2 @ resolvent  # [C, K]
        return first_order + (np.log1p(-np.minimum(gram, 1.0 - 1e-15)) + gram) @ weights
    beyond = np.zeros(len(removed))
    identity = np.eye(removed.shape[1])
    for column, weight in zip(resolvent.T, weights, strict=True):
        gram = (removed * column) @ removed.transpose(0, 2, 1)  # [C, k, k]
        sign, logarithm = np.linalg.slogdet(identity - gram)
        logarithm = np.where(sign > 0, logarithm, np.log(1e-15))
        beyond += weight * (logarithm + np.trace(gram, axis1=1, axis2=2))
    return first_order + beyond


def _change_without(x: Floats, p: Floats, side: Moments, transport: Transport) -> Floats:
    """Return how the distance changes without each cluster: ``[C]`` from centered rows ``[C, s, d]``, ``[C, s, r]``."""
    n, size = side.n, x.shape[1]
    left = n - size
    sums = x.sum(axis=1)  # [C, d]
    length = (sums**2).sum(axis=1)
    mean = length / left**2 - 2.0 * (sums @ transport.gap) / left
    variance = np.trace(side.scatter)
    trace = (variance - (x**2).sum(axis=(1, 2)) - length / left) / (left - 1) - variance / (n - 1)
    z = p * transport.eigenvalues**0.25
    if size == 1:
        removed = z * np.sqrt(n) / (n - 1)
    else:
        removed = np.concatenate([z, z.sum(axis=1, keepdims=True) / np.sqrt(left)], axis=1) / np.sqrt(n - 1)
    roots = np.sqrt(transport.eigenvalues).sum()
    without = np.sqrt((n - 1) / (left - 1)) * (roots + root_trace_change(removed, transport.eigenvalues))
    return mean + trace - 2.0 * (without - roots)


def contributions(
    features: Features, kept: np.ndarray, side: Moments, transport: Transport, labels: NDArray[np.int64]
) -> Contributions:
    """Return one side's influences and its share of the bias.

    Args:
        features: ``[n, D]``.
        kept: ``[D]``, mask of the dimensions that count.
        side: Moments of the kept dimensions of ``features``.
        transport: From this side to the other.
        labels: ``[n]``, the cluster of each row.

    Returns:
        ``IF(x) = 2 (x - mean)^T gap + (x - mean)^T (I - T) (x - mean) - tr((I - T) Sigma)``, and the jackknife's bias
        over whole clusters.

    Source: Rippl, Munk and Sturm, arXiv 1507.04090, theorem 4.1 (the derivative).
    """
    influence = np.empty(len(features))
    bias = 0.0
    for rows in cluster_batches(labels):
        x = np.asarray(features[rows.reshape(-1)], dtype=np.float64)
        x = (x if kept.all() else x[:, kept]) - side.mean
        p = x @ transport.basis
        influence[rows.reshape(-1)] = 2.0 * (x @ transport.gap) + (x**2).sum(axis=1) - (p**2).sum(axis=1)
        change = _change_without(x.reshape(*rows.shape, -1), p.reshape(*rows.shape, -1), side, transport)
        bias += float(change.sum()) * (1.0 - rows.shape[1] / side.n)
    return Contributions(influence - influence.mean(), bias)
