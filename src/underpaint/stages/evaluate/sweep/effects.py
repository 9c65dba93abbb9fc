"""What settings do, from paired differences: the mean effect of each level, and which cells the front cannot exclude.

All cells draw the same prompts with the same seeds against one reference, so their influences are averaged and
subtracted picture by picture before anything is squared; what the cells share cancels.

Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import ComparisonError
from underpaint.metrics.estimate import Estimate, Floats, normal_quantile, variance_of_mean
from underpaint.metrics.paired import difference
from underpaint.metrics.sequential import p_value
from underpaint.stages.evaluate.scores.ledger import Score
from underpaint.stages.evaluate.seeing.view import numbered
from underpaint.stages.evaluate.sweep.record import Effect

ALPHA = 0.05
"""Probability of excluding any cell that truly belongs to the front."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A metric's paired difference between two cells.

    Args:
        id: The metric.
        delta: How far it moved.
        influence: ``[n]``, how each picture moves the difference.
        reference_influence: ``[m]``; None if there is no reference.
        clusters: ``[n]``, equal for pictures of one concept.
        reference_clusters: ``[m]``; None if there is no reference.
    """

    id: str
    delta: float
    influence: Floats
    reference_influence: Floats | None = None
    clusters: Numbers | None = None
    reference_clusters: Numbers | None = None

    @property
    def se(self) -> float:
        """Standard error, robust to clusters on both sides."""
        variance = variance_of_mean(self.influence, self.clusters)
        if self.reference_influence is not None:
            variance += variance_of_mean(self.reference_influence, self.reference_clusters)
        return float(np.sqrt(variance))


def shift(base: Score, other: Score, clusters: Mapping[str, str], reference: Sequence[str]) -> Shift | None:
    """Return how far a score moved from one cell to another; None where that cannot be paired.

    Args:
        base: Of the first cell.
        other: The same number of the second one.
        clusters: ``image_id`` to concept.
        reference: Concept of each picture of the reference.
    """
    if base.estimate is None or other.estimate is None or tuple(base.images) != tuple(other.images):
        return None
    try:
        found: Estimate = difference(base.estimate, other.estimate)
    except ComparisonError:
        return None
    if found.influence is None:
        return None
    rows = None if found.reference_influence is None else reference[: len(found.reference_influence)]
    return Shift(
        id=base.id,
        delta=found.value,
        influence=found.influence,
        reference_influence=found.reference_influence,
        clusters=numbered([clusters[image] for image in base.images]),
        reference_clusters=None if rows is None else numbered(rows),
    )


def mean_of(shifts: Sequence[Shift]) -> Shift:
    """Return the mean of the shifts of one metric, influences picture by picture."""
    first = shifts[0]
    others = [one.reference_influence for one in shifts if one.reference_influence is not None]
    return Shift(
        id=first.id,
        delta=float(np.mean([one.delta for one in shifts])),
        influence=np.mean([one.influence for one in shifts], axis=0),
        reference_influence=np.mean(others, axis=0) if others else None,
        clusters=first.clusters,
        reference_clusters=first.reference_clusters,
    )


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values: one is at most ``alpha`` exactly where ``sequential.holm`` rejects at ``alpha``."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def effects_of(cells: Sequence[tuple[Mapping[str, float], Sequence[Shift]]]) -> list[Effect]:
    """Return the mean shift of every metric at each level of each setting, with its error and Holm-adjusted p-value.

    Args:
        cells: Settings of each cell, and its shifts from the model's own settings.
    """
    found: dict[tuple[str, float, str], list[Shift]] = {}
    for settings, shifts in cells:
        for one in shifts:
            for factor, level in settings.items():
                found.setdefault((factor, level, one.id), []).append(one)
    means = [mean_of(shifts) for shifts in found.values()]
    errors = [one.se for one in means]
    adjusted = holm_adjusted([p_value(one.delta, se, "equivalence") for one, se in zip(means, errors, strict=True)])
    return [
        Effect(
            factor=factor,
            level=level,
            id=id_,
            mean=mean.delta,
            cells=len(shifts),
            se=se if np.isfinite(se) else None,
            p_holm=p if np.isfinite(se) else None,
        )
        for ((factor, level, id_), shifts), mean, se, p in zip(found.items(), means, errors, adjusted, strict=True)
    ]


def maybe_on_front(
    scores: Sequence[Score | None],
    times: Sequence[float | None],
    on_front: Sequence[bool],
    clusters: Mapping[str, str],
    reference: Sequence[str],
    *,
    lower_is_better: bool,
) -> list[bool]:
    """Tell which cells off the front may belong to it: no cell that is as fast is proven to be better.

    Proven is one-sided, with Bonferroni's correction over the other cells. Times are taken as they are.

    Args:
        scores: The quality of each cell; None where it has none.
        times: Its time.
        on_front: Whether it is on the front.
        clusters: ``image_id`` to concept.
        reference: Concept of each picture of the reference.
        lower_is_better: Of the quality.
    """
    z = normal_quantile(1.0 - ALPHA / max(1, len(scores) - 1))
    sign = 1.0 if lower_is_better else -1.0

    def beaten(own: int, by: int) -> bool:
        mine, theirs, my_time, their_time = scores[own], scores[by], times[own], times[by]
        if mine is None or theirs is None or my_time is None or their_time is None or their_time > my_time:
            return False
        moved = shift(theirs, mine, clusters, reference)
        return moved is not None and sign * moved.delta > z * moved.se

    def may_belong(own: int) -> bool:
        known = scores[own] is not None and times[own] is not None
        return known and not any(beaten(own, by) for by in range(len(scores)) if by != own)

    return [not on and may_belong(index) for index, on in enumerate(on_front)]
