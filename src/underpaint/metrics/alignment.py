"""How well pictures fit their captions, by an encoder that maps both into one space.

Source: CLIP score: arXiv 2104.08718, equation 1, in the scale of 100 that tools use; R-precision: arXiv 1711.10485,
section 4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.neighbors import Features, check_features, check_same_width

Floats = NDArray[np.float64]

CANDIDATES = 100
ROUNDING = 1e-9
"""Cosines that differ by less are tied."""


def _unit(features: Features, name: str) -> Floats:
    check_features(features, name)
    values = features.astype(np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not lengths.all():
        raise DegenerateSamples(
            f"the {name} features of row {int(np.argmin(lengths))} are all zero; repair the encoder"
        )
    return values / lengths


def clip_score(image_features: Features, text_features: Features) -> Floats:
    """Return ``100 max(cos, 0)`` of each picture and its caption: ``[n]``.

    Args:
        image_features: ``[n, d]``.
        text_features: ``[n, d]``, of the caption of each picture.

    Raises:
        MetricError: There is not one caption a picture, or the widths differ.
    """
    images, texts = _unit(image_features, "picture"), _unit(text_features, "caption")
    if images.shape != texts.shape:
        raise MetricError(f"pictures {images.shape} and captions {texts.shape} do not pair; give one caption a picture")
    return 100.0 * np.maximum(np.einsum("nd,nd->n", images, texts), 0.0)


def r_precision(
    image_features: Features,
    caption_index: NDArray[np.integer],
    caption_features: Features,
    caption_groups: Clusters,
    rng: np.random.Generator,
    *,
    candidates: int = CANDIDATES,
) -> Floats:
    """Return whether each picture is nearer to its own caption than to all distractors: ``[n]`` of 0 and 1.

    Distractors are captions of other concept groups, drawn anew for each picture. A tie is a miss, so that an encoder
    that says the same of everything gets 0. Chance is ``1 / candidates``.

    Args:
        image_features: ``[n, d]``.
        caption_index: ``[n]``, which caption is each picture's own.
        caption_features: ``[k, d]``, of different captions.
        caption_groups: ``[k]`` names of the captions' concept groups.
        rng: Draws the distractors.
        candidates: Number of captions, the true one included.

    Raises:
        TooFewSamples: The other groups of a caption hold too few captions.
        MetricError: Shapes do not match.
    """
    images, captions = _unit(image_features, "picture"), _unit(caption_features, "caption")
    check_same_width(images, captions)
    groups = number_clusters(caption_groups, len(captions))
    _check_index(caption_index, len(images), len(captions))
    others = {int(g): np.flatnonzero(groups != g) for g in np.unique(groups[caption_index])}
    fewest = min(len(rows) for rows in others.values())
    if candidates < 2 or fewest < candidates - 1:
        raise TooFewSamples(f"{candidates} candidates need {candidates - 1} captions of other groups, got {fewest}")
    hits = np.zeros(len(images))
    for i, own in enumerate(caption_index):
        distractors = rng.choice(others[int(groups[own])], size=candidates - 1, replace=False)
        hits[i] = captions[own] @ images[i] > (captions[distractors] @ images[i]).max() + ROUNDING
    return hits


def _check_index(caption_index: NDArray[np.integer], n: int, count: int) -> None:
    if caption_index.shape != (n,):
        raise MetricError(f"{n} pictures came with caption numbers of shape {caption_index.shape}; give one a picture")
    if not (caption_index.min() >= 0 and caption_index.max() < count):
        raise MetricError(f"caption numbers span {caption_index.min()} to {caption_index.max()} of {count} captions")
