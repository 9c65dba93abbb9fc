"""Judging one set of pictures: every number that features, classifiers and words give, in one go.

The same function judges the model, the model with other seeds, and copies that are known to be bad; so a control moves
exactly the numbers that a report shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from underpaint.core.errors import ComparisonError, MetricError
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.paired import difference
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import Drawn, real_pictures
from underpaint.stages.evaluate.drawing.wishes import MAIN, NULL, SEEN
from underpaint.stages.evaluate.record import ControlRecord
from underpaint.stages.evaluate.scores.alignment import Captions, alignment_scores
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.composition import Judged, answers, composition_scores, style_scores
from underpaint.stages.evaluate.scores.ledger import Score, refused
from underpaint.stages.evaluate.scores.likeness import likeness_scores
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes
from underpaint.stages.evaluate.seeing.view import RealView, View, numbered

HEADS = ("concept", "style", "tone", "gender", "color", "direction")
"""What ``core.attributes`` can tell of a caption."""
PictureScores = dict[str, dict[str, float]]


@dataclass(kw_only=True)
class Judgement:
    """What was found about a set of pictures.

    Args:
        scores: The numbers.
        by_picture: ``image_id`` to score to value.
        reasons: ``image_id`` to what is wrong with it.
    """

    scores: list[Score] = field(default_factory=list)
    by_picture: PictureScores = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def note(self, view: View, name: str, values: Sequence[float]) -> None:
        """Remember one score of each picture of a view."""
        for wish, value in zip(view.wishes, values, strict=True):
            self.by_picture.setdefault(wish.image_id, {})[f"{name}@{view.extractor}"] = float(value)


def advisory_heads(extractor: Extractor) -> list[str]:
    """Return the heads that its card calls advisory: right too seldom on real held-out pictures to decide alone."""
    named = extractor.card.validation.get("advisory")
    return [str(head) for head in named] if isinstance(named, list) else []


def held_out_captions(data: DataSet, extractor: Extractor) -> Captions:
    """Return the captions of all pictures that training did not show."""
    return Captions.of([sample for sample in data.samples if sample.split != "train"], extractor)


def judge_words(found: Judgement, extractor: Extractor, view: View, data: DataSet, eyes: Eyes, seed: int) -> None:
    """Add what classifiers and captions say about pictures whose words are known."""
    samples = [wish.sample for wish in view.wishes]
    asked = view.rows([row for row, sample in enumerate(samples) if sample is not None])
    real = eyes.real(extractor, real_pictures(data.folder, [sample for sample in samples if sample is not None]))
    if not asked.wishes:
        return
    if extractor.text is not None:
        told = asked.where(lambda wish: wish.part != SEEN)
        twins = real.rows([row for row, wish in enumerate(asked.wishes) if wish.part != SEEN])
        judge_captions(found, extractor, told, twins, data, seed)
    if set(extractor.card.classes) & set(HEADS):
        judge_parts(found, extractor, asked, real, seed)


def judge_captions(
    found: Judgement, extractor: Extractor, told: View, twins: RealView, data: DataSet, seed: int
) -> None:
    """Add how well pictures fit their captions."""
    try:
        scores, each = alignment_scores(told, twins, held_out_captions(data, extractor), extractor, seed)
    except MetricError as error:
        found.scores += refused(("r_precision", "clip_score"), error, images=told.images, extractor=told.extractor)
        return
    found.scores += scores
    found.note(told, "caption_cosine", (each.scores / 100.0).tolist())


def judge_parts(found: Judgement, extractor: Extractor, asked: View, real: RealView, seed: int) -> None:
    """Add what the classifiers say about each part of the words."""
    classes = extractor.card.classes
    judged = Judged(
        view=asked,
        drawn=answers([wish.sample for wish in asked.wishes], asked.probabilities, classes),
        real=answers(real.samples, real.probabilities, classes),
        heads=[head for head in HEADS if head in classes],
        advisory=advisory_heads(extractor),
        reference=real.digest,
    )
    found.scores += composition_scores(judged, rng_for("composition", seed)) + style_scores(judged)
    for wish, answer in zip(asked.wishes, judged.drawn, strict=True):
        if answer.expected:
            found.reasons[wish.image_id] = answer.reason(judged.heads)
    found.note(asked, "attribute_accuracy", [answer.share(judged.heads) for answer in judged.drawn])


def judge(pictures: Sequence[Drawn], data: DataSet, eyes: Eyes, seed: int) -> Judgement:
    """Judge a set of pictures.

    Args:
        pictures: The pictures; parts beside ``main``, ``composition`` and ``seen`` are left out.
        data: The data set.
        eyes: The extractors.
        seed: Of everything random.
    """
    found = Judgement()
    for extractor in eyes.extractors:
        view = eyes.drawn(extractor, pictures)
        reference = eyes.real(extractor, data.reference)
        found.scores += likeness_scores(view.part(MAIN), reference)
        judge_words(found, extractor, view, data, eyes, seed)
    return found


def relabeled(pictures: Sequence[Drawn], null_set: str) -> list[Drawn]:
    """Return the pictures of a null control under the names of the parts that they repeat."""
    prefix = f"{null_set}:"
    return [
        replace(picture, wish=replace(picture.wish, part=picture.wish.part.removeprefix(prefix)))
        for picture in pictures
        if picture.wish.part.startswith(prefix)
    ]


def null_sets(pictures: Sequence[Drawn]) -> list[str]:
    """Return the names of the null controls among pictures."""
    parts = {picture.wish.part.partition(":")[0] for picture in pictures}
    return sorted(part for part in parts if part.startswith(f"{NULL}-"))


def control_records(
    control: str, kind: str, base: Judgement, other: Judgement, pictures: Sequence[Drawn], data: DataSet
) -> list[ControlRecord]:
    """Return how far every number moved from the model to a control, paired on the prompt.

    Args:
        control: Name of the control.
        kind: ``null`` or ``known_bad``.
        base: What was found about the model.
        other: What was found about the control.
        pictures: The model's pictures.
        data: The data set.
    """
    clusters = {picture.wish.image_id: picture.wish.cluster for picture in pictures}
    moved = {score.key: score for score in other.scores}
    reference = numbered([picture.sample.cluster for picture in data.reference])
    records = []
    for score in base.scores:
        partner = moved.get(score.key)
        if partner is None or score.estimate is None or partner.estimate is None:
            continue
        delta = _difference(score, score.estimate, partner.estimate, clusters, reference)
        if delta is not None and delta.se is not None:
            fields = {"control": control, "kind": kind, "id": score.id, "group": score.group, "n": delta.n}
            records.append(ControlRecord(**fields, delta=delta.value, se=delta.se))
    return records


def _difference(
    score: Score, a: Estimate, b: Estimate, clusters: dict[str, str], reference_clusters: np.ndarray
) -> Estimate | None:
    try:
        return difference(
            a,
            b,
            clusters=numbered([clusters[image] for image in score.images]),
            reference_clusters=reference_clusters[: a.m or 0] if a.reference_influence is not None else None,
        )
    except ComparisonError:
        return None
