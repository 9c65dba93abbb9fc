"""The difference of two estimates, with a standard error that knows what they share.

Two models that drew the same prompts against the same reference share most of their noise: their influences are
subtracted sample by sample before anything is squared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from underpaint.core.errors import ComparisonError
from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.estimate import Estimate, Floats, symmetric_interval, variance_of_mean


class _Change(NamedTuple):
    """Influence of one side on the difference: per row if rows are paired, and the variance of its mean."""

    influence: Floats | None
    variance: float


def difference(
    a: Estimate,
    b: Estimate,
    *,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    baseline_clusters: Clusters | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return ``b - a``: how far the candidate ``b`` is from the baseline ``a``.

    At equal sizes the biases of the two cancel and the plain values are subtracted; at unequal sizes the debiased ones
    make the interval. Scores of the reference's pictures, such as recall, may have influences there alone; then the
    drawn pictures are held fixed.

    Args:
        a: The baseline.
        b: The candidate, measured against the same reference samples.
        clusters: ``[n_b]``, a name per prompt; None if every pair is independent.
        reference_clusters: ``[m]``, likewise for the reference.
        baseline_clusters: ``[n_a]``. If given, rows are not paired one to one: the two sets share what their cluster
            names share, such as prompts drawn with other seeds, and may differ in size.
        level: Nominal coverage.

    Raises:
        ComparisonError: An estimate has no influences, the sets differ in size and ``baseline_clusters`` is missing,
            or the references differ in size.
    """
    own = _own_change(a, b, clusters, baseline_clusters)
    other = _reference_change(a, b, reference_clusters)
    debiased = None
    if a.value_debiased is not None and b.value_debiased is not None:
        debiased = b.value_debiased - a.value_debiased
    plain, se = b.value - a.value, float(np.sqrt(own.variance + other.variance))
    center = plain if a.n == b.n or debiased is None else debiased
    return Estimate(
        value=plain,
        value_debiased=debiased,
        n=b.n,
        m=b.m,
        se=se,
        interval=symmetric_interval(center, se, method="paired-influence", level=level),
        num_clusters=None if clusters is None else len(np.unique(np.asarray(clusters))),
        influence=own.influence,
        reference_influence=other.influence,
        dropped_dims=b.dropped_dims,
        message="" if a.n == b.n else f"{a.n} against {b.n} samples: the interval is that of the debiased values",
    )


def _own_change(a: Estimate, b: Estimate, clusters: Clusters | None, baseline_clusters: Clusters | None) -> _Change:
    if a.influence is None and b.influence is None and a.reference_influence is not None:
        return _Change(None, 0.0)
    if a.influence is None or b.influence is None:
        raise ComparisonError(
            f"the {'baseline' if a.influence is None else 'candidate'} has no influences, so a difference has no "
            "interval; measure it again with enough samples"
        )
    if baseline_clusters is None:
        if a.n != b.n:
            raise ComparisonError(
                f"the baseline has {a.n} samples and the candidate {b.n}, pairs need equal numbers in the same order; "
                "keep the pictures that both drew, or give baseline_clusters"
            )
        change = b.influence - a.influence
        return _Change(change, variance_of_mean(change, None if clusters is None else number_clusters(clusters, b.n)))
    if clusters is None:
        raise ComparisonError("baseline_clusters were given without clusters; give the candidate's too")
    return _Change(None, _shared_variance(a.influence, b.influence, baseline_clusters, clusters))


def _shared_variance(a: Floats, b: Floats, a_clusters: Clusters, b_clusters: Clusters) -> float:
    """Return the variance of ``mean(b) - mean(a)`` for sets that share clusters but not rows."""
    total = len(a) + len(b)
    names = [*np.asarray(a_clusters).tolist(), *np.asarray(b_clusters).tolist()]
    if len(a_clusters) != len(a) or len(b_clusters) != len(b):
        raise ComparisonError(
            f"{len(a)} and {len(b)} samples came with {len(a_clusters)} and {len(b_clusters)} clusters; "
            "give one name a sample"
        )
    parts = [-(a - a.mean()) * (total / len(a)), (b - b.mean()) * (total / len(b))]
    return variance_of_mean(np.concatenate(parts), number_clusters(names, total))


def _reference_change(a: Estimate, b: Estimate, clusters: Clusters | None) -> _Change:
    if a.reference_influence is None and b.reference_influence is None:
        return _Change(None, 0.0)
    if a.reference_influence is None or b.reference_influence is None or a.m != b.m:
        raise ComparisonError(
            f"the baseline's reference has {a.m} samples and the candidate's {b.m}, allowed is one reference for both; "
            "measure both against the same reference"
        )
    change = b.reference_influence - a.reference_influence
    return _Change(
        change, variance_of_mean(change, None if clusters is None else number_clusters(clusters, len(change)))
    )
