from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.stages.data.checking.papers import check_splits
from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.folder.config import FolderConfig


@pytest.fixture
def mine(sound: Checked) -> Subject:
    """The small data set as if it were made of a person's own pictures, each a cluster of its own."""
    config = FolderConfig(name="mine", size=32).model_dump(mode="json")
    samples = [sample.model_copy(update={"cluster": sample.file}) for sample in sound.subject.samples]
    return replace(
        sound.subject, manifest=sound.subject.manifest.model_copy(update={"config": config}), samples=samples
    )


def in_one_cluster(subject: Subject, splits: tuple[str, ...]) -> Subject:
    """Put the first pictures into one cluster, and each of them into a split."""
    united = [
        sample.model_copy(update={"cluster": "together", "split": split})
        for sample, split in zip(subject.samples, splits, strict=False)
    ]
    return replace(subject, samples=[*united, *subject.samples[len(splits) :]])


def test_clusters_of_their_own_do_not_leak(mine: Subject) -> None:
    assert check_splits(mine).finding.status == "clean"


@pytest.mark.parametrize(
    ("splits", "leaks"),
    [
        (("train", "train", "train"), 0),
        (("train", "validation"), 1),
        (("test_composition", "train"), 0),
        (("test_composition", "train", "validation"), 1),
        (("train", "validation", "test_concept"), 3),
    ],
)
def test_every_two_splits_of_a_cluster_are_compared(mine: Subject, splits: tuple[str, ...], leaks: int) -> None:
    found = check_splits(in_one_cluster(mine, splits))
    assert (found.finding.count, len(found.finding.examples)) == (leaks, leaks)
    first = mine.samples[splits.index("train")].file
    assert {suspect.file for suspect in found.suspects} == ({first} if leaks else set())
