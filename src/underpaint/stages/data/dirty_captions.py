"""Dirty captions by cross-style consistency: a drawing should look like what other hands drew for the same caption.

Each drawing has features without learned weights (histograms of oriented gradients, mean colors); its distance to the
nearest drawing of the same caption by another family is ranked among all captions. A swapped caption ranks badly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from underpaint.core.concept import concept_of, is_code_points
from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.look import Look

CELLS, BINS = 8, 8
COLORLESS_STYLES = ("line-art",)
REVIEW_SHARE = 0.05
MAX_LISTED = 40
MOST_AT_ONCE = 1 << 24
"""Similarities that are held in memory at once."""


class DirtyReport(Config):
    """The ranked list to review.

    Args:
        applicable: Whether two families share captions; a single style cannot be checked, which is not "clean".
        compared: Number of drawings that were ranked.
        review: Files with the worst ranks (1 = every other caption fits better), worst first.
        median_rank: Half of all drawings rank better than this share of captions.
    """

    applicable: bool
    compared: int = 0
    median_rank: float = 0.0
    review: tuple[tuple[str, str, float], ...] = ()


def features(pixels: np.ndarray) -> np.ndarray:
    """Describe small pictures by shape and color.

    Args:
        pixels: ``[N, 32, 32, 3]`` uint8.

    Returns:
        ``[N, 8*8*8 + 8*8*3]``, both parts of unit length.
    """
    values = pixels.astype(np.float32) / 255
    gray = values @ np.array([0.299, 0.587, 0.114], np.float32)  # [N, 32, 32]
    dy, dx = np.gradient(gray, axis=(1, 2))
    strength = np.hypot(dx, dy)
    direction = np.minimum((np.mod(np.arctan2(dy, dx), np.pi) / np.pi * BINS).astype(int), BINS - 1)
    one_hot = strength[..., None] * (direction[..., None] == np.arange(BINS))  # [N, 32, 32, 8]
    return np.concatenate([unit(pooled(one_hot)), unit(pooled(values) / (32 // CELLS) ** 2 - 0.5)], axis=1)


def pooled(values: np.ndarray) -> np.ndarray:
    """Sum ``[N, 32, 32, C]`` over 8x8 cells and flatten."""
    count, side, _, channels = values.shape
    cell = side // CELLS
    return values.reshape(count, CELLS, cell, CELLS, cell, channels).sum((2, 4)).reshape(count, -1)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to unit length."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)


def plain(samples: Sequence[Sample]) -> list[int]:
    """Return the positions of untoned drawings in styles that show color."""
    return [i for i, s in enumerate(samples) if not concept_of(s.id).tones and s.style not in COLORLESS_STYLES]


def meaning_of(sample: Sample) -> str:
    """Return what samples of one meaning share: the id if it is made of code points, else the caption."""
    return sample.id if is_code_points(sample.id) else sample.caption


def hand_of(sample: Sample) -> str:
    """Return whose hand drew a sample: its family, or its style if no family is named."""
    return sample.family or sample.style


def ranks(ids: Sequence[str], families: Sequence[str], described: np.ndarray) -> dict[int, float]:
    """Rank every drawing's own caption among all captions, by distance to drawings of other families.

    Args:
        ids: Id (which stands for the caption) of each drawing.
        families: Family of each drawing.
        described: Their features.

    Returns:
        Position to the share of captions that fit better, 0 to 1; drawings whose caption only one family drew are
        left out.
    """
    found = {}
    owner, hand = np.array(ids), np.array(families)
    for family in sorted(set(families)):
        own = np.nonzero(np.isin(owner, owner[hand != family]) & (hand == family))[0]
        others = np.nonzero(hand != family)[0]
        others = others[np.argsort(owner[others], kind="stable")]
        concepts, starts = np.unique(owner[others], return_index=True)
        rows = max(1, MOST_AT_ONCE // max(1, len(others)))
        for start in range(0, len(own), rows):
            some = own[start : start + rows]
            similarity = described[some] @ described[others].T  # [rows, others]; all features have the same length
            nearest = np.maximum.reduceat(similarity, starts, axis=1)  # [rows, concepts]
            mine = nearest[np.arange(len(some)), np.searchsorted(concepts, owner[some])]
            found |= dict(zip(some.tolist(), (nearest > mine[:, None]).mean(1).tolist(), strict=True))
    return found


def check_dirty(samples: Sequence[Sample], look: Look) -> DirtyReport:
    """Rank the drawings by how badly their caption fits.

    Args:
        samples: All samples.
        look: Their small pictures.
    """
    index = plain(samples)
    families = [hand_of(samples[i]) for i in index]
    if len(set(families)) < 2:
        return DirtyReport(applicable=False)
    found = ranks([meaning_of(samples[i]) for i in index], families, features(look.pixels[index]))
    if not found:
        return DirtyReport(applicable=False)
    worst = sorted(found, key=lambda i: (-found[i], i))[: max(1, round(REVIEW_SHARE * len(found)))]
    return DirtyReport(
        applicable=True,
        compared=len(found),
        median_rank=round(float(np.median(list(found.values()))), 4),
        review=tuple(
            (samples[index[i]].file, samples[index[i]].caption, round(found[i], 3)) for i in worst[:MAX_LISTED]
        ),
    )
