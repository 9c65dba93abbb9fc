"""What is measured once about a model, beside the numbers that controls repeat: variety, looks, pairs and novelty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from underpaint.core.samples import Sample
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import Drawn
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, VARIED
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.judging import Judgement
from underpaint.stages.evaluate.scores.looks import look_scores
from underpaint.stages.evaluate.scores.novelty import Novelty, novelty_of
from underpaint.stages.evaluate.scores.pairs import pair_scores
from underpaint.stages.evaluate.scores.variety import variety_scores
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes


@dataclass(kw_only=True)
class Nearest:
    """The nearest training picture of drawn pictures.

    Args:
        samples: ``image_id`` to the training picture.
        ratios: ``image_id`` to its distance over that of its neighborhood.
    """

    samples: dict[str, Sample] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)


def parts_of(pictures: Sequence[Drawn], *names: str) -> list[Drawn]:
    """Return the pictures of some parts of the protocol."""
    return [picture for picture in pictures if picture.wish.part in names]


def add_variety(found: Judgement, pictures: Sequence[Drawn], data: DataSet, eyes: Eyes) -> None:
    """Add the variety across and within prompts, in the eyes of every extractor."""
    asked = parts_of(pictures, MAIN, VARIED)
    for extractor in eyes.extractors:
        found.scores += variety_scores(eyes.drawn(extractor, asked), eyes.real(extractor, data.reference))


def add_looks(found: Judgement, pictures: Sequence[Drawn], data: DataSet, eyes: Eyes, seed: int) -> None:
    """Add the distances of looks, and the likeness to the real picture of the same prompt."""
    main = parts_of(pictures, MAIN)
    found.scores += look_scores(main, data.reference, data.reference_digest, rng_for("looks", seed))
    with_maps = [extractor for extractor in eyes.extractors if extractor.layers is not None]
    found.scores += pair_scores(main, data, with_maps, rng_for("pairs", seed))


def add_novelty(found: Judgement, pictures: Sequence[Drawn], data: DataSet, eyes: Eyes) -> Nearest:
    """Add how near the pictures come to training pictures, in the eyes of the first extractor; return the nearest."""
    extractor: Extractor = eyes.extractors[0]
    training = data.training
    asked = parts_of(pictures, MAIN, COMPOSITION)
    view, own = eyes.drawn(extractor, asked), eyes.real(extractor, training)
    result: Novelty = novelty_of(view, eyes.real(extractor, data.reference), own)
    found.scores += result.scores
    images = [picture.wish.image_id for picture in asked][: len(result.nearest)]
    found_near = [training[int(row)].sample for row in result.nearest]
    return Nearest(
        samples=dict(zip(images, found_near, strict=True)),
        ratios=dict(zip(images, np.asarray(result.ratios).tolist(), strict=True)),
    )
