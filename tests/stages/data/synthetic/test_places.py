from __future__ import annotations

import pytest

from underpaint.core.samples import STATED, Sample
from underpaint.stages.data.synthetic.places import held_out_captions, places_of


@pytest.fixture
def sample() -> Sample:
    texts = dict.fromkeys(STATED, "x")
    return Sample.model_validate(texts | {"weight": 1.0})


def test_the_strictest_split_of_a_caption_wins(sample: Sample) -> None:
    held = {"a": ("train", "test_style"), "b": ("train", "test_composition"), "c": ("validation", "test_concept")}
    samples = [sample.model_copy(update={"caption": c, "split": s}) for c, splits in held.items() for s in splits]
    assert held_out_captions(samples) == {"a": "train", "b": "test_composition", "c": "test_concept"}


def test_clusters_stay_whole_and_about_as_many_are_held_out_as_of_real_data() -> None:
    clusters = [f"{number % 200:x}" for number in range(600)]
    places = places_of(clusters, clusters, {})
    assert len(set(zip(clusters, places, strict=True))) == 200
    assert [sum(place == split for place in places) for split in ("validation", "test_concept")] == [30, 60]


def test_two_concepts_are_enough_for_validation_and_one_is_all_training() -> None:
    assert sorted(places_of(["a", "b"], ["a", "b"], {})) == ["train", "validation"]
    assert places_of(["a", "a"], ["a", "a"], {}) == ["train", "train"]


def test_what_real_data_hold_out_never_lies_in_training() -> None:
    captions = [f"{number:x}" for number in range(100)]
    known = {
        caption: ("test_concept", "validation", "test_composition", "train")[i % 4]
        for i, caption in enumerate(captions)
    }
    places = dict(zip(captions, places_of(captions, captions, known), strict=True))
    assert all(places[c] == split for c, split in known.items() if split in ("test_concept", "validation"))
    assert all(places[c] != "train" for c, split in known.items() if split == "test_composition")
    assert "train" in places.values()


def test_a_cluster_with_a_held_out_caption_is_held_out_as_a_whole() -> None:
    places = places_of(["a", "b", "c"], ["1", "1", "2"], {"a": "train", "b": "test_concept", "c": "train"})
    assert places[:2] == ["test_concept"] * 2
