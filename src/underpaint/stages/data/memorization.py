"""The threshold of memorization: how near drawings come to training that a model has never seen.

The ratio of a picture is its distance to the nearest training picture over half the mean distance to the 50 nearest;
copies have small ratios. One untoned drawing a concept is kept, since twins would shrink the denominator.

Source: Carlini et al., Extracting Training Data from Diffusion Models, arXiv 2301.13188, section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from underpaint.core.concept import concept_of
from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.look import Look

NEIGHBORS, ALPHA = 50, 0.5
PERCENTILES = (1, 5, 50)
HELD_OUT = ("test_concept", "validation")


class MemorizationReport(Config):
    """Percentiles of the ratio over held-out concepts.

    Args:
        applicable: Whether there are enough pictures.
        members: Training pictures compared with.
        held_out: Pictures that were measured.
        percentiles: Percentile to ratio; a generated picture below the first percentile is suspicious.
    """

    applicable: bool
    members: int = 0
    held_out: int = 0
    percentiles: dict[str, float] = {}


def ratios(pictures: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the ratio of each picture.

    Args:
        pictures: ``[M, ...]`` values.
        members: ``[N, ...]`` training pictures, N at least 50.
    """
    x = pictures.reshape(len(pictures), -1).astype(np.float64)
    y = members.reshape(len(members), -1).astype(np.float64)
    squared = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T  # [M, N]
    nearest = np.sqrt(np.maximum(np.sort(squared, axis=1)[:, :NEIGHBORS], 0))
    return nearest[:, 0] / (ALPHA * nearest.mean(1))


def percentiles_of(ratios: np.ndarray) -> dict[str, float]:
    """Return the percentiles of ``[N]`` ratios that are reported."""
    return {str(p): round(float(np.percentile(ratios, p)), 3) for p in PERCENTILES}


def one_a_concept(samples: Sequence[Sample], splits: Sequence[str]) -> list[int]:
    """Return the positions of one untoned drawing a group and style in some splits: the one with the shortest id."""
    chosen: dict[tuple[str, str], int] = {}
    for i in sorted(range(len(samples)), key=lambda i: (len(samples[i].id), samples[i].id, samples[i].style)):
        sample = samples[i]
        if sample.split in splits and not concept_of(sample.id).tones:
            chosen.setdefault((sample.group, sample.style), i)
    return sorted(chosen.values())


def check_memorization(samples: Sequence[Sample], look: Look) -> MemorizationReport:
    """Measure the ratio of held-out drawings, each against training drawings of its own style.

    Args:
        samples: All samples.
        look: Their small pictures.
    """
    members, held_out = one_a_concept(samples, ("train",)), one_a_concept(samples, HELD_OUT)
    values = look.pixels.astype(np.float32) / 255
    found = []
    for style in sorted({samples[i].style for i in held_out}):
        inside = [i for i in members if samples[i].style == style]
        if len(inside) >= NEIGHBORS:
            found.append(ratios(values[[i for i in held_out if samples[i].style == style]], values[inside]))
    if not found:
        return MemorizationReport(applicable=False)
    every = np.concatenate(found)
    return MemorizationReport(
        applicable=True,
        members=len(members),
        held_out=len(every),
        percentiles=percentiles_of(every),
    )
