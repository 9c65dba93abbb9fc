from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.stages.data.checking.duplicates import check_equal, rank_of
from underpaint.stages.data.checking.pairs import Alike, find_alike
from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.checking.subject import Subject, names_of
from underpaint.stages.data.split import SPLITS


@pytest.fixture(scope="module")
def alike(sound: Checked) -> Alike:
    return find_alike(sound.subject)


def dealt(subject: Subject, *splits: str) -> Subject:
    """Put the first pictures into splits."""
    named = [s.model_copy(update={"split": split}) for s, split in zip(subject.samples, splits, strict=False)]
    return replace(subject, samples=[*named, *subject.samples[len(splits) :]])


def test_training_goes_first_and_a_split_of_another_name_last() -> None:
    assert sorted(["mine", *reversed(SPLITS)], key=rank_of) == [*SPLITS, "mine"]


@pytest.mark.parametrize(
    ("splits", "check", "stays"),
    [
        (("train", "train", "train"), "exact-duplicates", 0),
        (("validation", "train", "validation"), "exact-leaks", 0),
        (("train", "train", "test_concept"), "exact-leaks", 2),
        (("test_composition", "train", "train"), "exact-duplicates", 0),
    ],
)
def test_of_equal_pictures_the_one_that_measures_most_stays(
    sound: Checked, alike: Alike, splits: tuple[str, ...], check: str, stays: int
) -> None:
    subject = dealt(sound.subject, *splits)
    found = {one.finding.check: one for one in check_equal(subject, replace(alike, equal=((0, 1, 2),)))}
    assert [one.finding.count for name, one in found.items() if name != check] == [0]
    gone = [subject.samples[i].file for i in range(3) if i != stays]
    assert [suspect.file for suspect in found[check].suspects] == gone
    assert all(subject.samples[stays].file in suspect.reason for suspect in found[check].suspects)


def test_data_sets_of_one_name_are_told_apart(sound: Checked) -> None:
    folder = sound.subject.folder
    assert names_of([folder, folder / "other", folder.parent / "x" / folder.name]) == [
        folder.name,
        "other",
        f"{folder.name} (3)",
    ]
