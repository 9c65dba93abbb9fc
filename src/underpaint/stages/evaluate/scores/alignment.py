"""Agreement with the words, by an extractor that maps pictures and captions into one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.core.samples import Sample
from underpaint.metrics.alignment import clip_score, r_precision
from underpaint.metrics.interval import mean_by_prompt, proportion
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.ledger import Score, attempt
from underpaint.stages.evaluate.seeing.view import RealView, View

Values = NDArray[np.float64]
GROUPS = {"": COMPOSITION, "part=main": MAIN}
"""Slice to part. Without a slice stand new combinations of known concepts, which an extractor trained on these concepts
can judge; of concepts that are new to it too, as in the main part, it knows little: see the ceiling."""


@dataclass(frozen=True, kw_only=True)
class Captions:
    """Different captions with their features and concepts.

    Args:
        texts: The captions.
        features: ``[K, E]``.
        groups: Their concepts.
    """

    texts: Sequence[str]
    features: NDArray[np.float32]
    groups: Sequence[str]

    @classmethod
    def of(cls, samples: Sequence[Sample], extractor: Extractor) -> Captions:
        """Read the captions of samples."""
        groups = {sample.caption: sample.group for sample in samples}
        texts = sorted(groups)
        return cls(texts=texts, features=extractor.text_features(texts), groups=[groups[text] for text in texts])

    def index(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the positions of captions, ``[N]``."""
        place = {text: number for number, text in enumerate(self.texts)}
        return np.array([place[text] for text in texts], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well each picture fits its caption.

    Args:
        scores: ``[N]``, 100 times the cosine.
        hits: ``[N]`` of 0 and 1: whether its own caption is the nearest among a hundred.
    """

    scores: Values
    hits: Values


def agreement(
    features: NDArray[np.float32], texts: Sequence[str], captions: Captions, extractor: Extractor, seed: int
) -> Agreement:
    """Compare pictures with captions; the distractors are the same for every model.

    Args:
        features: ``[N, D]`` of the pictures.
        texts: Their captions.
        captions: All captions.
        extractor: Who looks.
        seed: Seed of the distractors.
    """
    shared, index = extractor.shared_features(features), captions.index(texts)
    return Agreement(
        scores=clip_score(shared, captions.features[index]),
        hits=r_precision(shared, index, captions.features, captions.groups, rng_for("distractors", seed)),
    )


def alignment_scores(
    view: View, real: RealView, captions: Captions, extractor: Extractor, seed: int
) -> tuple[list[Score], Agreement]:
    """Return the scores of agreement, part by part, and the values of each picture.

    Args:
        view: Pictures whose words are known.
        real: The real pictures of the same prompts, in the same order.
        captions: All captions that distractors are drawn from.
        extractor: Who looks.
        seed: Of everything random.
    """
    texts = [sample.caption for sample in real.samples]
    drawn = agreement(view.features, texts, captions, extractor, seed)
    best = agreement(real.features, texts, captions, extractor, seed)
    scores = []
    for group, part in GROUPS.items():
        rows = [row for row, wish in enumerate(view.wishes) if wish.part == part]
        if rows:
            scores += _of_rows(rows, group, drawn, best, real.digest, view, seed)
    return scores, drawn


def _of_rows(
    rows: list[int], group: str, drawn: Agreement, best: Agreement, reference: str, view: View, seed: int
) -> list[Score]:
    prompts = [view.wishes[row].cluster for row in rows]
    images = [view.wishes[row].image_id for row in rows]
    return [
        attempt(
            "r_precision",
            lambda: proportion(drawn.hits[rows], prompts),
            images=images,
            extractor=view.extractor,
            group=group,
            reference=reference,
            ceiling=float(best.hits[rows].mean()),
        ),
        attempt(
            "clip_score",
            lambda: mean_by_prompt(drawn.scores[rows], prompts, rng_for(f"clip_score{group}", seed)),
            images=images,
            extractor=view.extractor,
            group=group,
            reference=reference,
            ceiling=float(best.scores[rows].mean()),
        ),
    ]
