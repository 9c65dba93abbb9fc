"""The difference of a number in two evaluations, paired picture by picture.

Pictures of the same prompt and seed vary together, so the difference of two models is known far better than either
number; ``metrics.paired`` subtracts their influences, for every metric alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from underpaint.core.errors import ComparisonError
from underpaint.metrics.clusters import Clusters
from underpaint.metrics.estimate import Estimate, variance_of_mean
from underpaint.metrics.paired import difference
from underpaint.metrics.share_change import Shares, independent_shares, outcomes_of, paired_shares, unchanged
from underpaint.stages.evaluate.comparing.comparable import check_asked
from underpaint.stages.evaluate.comparing.evaluated import Evaluated
from underpaint.stages.evaluate.drawing.wishes import MAIN
from underpaint.stages.evaluate.record import Measurement, PictureRecord

Scale = Literal["difference", "log ratio"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Candidate minus baseline.

    Args:
        delta: The difference, not turned: positive is a larger number.
        se: Its standard error.
        n: Samples on each side, the smaller one.
        base: The baseline's number, on which relative margins rest.
        scale: ``log ratio`` for positive figures with independent errors, such as times.
        paired_on: What pictures were paired on; empty if the two sides were taken as independent.
        fixed_variance: The part of ``se**2`` that more pictures do not reduce: that of the reference.
        linear: Whether it was made from influences.
        shares: What was gained and lost, if the number is a share or no picture changed it.
        other_variance: The part of ``se**2`` that is not that of ``shares``.
        same_pictures: Whether both sides hold the very same pictures; None if that is not known.
    """

    delta: float
    se: float
    n: int
    base: float
    scale: Scale = "difference"
    paired_on: tuple[str, ...] = ()
    fixed_variance: float = 0.0
    linear: bool = False
    shares: Shares | None = None
    other_variance: float = 0.0
    same_pictures: bool | None = None

    def se_at(self, margin: float) -> float:
        """Return the standard error if the true difference is ``margin``; that of a share depends on it."""
        if self.shares is None:
            return self.se
        return math.sqrt(max(self.se**2, self.shares.variance_at(margin) + self.other_variance))


def _fixed_variance(candidate: Estimate, baseline: Estimate, clusters: Clusters | None) -> float:
    """Return the reference's part of the variance of a difference."""
    first, second = candidate.reference_influence, baseline.reference_influence
    if first is None or second is None:
        return 0.0
    names = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    return variance_of_mean(first - second, names)


def _shares(
    candidate: Estimate, baseline: Estimate, clusters: tuple[Clusters, Clusters] | None, *, paired: bool
) -> Shares | None:
    """Return what two shares gained and lost, or that no picture changed a score; None for other numbers."""
    first, second = outcomes_of(candidate), outcomes_of(baseline)
    if first is None or second is None:
        return unchanged(candidate, baseline, clusters and clusters[0]) if paired else None
    if paired and len(first) == len(second):
        return paired_shares(first, second, clusters and clusters[0])
    return independent_shares(first, second, clusters)


def difference_of(
    candidate: Estimate,
    baseline: Estimate,
    *,
    clusters: tuple[Clusters, Clusters] | None = None,
    reference_clusters: Clusters | None = None,
    paired_on: tuple[str, ...] = ("prompt_id", "seed"),
    same_pictures: bool | None = None,
) -> Difference:
    """Return the difference of two estimates of one metric against one reference.

    Args:
        candidate: Its estimate, with influences.
        baseline: Likewise.
        clusters: ``[n]`` names for each side: what shares a name is not independent, within a side and, if paired,
            across the two. None pairs row by row.
        reference_clusters: ``[m]``; None if the reference's pictures are independent.
        paired_on: Recorded; empty takes the two sides as independent. With ``seed`` in it, rows must be in one order.
        same_pictures: Whether both sides hold the very same pictures, so that no difference is none.

    Raises:
        ComparisonError: A side has no influences, or the references are not the same.
    """
    rows = tuple(range(candidate.n)), tuple(range(baseline.n))
    names = [[str(name) for name in np.asarray(side).tolist()] for side in clusters or rows]
    if not paired_on:
        names = [[f"{side}:{name}" for name in own] for side, own in enumerate(names)]
    found = difference(
        baseline, candidate, clusters=names[0], baseline_clusters=names[1], reference_clusters=reference_clusters
    )
    unequal = candidate.n != baseline.n and found.value_debiased is not None
    assert found.se is not None
    fixed = _fixed_variance(candidate, baseline, reference_clusters)
    by_reference = candidate.influence is None
    shares, other = None, 0.0 if by_reference else fixed
    if not same_pictures:
        units = (
            (reference_clusters, reference_clusters) if by_reference and reference_clusters is not None else clusters
        )
        shares = _shares(candidate, baseline, units, paired=by_reference or "seed" in paired_on)
    se = found.se if shares is None else math.sqrt(max(found.se**2, shares.variance + other))
    return Difference(
        delta=found.value_debiased if unequal and found.value_debiased is not None else found.value,
        se=se,
        n=min(candidate.n, baseline.n),
        base=baseline.value if baseline.value_debiased is None else baseline.value_debiased,
        paired_on=paired_on,
        fixed_variance=se**2 if by_reference else fixed,
        linear=True,
        shares=shares,
        other_variance=other,
        same_pictures=same_pictures,
    )


