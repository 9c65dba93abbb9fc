from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from underpaint.stages.data.checking.record import CheckConfig
from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.checking.suspicion import check_dirty, judged, strangers


def captioned(subject: Subject, captions: list[str]) -> Subject:
    """Give the first pictures other captions."""
    named = [s.model_copy(update={"caption": c}) for s, c in zip(subject.samples, captions, strict=False)]
    return replace(subject, samples=[*named, *subject.samples[len(captions) :]])


@pytest.mark.parametrize(
    ("captions", "found"),
    [
        (["a red apple", "the red cup", "green apple"], []),
        (["a red apple", "a red cup", "the moon"], [2]),
        (["apple", "moon"], [0, 1]),
        (["a cat: light skin tone", "a dog: dark skin tone"], [0, 1]),
        (["apple", "the"], [0]),
    ],
)
def test_a_stranger_shares_no_word_that_says_what_is_seen(
    sound: Checked, captions: list[str], found: list[int]
) -> None:
    assert strangers(captioned(sound.subject, captions), np.arange(len(captions))) == found


def test_a_drawing_is_shown_beside_the_same_caption_by_another_hand(sound: Checked) -> None:
    drawn = judged(sound.subject)
    assert drawn is not None
    for number in range(len(drawn.positions)):
        other = drawn.beside(number)
        assert drawn.captions[other] == drawn.captions[number] and drawn.hands[other] != drawn.hands[number]


def test_one_hand_alone_is_not_called_clean(sound: Checked) -> None:
    alone = [s.model_copy(update={"family": "mine"}) for s in sound.subject.samples]
    subject = replace(sound.subject, samples=alone)
    assert judged(subject) is None
    found = check_dirty(subject, CheckConfig())
    assert (found.finding.status, found.finding.looked_at, found.suspects) == ("not_applicable", 0, ())
