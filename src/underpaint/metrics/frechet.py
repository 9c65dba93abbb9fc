"""Frechet distance between two sets of features, with its bias removed and an interval that holds the truth.

With means ``mu``, covariances ``Sigma`` and ``F F^T = Sigma_Y``, the distance is ``|mu_X - mu_Y|^2 + tr Sigma_X +
tr Sigma_Y - 2 tr M^(1/2)``, ``M = F^T Sigma_X F``: a symmetric matrix, so no complex numbers and no matrix square
root. The optimal transport from X to Y, ``T = F M^(-1/2) F^T``, gives each sample's influence.

Source: Heusel et al., arXiv 1706.08500, equation 6; influence: Rippl, Munk and Sturm, arXiv 1507.04090.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import TooFewSamples
from underpaint.metrics.clusters import Clusters
from underpaint.metrics.deletion import Contributions, Transport, contributions
from underpaint.metrics.estimate import Estimate, Floats, symmetric_interval, variance_of_mean
from underpaint.metrics.moments import Moments
from underpaint.metrics.reference import Reference
from underpaint.metrics.samples import Features, check_features, check_width, cluster_labels, project

SAMPLES_PER_DIMENSION = 4
SAMPLES_PER_DIRECTION = 8
LEAST_DIRECTIONS = 16
_LEAST_RATIO = 1e-12


def frechet_from_moments(mu1: Floats, sigma1: Floats, mu2: Floats, sigma2: Floats) -> float:
    """Return the Frechet distance of two Gaussians from means ``[d]`` and covariances ``[d, d]``."""
    root = _factor(np.asarray(sigma2, dtype=np.float64))
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(root.T @ sigma1 @ root), 0.0)).sum()
    gap = np.asarray(mu1, dtype=np.float64) - mu2
    return float(gap @ gap + np.trace(sigma1) + np.trace(sigma2) - 2.0 * roots)


def _factor(sigma: Floats) -> Floats:
    """Return ``F`` with ``F F^T = sigma``: by Cholesky, or by eigenvalues where the rank is not full."""
    try:
        return np.asarray(np.linalg.cholesky(sigma), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(sigma)
        return vectors * np.sqrt(np.maximum(values, 0.0))


def frechet_distance(
    generated: Features,
    reference: Reference | Features,
    *,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    enforce: bool = True,
    level: float = 0.95,
) -> Estimate:
    """Measure the Frechet distance.

    The plain value grows as samples get fewer; the exact delete-one(-cluster) jackknife removes that. The interval is
    the debiased value plus and minus the influences' standard error: the usual percentile bootstrap would add the bias
    a second time.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``, or what :meth:`Reference.of` made of it, which saves time when it is used again. Held
            fixed if it carries no samples.
        clusters: ``[n]``, a name per independent cluster, such as a prompt; None if every row is independent.
        reference_clusters: ``[m]``, likewise.
        enforce: Refuse sets below four samples a dimension, where the interval does not hold; otherwise they get a
            message, and no interval below one sample a dimension.
        level: Nominal coverage.

    Returns:
        ``value`` as papers define it; ``value_debiased``, below 0 at times when the sets are alike.

    Raises:
        TooFewSamples: A set is too small.
        DegenerateSamples: A feature is not finite, or the reference does not vary.
    """
    generated = check_features(generated, name="generated")
    if not isinstance(reference, Reference):
        reference = Reference.of(check_features(reference, name="reference"))
    check_width(generated.shape[1], len(reference.mean))
    n, m = len(generated), None if reference.features is None else len(reference.features)
    dims = int(reference.kept.sum())
    _check_size(n, m, dims, enforce=enforce)
    if min(n, n if m is None else m) <= dims + 1:
        return _low_rank(generated, reference)
    labels = None if clusters is None else cluster_labels(clusters, n)[0]
    reference_labels = None if m is None or reference_clusters is None else cluster_labels(reference_clusters, m)[0]
    return _full_rank(generated, reference, labels, reference_labels, level)


def _check_size(n: int, m: int | None, dims: int, *, enforce: bool) -> None:
    smaller = n if m is None else min(n, m)
    if smaller < 2:
        raise TooFewSamples(f"a Frechet distance needs at least 2 samples a side, got {smaller}; draw more pictures")
    least = SAMPLES_PER_DIMENSION * dims
    if enforce and smaller < least:
        k = smaller // SAMPLES_PER_DIRECTION
        reachable = f"use fd_pca{k}" if k >= LEAST_DIRECTIONS else f"even fd_pca{LEAST_DIRECTIONS} needs 128"
        raise TooFewSamples(
            f"the Frechet distance in {dims} dimensions needs at least {least} samples a side (4 a dimension), got "
            f"{_sizes(n, m)}; draw more pictures or {reachable}"
        )


def _sizes(n: int, m: int | None) -> str:
    return f"{n} generated and {'a fixed reference' if m is None else f'{m} of the reference'}"


@dataclass(frozen=True, eq=False)
class _Distance:
    """The distance and the transports that it comes with."""

    value: float
    forth: Transport
    back: Transport


def _distance(side: Moments, reference: Reference) -> _Distance:
    mean, covariance = reference.moments()
    sigma, root = side.covariance, reference.root
    product = root.T @ sigma @ root
    eigenvalues, vectors = np.linalg.eigh((product + product.T) / 2.0)
    gap = side.mean - mean
    roots = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    value = float(gap @ gap + np.trace(sigma) + np.trace(covariance) - 2.0 * roots)
    eigenvalues = np.maximum(eigenvalues, _LEAST_RATIO * max(eigenvalues[-1], np.finfo(float).tiny / _LEAST_RATIO))
    forth = Transport(gap, root @ vectors * eigenvalues**-0.25, eigenvalues)
    back = Transport(-gap, reference.inverse_root @ vectors * eigenvalues**0.25, eigenvalues)
    return _Distance(value, forth, back)


def _full_rank(
    generated: Features,
    reference: Reference,
    labels: np.ndarray | None,
    reference_labels: np.ndarray | None,
    level: float,
) -> Estimate:
    n, kept = len(generated), reference.kept
    side = Moments.of(generated).columns(kept)
    distance = _distance(side, reference)
    own = contributions(generated, kept, side, distance.forth, np.arange(n) if labels is None else labels)
    variance, other = variance_of_mean(own.influence, labels), None
    if reference.features is not None:
        other = _reference_contributions(reference, reference.features, distance.back, reference_labels)
        variance += variance_of_mean(other.influence, reference_labels)
    debiased, se = distance.value - own.bias - (other.bias if other else 0.0), float(np.sqrt(variance))
    return Estimate(
        value=distance.value,
        value_debiased=debiased,
        n=n,
        m=len(other.influence) if other else None,
        se=se,
        interval=symmetric_interval(debiased, se, method="jackknife+influence", level=level),
        num_clusters=None if labels is None else int(labels.max()) + 1,
        influence=own.influence,
        reference_influence=other.influence if other else None,
        dropped_dims=reference.dropped_dims,
        message=_remarks(n, other, int(kept.sum()), debiased, se),
    )


def _reference_contributions(
    reference: Reference, features: Features, back: Transport, labels: np.ndarray | None
) -> Contributions:
    m = len(features)
    mean, covariance = reference.moments()
    side = Moments(m, mean, covariance * (m - 1))
    return contributions(features, reference.kept, side, back, np.arange(m) if labels is None else labels)


def _remarks(n: int, other: Contributions | None, dims: int, debiased: float, se: float) -> str:
    remarks = []
    if min(n, len(other.influence) if other else n) < SAMPLES_PER_DIMENSION * dims:
        remarks.append(f"fewer than {SAMPLES_PER_DIMENSION} samples a dimension: the interval holds less than it says")
    if debiased < 2.0 * se:
        remarks.append("near 0 the interval is wide: test whether the sets differ with the permutation test of kid")
    return "; ".join(remarks)


def _low_rank(generated: Features, reference: Reference) -> Estimate:
    """Measure sets with fewer samples than dimensions by a nuclear norm: ``tr M^(1/2) = |A F|_*``; no interval."""
    kept, (mean, covariance) = reference.kept, reference.moments()
    own, own_mean = _scaled_rows(generated, kept)
    features = reference.features
    few = features is not None and len(features) + len(own) < 2 * len(mean)
    other = _scaled_rows(features, kept)[0] if few and features is not None else reference.root.T
    nuclear = np.linalg.svd(own @ other.T, compute_uv=False).sum()
    gap = own_mean - mean
    value = gap @ gap + (own**2).sum() + np.trace(covariance) - 2.0 * nuclear
    return Estimate(
        value=float(value),
        n=len(generated),
        m=None if features is None else len(features),
        dropped_dims=0 if few else reference.dropped_dims,
        message="fewer samples than dimensions: the value is biased and has no interval; use fd_pca",
    )


def _scaled_rows(features: Features, kept: np.ndarray) -> tuple[Floats, Floats]:
    """Return ``A [n, d]`` with ``A^T A`` the covariance, and the mean ``[d]``."""
    rows = np.asarray(features, dtype=np.float64)[:, kept]
    mean = rows.mean(axis=0)
    return (rows - mean) / np.sqrt(len(rows) - 1), mean


def num_directions(n: int, m: int | None, dims: int) -> int:
    """Return how many principal directions the samples support: one for eight samples of the smaller set."""
    return min((n if m is None else min(n, m)) // SAMPLES_PER_DIRECTION, dims)


def frechet_pca(
    generated: Features,
    reference: Reference | Features,
    *,
    k: int | None = None,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    directions: Floats | None = None,
    level: float = 0.95,
) -> Estimate:
    """Measure the Frechet distance along the reference's first k principal directions; its name is ``fd_pca<k>``.

    Args:
        generated: ``[n, d]``.
        reference: ``[m, d]``, or a :class:`Reference`.
        k: Number of directions, at least 16; None takes what :func:`num_directions` says.
        clusters: As in :func:`frechet_distance`.
        reference_clusters: As in :func:`frechet_distance`.
        directions: ``[d, k]``, orthonormal, to use instead; for example from a larger reference.
        level: Nominal coverage.

    Raises:
        TooFewSamples: There are fewer than eight samples a direction, or fewer than 16 directions.
        DegenerateSamples: A feature is not finite, or the reference does not vary.
    """
    generated = check_features(generated, name="generated")
    if not isinstance(reference, Reference):
        reference = Reference.of(check_features(reference, name="reference"))
    check_width(generated.shape[1], len(reference.mean))
    n, m = len(generated), None if reference.features is None else len(reference.features)
    if directions is None:
        rank = len(reference.eigen[0])
        directions = principal_directions(reference, num_directions(n, m, rank) if k is None else min(k, rank))
    _check_directions(directions.shape[1], n, m)
    return frechet_distance(
        project(generated, directions),
        reference.project(directions),
        clusters=clusters,
        reference_clusters=reference_clusters,
        level=level,
    )


def principal_directions(reference: Reference, k: int) -> Floats:
    """Return the reference's first ``k`` principal directions ``[D, k]``, 0 in the dimensions that are left out."""
    directions = np.zeros((len(reference.mean), k))
    directions[reference.kept] = reference.eigen[1][:, ::-1][:, :k]
    return directions


def _check_directions(k: int, n: int, m: int | None) -> None:
    smaller = n if m is None else min(n, m)
    if k < LEAST_DIRECTIONS or smaller < SAMPLES_PER_DIRECTION * k:
        k = max(k, LEAST_DIRECTIONS)
        raise TooFewSamples(
            f"fd_pca{k} needs at least {SAMPLES_PER_DIRECTION * k} samples a side (8 a direction, at least "
            f"{LEAST_DIRECTIONS} directions), got {_sizes(n, m)}; draw more pictures"
        )
