"""Speed-up at equal quality: how much longer the cheapest rival takes that is not worse in any measure.

A *loss* is by how much a candidate is worse than the model under test in one measure, paired picture by picture. The
candidate is **not worse** if the one-sided upper bound of every loss stays within a margin fixed beforehand; among the
candidates that are not worse the cheapest counts, whatever its name::

    speed-up = median time of the cheapest candidate that is not worse / median time of the model under test

A bound narrows with more pictures, so few pictures favor the model under test: the verdict of its own pictures drawn
with other seeds, which are as good by construction, says whether there were enough. A reading without any error, by
the values alone, stands beside it (``level=0``).

Source: non-inferiority at a margin, Tango 1998, Equivalence test and confidence interval for the difference in
proportions for the paired-sample design.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from underpaint.core.errors import MetricError
from underpaint.metrics.clusters import Clusters
from underpaint.metrics.estimate import Estimate, normal_quantile
from underpaint.metrics.paired import difference
from underpaint.metrics.share_change import outcomes_of, paired_shares

LEVEL = 0.95
"""One-sided: a candidate that is worse by the margin passes with probability 0.05."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """By how much a candidate is worse in one measure.

    Args:
        value: The loss; below 0 the candidate is better.
        se: Its standard error.
        margin: The largest loss that still counts as equal quality, at least 0.
    """

    value: float
    se: float
    margin: float

    def upper(self, level: float = LEVEL) -> float:
        """Return the one-sided upper bound; the value itself at level 0.

        Args:
            level: Nominal coverage, in [0, 1).
        """
        return self.value if level == 0 else self.value + normal_quantile(level) * self.se

    def within(self, level: float = LEVEL) -> bool:
        """Tell whether the candidate is not worse."""
        return self.upper(level) <= self.margin


def distance_loss(
    baseline: Estimate,
    candidate: Estimate,
    margin: float,
    *,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
) -> Loss:
    """Return the loss in a distance, of which less is better.

    Args:
        baseline: Of the model under test.
        candidate: Of the same prompts, against the same reference.
        margin: In the unit of the distance.
        clusters: ``[n]`` names of what is not independent; None if every pair is.
        reference_clusters: ``[m]``, likewise.

    Raises:
        ComparisonError: The two cannot be paired.
        MetricError: The margin is negative.
    """
    _check_margin(margin)
    found = difference(baseline, candidate, clusters=clusters, reference_clusters=reference_clusters)
    return Loss(value=found.value, se=found.se or 0.0, margin=margin)


def share_loss(baseline: Estimate, candidate: Estimate, margin: float, *, clusters: Clusters | None = None) -> Loss:
    """Return the loss in a share of right pictures, of which more is better.

    Its error is the larger of that seen and that at the margin, so that no two models are surely equal because none of
    few pictures differs.

    Args:
        baseline: Of the model under test; its influences are those of a share.
        candidate: Of the same prompts.
        margin: In (0, 1).
        clusters: ``[n]`` names of what is not independent.

    Raises:
        MetricError: An estimate is no share of the same pictures, or the margin is negative.
    """
    _check_margin(margin)
    own, other = outcomes_of(baseline), outcomes_of(candidate)
    if own is None or other is None or len(own) != len(other):
        raise MetricError("a loss in a share needs two shares of the same pictures; measure both on the same prompts")
    pairs = paired_shares(other, own, clusters)
    se = math.sqrt(max(pairs.variance, pairs.variance_at(-margin)))
    return Loss(value=baseline.value - candidate.value, se=se, margin=margin)


def mean_loss(losses: Sequence[Loss]) -> Loss:
    """Return the mean of losses in the same measure on independent sets of pictures; margins are averaged.

    Raises:
        MetricError: There is none.
    """
    if not losses:
        raise MetricError("the mean of no losses is not defined; give at least one set of pictures")
    n = len(losses)
    return Loss(
        value=sum(one.value for one in losses) / n,
        se=math.sqrt(sum(one.se**2 for one in losses)) / n,
        margin=sum(one.margin for one in losses) / n,
    )


def not_worse(losses: Sequence[Loss], level: float = LEVEL) -> bool:
    """Tell whether a candidate is not worse in any measure.

    Raises:
        MetricError: Nothing was measured.
    """
    if not losses:
        raise MetricError("no measure, so equal quality cannot be told; measure at least two that are unrelated")
    return all(loss.within(level) for loss in losses)


def cheapest_not_worse(
    costs: Mapping[str, float], losses: Mapping[str, Sequence[Loss]], level: float = LEVEL
) -> str | None:
    """Return the name of the cheapest candidate that is not worse in any measure; None if all are worse.

    Args:
        costs: Name to cost, such as milliseconds. A candidate without a cost is passed over.
        losses: Name to its losses, one a measure.
        level: Of the bounds; 0 goes by the values alone.
    """
    equal = [name for name in costs if name in losses and not_worse(losses[name], level)]
    return min(equal, key=costs.__getitem__, default=None)


def _check_margin(margin: float) -> None:
    if not margin >= 0:
        raise MetricError(f"a margin is the largest loss that counts as equal, at least 0, got {margin}")
