from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.samples import Sample
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, SEEN, Wish
from underpaint.stages.evaluate.scores.composition import (
    Judged,
    answers,
    composition_scores,
    gap_estimate,
    in_words,
    style_scores,
)
from underpaint.stages.evaluate.seeing.view import View

TONES = ("1f3fb", "1f3fd", "1f3ff")
CLASSES = {
    "concept": ["1f9d1-200d-1f692", "1f34e"],
    "style": ["flat", "line-art"],
    "tone": ["none", "light", "medium", "dark"],
}
HEADS = ("concept", "style", "tone")


def firefighter(number: int, split: str) -> Sample:
    return Sample(
        id=f"1f9d1-{TONES[number % 3]}-200d-1f692",
        cluster="1f9d1-200d-1f692",
        group="1f9d1-200d-1f692",
        name="firefighter",
        caption=f"firefighter number {number}",
        style="flat",
        family="tests",
        source="tests",
        icon="firefighter",
        license="CC0-1.0",
        sha256_pixels=f"{number:064x}",
        phash="0" * 16,
        split=split,
        level="cell",
        weight=1.0,
        file=f"{number}.png",
    )


def wish(number: int, part: str) -> Wish:
    sample = firefighter(number, "train" if part == SEEN else "test_composition")
    sample = sample.model_copy(update={"id": sample.id + (f"-{number:x}" if part != MAIN else "")})
    return Wish(
        image_id=f"{part}-{number}",
        part=part,
        prompt_id=f"{number}",
        prompt=sample.caption,
        style=sample.style,
        seed=number,
        cluster=sample.cluster,
        level="cell" if part == COMPOSITION else "",
        sample=sample.model_copy(update={"id": f"1f9d1-{TONES[number % 3]}-200d-1f692"}),
    )


def sure(labels: list[int], count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[labels]


def judged(tones: list[int], part: str = COMPOSITION) -> Judged:
    """All pictures show the right concept and style; ``tones`` says which tone each of them shows."""
    wishes = [wish(number, part) for number in range(len(tones))]
    probabilities = {
        "concept": sure([0] * len(tones), 2),
        "style": sure([0] * len(tones), 2),
        "tone": sure(tones, 4),
    }
    view = View(extractor="tests:0", wishes=wishes, features=np.zeros((len(tones), 2), np.float32))
    right = {**probabilities, "tone": sure([1 + number % 3 for number in range(len(tones))], 4)}
    samples = [w.sample for w in wishes]
    return Judged(
        view=view,
        drawn=answers(samples, probabilities, CLASSES),
        real=answers(samples, right, CLASSES),
        heads=HEADS,
    )


def test_an_answer_names_what_is_wrong():
    (answer,) = judged([3]).drawn
    assert not answer.right(HEADS) and answer.right(("concept", "style"))
    assert answer.share(HEADS) == pytest.approx(2 / 3)
    assert answer.reason(HEADS) == "tone: expected light, found dark"


def test_a_concept_is_named_in_words():
    assert in_words("concept", "1f9d1-200d-1f692") == "firefighter" and in_words("tone", "dark") == "dark"
    assert in_words("concept", "not an id") == "not an id"


def test_a_class_that_a_head_does_not_know_is_not_asked_for():
    read = answers([firefighter(0, "train")], {"concept": sure([1], 1 + 1)}, {"concept": ["1f34e", "1f34f"]})
    assert read[0].expected == {} and read[0].right(("concept",))


def test_a_picture_whose_words_are_unknown_is_not_judged():
    assert answers([None], {"tone": sure([0], 4)}, CLASSES)[0].expected == {}


def test_the_share_of_right_pictures_with_its_ceiling_and_levels():
    rng = np.random.default_rng(0)
    right = [1 + n % 3 for n in range(60)]
    wrong = [3 if tone == 1 else tone for tone in right]  # every light one comes out dark
    scores = {(s.metric, s.group): s for s in composition_scores(unlike_prompts(judged(wrong)), rng)}
    overall = scores["composition_accuracy", ""]
    assert overall.estimate is not None and overall.estimate.value == pytest.approx(2 / 3)
    assert overall.ceiling == 1.0 and len(overall.images) == 60
    assert scores["composition_accuracy", "level=cell"].estimate is not None
    tone, concept = scores["tone_accuracy", ""].estimate, scores["concept_accuracy", ""].estimate
    assert tone is not None and tone.value == pytest.approx(2 / 3)
    assert concept is not None and concept.value == 1.0
    share = scores["attribute_accuracy", ""].estimate
    assert share is not None and share.value == pytest.approx(1 - (1 / 3) / 3)


def unlike_prompts(found: Judged) -> Judged:
    """Give every picture words of its own, so that none depends on another."""
    from dataclasses import replace

    wishes = []
    for number, one in enumerate(found.view.wishes):
        assert one.sample is not None
        parts = one.sample.id.split("-")
        own = one.sample.model_copy(update={"id": "-".join([parts[0], parts[1], "200d", "1f692", f"{number:x}"])})
        wishes.append(replace(one, sample=own, cluster=f"concept {number}"))
    return replace(found, view=replace(found.view, wishes=wishes))


def test_few_prompts_are_refused_not_printed():
    scores = composition_scores(judged([1, 2, 3] * 20), np.random.default_rng(0))  # three different captions only
    assert {type(s.error).__name__ for s in scores if s.metric == "composition_accuracy"} == {"TooFewSamples"}


def test_style_accuracy_is_given_style_by_style():
    scores = style_scores(unlike_prompts(judged([1 + n % 3 for n in range(60)], MAIN)))
    assert {(s.metric, s.group) for s in scores} == {("style_accuracy", ""), ("style_accuracy", "style=flat")}


def test_the_gap_is_seen_minus_held_out():
    right = [1 + n % 3 for n in range(60)]
    seen, held = judged(right, SEEN), judged([3 if tone == 1 else tone for tone in right])
    view = View(
        extractor="tests:0",
        wishes=[*seen.view.wishes, *held.view.wishes],
        features=np.zeros((120, 2), np.float32),
    )
    both = Judged(view=view, drawn=[*seen.drawn, *held.drawn], real=[*seen.real, *held.real], heads=HEADS)
    from underpaint.core.errors import TooFewSamples

    with pytest.raises(TooFewSamples):  # all of one concept
        gap_estimate(both, np.random.default_rng(0))
