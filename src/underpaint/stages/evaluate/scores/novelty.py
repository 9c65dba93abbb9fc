"""Novelty: how near drawn pictures come to training pictures, beside how near real held-out pictures come.

A picture is flagged as near a training picture when its distance to the nearest one, over the mean distance to its
fifty nearest, falls below the 1 % quantile of the same ratio among held-out pictures: the false positive rate is
known. This finds near-exact copies, not borrowed ideas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import MetricError
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.memorization import authpct, flagged_share, nearest, novelty, threshold
from underpaint.stages.evaluate.drawing.wishes import MAIN
from underpaint.stages.evaluate.scores.ledger import Score, attempt, refused
from underpaint.stages.evaluate.seeing.view import RealView, View

METRICS = ("nearest_ratio_flagged", "novelty", "authenticity")


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What was found.

    Args:
        scores: The numbers.
        ratios: ``[N]`` nearest ratio of each picture; empty if there are too few training pictures.
        nearest: Index of the nearest training picture of each.
    """

    scores: list[Score]
    ratios: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    nearest: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def twin_groups(training: RealView) -> list[str]:
    """Return what makes training pictures twins: concept and style, whatever the skin tone or gender form."""
    return [f"{sample.cluster}/{sample.style}" for sample in training.samples]


def novelty_of(view: View, reference: RealView, training: RealView) -> Novelty:
    """Look up the nearest training pictures and compare with held-out pictures.

    Args:
        view: Drawn pictures.
        reference: Real pictures that training did not show.
        training: The training pictures.
    """
    main, twins, real = view.part(MAIN), twin_groups(training), reference.features
    try:
        found = nearest(view.features, training.features, groups=twins)
        held_out = nearest(real, training.features, groups=twins).ratios
        held_out_authenticity = authpct(real, training.features).value
    except MetricError as error:
        return Novelty(scores=refused(METRICS, error, images=main.images, extractor=view.extractor))
    asked = np.array([wish.part == MAIN for wish in view.wishes])
    clusters = main.clusters
    computations: dict[str, Callable[[], Estimate]] = {
        "nearest_ratio_flagged": lambda: flagged_share(found.ratios[asked], threshold(held_out), clusters=clusters),
        "novelty": lambda: novelty(
            main.features, training.features, real, clusters=clusters, reference_clusters=reference.clusters
        ),
        "authenticity": lambda: authpct(main.features, training.features, clusters=clusters),
    }
    ceilings = {"authenticity": held_out_authenticity}
    scores = [
        attempt(
            name,
            compute,
            images=main.images,
            extractor=view.extractor,
            reference=reference.digest,
            reference_clusters=[sample.cluster for sample in reference.samples],
            ceiling=ceilings.get(name),
        )
        for name, compute in computations.items()
    ]
    return Novelty(scores=scores, ratios=found.ratios, nearest=found.indices[:, 0])