def _check_units(
    candidate: Sequence[PictureRecord], baseline: Sequence[PictureRecord], paired_on: tuple[str, ...]
) -> None:
    """Refuse sides that do not hold the same pictures to pair.

    Raises:
        ComparisonError: A picture stands on one side only.
    """
    check_asked(candidate, baseline)
    if "seed" not in paired_on:
        return
    first, second = (sorted((p.part, p.prompt_id, str(p.seed)) for p in side) for side in (candidate, baseline))
    if first != second:
        alone = next(iter({*first} ^ {*second}), first[0])
        raise ComparisonError(
            f"the two evaluations do not hold the same pictures: part {alone[0]}, prompt {alone[1]!r:.80}, seed "
            f"{alone[2]} stands in one of them only; evaluate both with the same suite, data set and seed"
        )


def _asked(picture: PictureRecord) -> tuple[str, ...]:
    return picture.part, picture.prompt_id, str(picture.style), str(picture.seed)


def _ordered(
    evaluated: Evaluated, measurement: Measurement, rows: Sequence[PictureRecord]
) -> tuple[Estimate, list[PictureRecord]]:
    """Return a number's estimate and its pictures, in the order of what was asked for."""
    order = sorted(range(len(rows)), key=lambda row: _asked(rows[row]))
    estimate = evaluated.estimate(measurement)
    influence = None if estimate.influence is None else estimate.influence[order]
    return replace(estimate, influence=influence), [rows[row] for row in order]


def _same_pictures(candidate: Sequence[PictureRecord], baseline: Sequence[PictureRecord]) -> bool:
    """Tell whether two sides hold the very same pictures for the same prompts."""
    first, second = (sorted((p.part, p.prompt_id, p.sha256) for p in side) for side in (candidate, baseline))
    return first == second


def _by_reference(
    candidate: tuple[Evaluated, Measurement], baseline: tuple[Evaluated, Measurement], paired_on: tuple[str, ...]
) -> Difference | None:
    """Return the difference of a score of the reference's pictures, such as recall; None if it has no influences.

    Raises:
        ComparisonError: The drawn pictures are of other prompts, or of another number, on which such a score depends.
    """
    first, second = candidate[0].estimate(candidate[1]), baseline[0].estimate(baseline[1])
    rows_b, rows_a = ([p for p in side[0].pictures.values() if p.part == MAIN] for side in (candidate, baseline))
    check_asked(rows_b, rows_a)
    if first.n != second.n:
        raise ComparisonError(
            f"{candidate[1].id} depends on the number of pictures, {second.n} of the baseline against {first.n} of the "
            "candidate; evaluate both with as many"
        )
    if first.reference_influence is None or second.reference_influence is None:
        return None
    return difference_of(
        first,
        second,
        reference_clusters=baseline[0].reference_clusters(baseline[1]),
        paired_on=paired_on,
        same_pictures=_same_pictures(rows_b, rows_a),
    )


def measured_difference(
    candidate: tuple[Evaluated, Measurement], baseline: tuple[Evaluated, Measurement], paired_on: tuple[str, ...]
) -> Difference | None:
    """Return the difference of a number in two evaluations, or None if it has no influences.

    Args:
        candidate: An evaluation and its number.
        baseline: Likewise; ``comparable`` has let the two pass.
        paired_on: What pictures are paired on.

    Raises:
        ComparisonError: The pictures are not the same.
    """
    rows_b, rows_a = candidate[0].rows(candidate[1]), baseline[0].rows(baseline[1])
    if rows_b is None and rows_a is None:
        return _by_reference(candidate, baseline, paired_on)
    if rows_b is None or rows_a is None:
        return None
    _check_units(rows_b, rows_a, paired_on)
    (first, rows_b), (second, rows_a) = (_ordered(*side) for side in ((*candidate, rows_b), (*baseline, rows_a)))
    return difference_of(
        first,
        second,
        clusters=([p.cluster or p.prompt_id for p in rows_b], [p.cluster or p.prompt_id for p in rows_a]),
        reference_clusters=baseline[0].reference_clusters(baseline[1]),
        paired_on=paired_on,
        same_pictures=_same_pictures(rows_b, rows_a),
    )
