"""How good the pictures of a point are: two unrelated kernel distances, caption retrieval, precision and recall.

What is judged, and the margins within which quality counts as equal, was written down before the models were compared.
Never-seen concepts and held-out compositions are measured apart; a measure that both have is then averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from frontier_drawing import Asked

from underpaint.core.samples import Sample
from underpaint.metrics.equal_quality import Loss, distance_loss, mean_loss, share_loss
from underpaint.metrics.estimate import Estimate, symmetric_interval
from underpaint.metrics.interval import proportion
from underpaint.metrics.kernel import kid
from underpaint.metrics.manifold import prdc
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import real_pictures, sha256_of
from underpaint.stages.evaluate.scores.alignment import Captions, agreement
from underpaint.stages.evaluate.seeing.extraction import extract_all
from underpaint.stages.evaluate.seeing.extractors import load_extractor

CONCEPT, COMPOSITION = "test_concept", "test_composition"
EVALUATOR, RANDCONV = "evaluator-64", "randconv-v1"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One judged measure.

    Args:
        name: Of the column.
        better: Which way is better.
        margin: The largest loss that counts as equal quality.
        splits: Where it is judged.
    """

    name: str
    better: Literal["lower", "higher"]
    margin: float
    splits: tuple[str, ...] = (CONCEPT, COMPOSITION)


MEASURES = (
    Measure(name="KD evaluator-64", better="lower", margin=0.02),
    Measure(name="KD randconv-v1", better="lower", margin=0.05),
    Measure(name="own caption first", better="higher", margin=0.12, splits=(COMPOSITION,)),
)
"""Retrieval is judged on compositions alone: of concepts that it never saw the matcher knows little.

The margins were fixed on the first shipped model after a look at a half-trained rival, before any finished one was
measured, for 128 pictures a split: there a blur of half a pixel costs 0.043 and 0.037 of the distances, and the error
of a paired difference was 0.005, 0.020 and 0.049.
"""

Quality = dict[str, dict[str, Estimate]]
"""Measure to split to estimate."""


@dataclass(kw_only=True)
class Judges:
    """The extractors with what they saw, and the real pictures' features.

    Args:
        data: The data set's folder.
        cache: Folder of cached features.
        held_out: Samples whose captions are distractors.
    """

    data: Path
    cache: Path
    held_out: Sequence[Sample]
    extractors: dict[str, Extractor] = field(default_factory=dict)
    _real: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.extractors = {name: load_extractor(name) for name in (EVALUATOR, RANDCONV)}
        self.captions = Captions.of(self.held_out, self.extractors[EVALUATOR])

    def seen(self, extractor: str, pictures: np.ndarray) -> np.ndarray:
        """Return the features ``[N, D]`` of pictures ``[N, H, H, 4]``."""
        loaded = [(sha256_of(picture), lambda picture=picture: picture) for picture in pictures]
        return extract_all(loaded, self.extractors[extractor], self.cache).features

    def real(self, extractor: str, asked: Asked) -> np.ndarray:
        """Return the features ``[M, D]`` of all real pictures of a split."""
        key = (extractor, asked.split)
        if key not in self._real:
            loaded = [(picture.sha256, picture.load) for picture in real_pictures(self.data, asked.reference)]
            self._real[key] = extract_all(loaded, self.extractors[extractor], self.cache).features
        return self._real[key]

    def distance(self, extractor: str, pictures: np.ndarray, asked: Asked) -> Estimate:
        """Return the kernel distance to the real pictures of the split, by an extractor."""
        return kid(
            self.seen(extractor, pictures),
            self.real(extractor, asked),
            clusters=asked.clusters,
            reference_clusters=asked.reference_clusters,
            enforce=False,
        )

    def retrieval(self, pictures: np.ndarray, asked: Asked) -> Estimate:
        """Return the share of pictures whose own caption is the nearest among a hundred."""
        features, texts = self.seen(EVALUATOR, pictures), [sample.caption for sample in asked.samples]
        found = agreement(features, texts, self.captions, self.extractors[EVALUATOR], seed=0)
        return proportion(found.hits, asked.clusters)

    def manifolds(self, pictures: np.ndarray, asked: Asked) -> dict[str, Estimate]:
        """Return precision and recall against the real pictures of the same prompts."""
        own, real = self.seen(EVALUATOR, pictures), self.real(EVALUATOR, asked)[: len(pictures)]
        names, others = asked.clusters, asked.clusters
        found = prdc(own, real, clusters=names, reference_clusters=others, enforce=False)
        return {"precision": found.precision, "recall": found.recall}

    def measure(self, pictures: np.ndarray, asked: Asked) -> dict[str, Estimate]:
        """Measure the pictures of one split."""
        return {
            "KD evaluator-64": self.distance(EVALUATOR, pictures, asked),
            "KD randconv-v1": self.distance(RANDCONV, pictures, asked),
            "own caption first": self.retrieval(pictures, asked),
            **self.manifolds(pictures, asked),
        }


def by_measure(parts: Mapping[str, Mapping[str, Estimate]]) -> Quality:
    """Turn split to measure to estimate inside out."""
    names = next(iter(parts.values()))
    return {name: {split: found[name] for split, found in parts.items()} for name in names}


def losses(baseline: Quality, candidate: Quality, asked: Mapping[str, Asked], splits: Sequence[str]) -> list[Loss]:
    """Return the losses of a candidate, one a judged measure, averaged over the splits that have it.

    Args:
        baseline: Of the model under test.
        candidate: Of the same prompts and seeds.
        asked: Split to what was asked for.
        splits: Which of them count.
    """
    found = []
    for measure in MEASURES:
        parts = [
            _loss(measure, baseline[measure.name][split], candidate[measure.name][split], asked[split])
            for split in measure.splits
            if split in splits
        ]
        if parts:
            found.append(mean_loss(parts))
    return found


def _loss(measure: Measure, baseline: Estimate, candidate: Estimate, asked: Asked) -> Loss:
    if measure.better == "higher":
        return share_loss(baseline, candidate, measure.margin, clusters=asked.clusters)
    return distance_loss(
        baseline,
        candidate,
        measure.margin,
        clusters=asked.clusters,
        reference_clusters=asked.reference_clusters,
    )


def center_of(estimate: Estimate) -> float:
    """Return the value that the interval is drawn around: without pairs of one concept, where there are any."""
    return estimate.value if estimate.value_debiased is None else estimate.value_debiased


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of estimates on independent sets of pictures, with its interval and without influences."""
    if len(estimates) == 1:
        return estimates[0]
    n = len(estimates)
    value = sum(center_of(one) for one in estimates) / n
    se = float(np.sqrt(sum((one.se or 0.0) ** 2 for one in estimates))) / n
    interval = symmetric_interval(value, se, method="mean of independent sets")
    return Estimate(value=value, n=sum(one.n for one in estimates), se=se, interval=interval)


def overall(quality: Quality, splits: Sequence[str] = (CONCEPT, COMPOSITION)) -> dict[str, Estimate]:
    """Return every measure averaged over the splits where it is judged; the others over all."""
    judged = {measure.name: measure.splits for measure in MEASURES}
    return {
        name: mean_of([found[split] for split in judged.get(name, splits) if split in found and split in splits])
        for name, found in quality.items()
        if any(split in splits for split in judged.get(name, splits))
    }


def distance_rank(quality: Mapping[str, Estimate]) -> float:
    """Return the sum of the kernel distances in units of their margins, by which settings of one model are chosen.

    Lower is better. Unbiased distances may lie below 0, so no ratio of them is taken.
    """
    return sum(quality[one.name].value / one.margin for one in MEASURES if one.better == "lower")
