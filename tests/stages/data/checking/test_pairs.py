from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.stages.data.checking.pairs import equal_elsewhere, equal_sets
from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.checking.subject import Subject


@pytest.fixture
def subject(sound: Checked) -> Subject:
    """A data set with one picture twice."""
    first, second, *rest = sound.subject.samples
    copy = second.model_copy(update={"sha256_pixels": first.sha256_pixels})
    return replace(sound.subject, samples=[first, copy, *rest])


def unreadable(subject: Subject, position: int) -> Subject:
    return replace(subject, prints=replace(subject.prints, problems={position: "cannot be read"}))


def test_equal_pictures_are_one_set_and_pair_with_the_first_one_elsewhere(subject: Subject) -> None:
    assert equal_sets(subject) == ((0, 1),)
    pairs = equal_elsewhere(subject, [subject])
    assert [(pair.one, pair.subject, pair.other) for pair in pairs[:3]] == [(0, 1, 0), (1, 1, 0), (2, 1, 2)]
    assert len(pairs) == len(subject.samples)


@pytest.mark.parametrize("position", [0, 1])
def test_what_is_recorded_of_an_unreadable_picture_is_not_believed(subject: Subject, position: int) -> None:
    broken, other = unreadable(subject, position), 1 - position
    assert equal_sets(broken) == ()
    assert position not in {pair.one for pair in equal_elsewhere(broken, [subject])}
    assert [pair.other for pair in equal_elsewhere(subject, [broken])[:2]] == [other, other]
