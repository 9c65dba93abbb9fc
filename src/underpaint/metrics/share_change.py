"""The error of a difference of two shares: it does not vanish where every picture is right, or none differs.

The variance of the pairs alone says "surely equal" as soon as no pair differs, which 30 pictures often show for models
that do differ. Pseudo-pairs keep it above zero, and the score variance is that which holds *at* the margin.

Source: Tango 1998, Equivalence test and confidence interval for the difference in proportions for the paired-sample
design (score variance); Agresti and Min 2005 and Agresti and Caffo 2000 (pseudo-counts); Dunnett and Gent 1977 (two
independent shares).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.estimate import Estimate, Floats, variance_of_mean

FEW = 12
"""Most different outcomes of a picture for its mean to be called a share: 0 and 1, or a share of few parts."""
WEIGHT = 4
ROUNDING = 1e-9
"""Part of the largest difference of two outcomes below which a change is nothing but rounding."""
PILED = 0.5
"""Part of the pictures with the very same outcome from which a mean between 0 and 1 is treated as a share."""


@dataclass(frozen=True, kw_only=True)
class PairedShares:
    """What two models gained and lost on the same pictures.

    Args:
        gained: Pairs in which the candidate alone is right; parts of a pair count as such.
        lost: Pairs in which the baseline alone is right.
        n: Pairs.
        design: By how much clusters of pictures raise the variance, at least 1.
    """

    gained: float
    lost: float
    n: int
    design: float = 1.0

    @property
    def variance(self) -> float:
        """That of the difference with one pair more in each direction."""
        n, net = self.n + 2, self.gained - self.lost
        return self.design * (self.gained + self.lost + 2 - net**2 / n) / n**2

    def variance_at(self, difference: float) -> float:
        """Return the variance if the true difference is so large (Tango 1998, eq. 5)."""
        drop = min(1.0, abs(difference))
        more, less = (self.lost, self.gained) if difference < 0 else (self.gained, self.lost)
        a, c = 2.0 * self.n, -less * drop * (1.0 - drop)
        b = -more - less + (2.0 * self.n - more + less) * drop
        other = max(0.0, (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a))
        return self.design * max(0.0, 2 * other + drop - drop**2) / self.n


@dataclass(frozen=True, kw_only=True)
class IndependentShares:
    """Two shares of different pictures.

    Args:
        right: Right pictures of the candidate.
        n: Its pictures.
        baseline_right: Those of the baseline.
        baseline_n: Its pictures.
        design: By how much clusters of pictures raise the variance, at least 1.
    """

    right: float
    n: int
    baseline_right: float
    baseline_n: int
    design: float = 1.0

    def _of(self, share: float, baseline: float, extra: int = 0) -> float:
        parts = share * (1 - share) / (self.n + extra), baseline * (1 - baseline) / (self.baseline_n + extra)
        return self.design * sum(parts)

    @property
    def variance(self) -> float:
        """That of the difference with one right and one wrong picture more on each side."""
        return self._of((self.right + 1) / (self.n + 2), (self.baseline_right + 1) / (self.baseline_n + 2), 2)

    def variance_at(self, difference: float) -> float:
        """Return the variance if the true difference is so large and the total as seen (Dunnett and Gent 1977)."""
        total, limited = self.n + self.baseline_n, max(-1.0, min(1.0, difference))
        pooled = (self.right + self.baseline_right) / total
        lowest, highest = max(0.0, -limited), min(1.0, 1.0 - limited)
        baseline = min(highest, max(lowest, pooled - limited * self.n / total))
        return self._of(baseline + limited, baseline)


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """A score that came out the same on every pair of pictures, though the pictures differ.

    A change by ``d`` on average needs clusters that change, each by ``reach`` at most: its variance is at most
    ``reach d - d^2``, that of few large changes.

    Args:
        reach: Largest difference that two outcomes of a cluster can have.
        n: Clusters of pictures, taken to be all alike inside.
    """

    reach: float
    n: int

    @property
    def variance(self) -> float:
        """That of the difference with one cluster more in each direction."""
        return 2.0 * self.reach**2 / (self.n + 2) ** 2

    def variance_at(self, difference: float) -> float:
        """Return the largest variance if the true difference is so large."""
        drop = min(self.reach, abs(difference))
        return (self.reach * drop - drop**2) / self.n


Shares = PairedShares | IndependentShares | Unchanged


def outcomes_of(estimate: Estimate) -> Floats | None:
    """Return what each picture adds to a share, in 0 to 1: ``[n]``; None if the estimate is no share.

    Where no drawn picture has an influence, those of the reference are meant: ``[m]``.
    """
    influence = estimate.reference_influence if estimate.influence is None else estimate.influence
    if influence is None or not 0 <= estimate.value <= 1:
        return None
    values = np.round(estimate.value + influence, 9)
    counts = np.unique(values, return_counts=True)[1]
    discrete = len(counts) <= FEW or counts.max() >= PILED * len(values)
    return np.clip(values, 0.0, 1.0) if discrete else None


def _design(values: Floats, clusters: Clusters | None) -> float:
    """Return by how much clusters raise the variance of a mean.

    Few pictures that stand out cannot show it, so ``WEIGHT`` clusters more are taken to be all alike inside.
    """
    if clusters is None:
        return 1.0
    index = number_clusters(clusters, len(values))
    sizes, alone = np.bincount(index), variance_of_mean(values)
    alike, seen = float(sizes @ sizes) / len(values), len(np.unique(index[values != np.median(values)]))
    found = variance_of_mean(values, index) / alone if alone > 0 else 1.0
    return max(1.0, (seen * found + WEIGHT * alike) / (seen + WEIGHT))


def paired_shares(candidate: Floats, baseline: Floats, clusters: Clusters | None = None) -> PairedShares:
    """Return what was gained and lost on the same pictures.

    Args:
        candidate: ``[n]`` outcomes.
        baseline: ``[n]``, of the same pictures in the same order.
        clusters: ``[n]``; None if all pictures are independent.
    """
    change = candidate - baseline
    return PairedShares(
        gained=float(change.clip(min=0).sum()),
        lost=float(-change.clip(max=0).sum()),
        n=len(change),
        design=_design(change, clusters),
    )


def independent_shares(
    candidate: Floats, baseline: Floats, clusters: tuple[Clusters, Clusters] | None = None
) -> IndependentShares:
    """Return two shares of different pictures.

    Args:
        candidate: ``[n]`` outcomes.
        baseline: ``[m]``.
        clusters: ``[n]`` and ``[m]``; None if all pictures are independent.
    """
    sides = [(candidate, clusters and clusters[0]), (baseline, clusters and clusters[1])]
    return IndependentShares(
        right=float(candidate.sum()),
        n=len(candidate),
        baseline_right=float(baseline.sum()),
        baseline_n=len(baseline),
        design=max(_design(values, names) for values, names in sides),
    )


def unchanged(candidate: Estimate, baseline: Estimate, clusters: Clusters | None = None) -> Unchanged | None:
    """Return what is known of two scores that are equal picture by picture; None if they differ or have no outcomes.

    Args:
        candidate: Its estimate, with influences.
        baseline: Likewise, of the same pictures in the same order.
        clusters: ``[n]``; None if all pictures are independent.
    """
    first, second = candidate.influence, baseline.influence
    if first is None or second is None or len(first) != len(second):
        return None
    change = candidate.value + first - baseline.value - second
    if np.abs(change).max() > ROUNDING * max(np.ptp(first), np.ptp(second)):
        return None
    index = np.arange(len(first)) if clusters is None else number_clusters(clusters, len(first))
    count = int(index.max()) + 1
    outcomes = np.bincount(index, weights=second) * count / len(second)  # [G], their mean is that of the pictures
    reach = float(np.ptp(outcomes))
    return Unchanged(reach=reach, n=count) if reach > 0.0 else None
