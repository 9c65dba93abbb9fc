from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.leakage import crosses
from underpaint.stages.data.look import Look, look_at
from underpaint.stages.data.split import SPLITS, Place
from underpaint.stages.data.twins import without_twins

PLACES = ("train", "test_concept")


def drawing(number: int, style: str) -> Drawing:
    id_ = f"{0x1FA00 + number:x}"
    return Drawing(id=id_, name=f"thing {number}", style=style, family="f", source="s", icon="i", license="MIT")


@functools.cache
def same_look(count: int) -> Look:
    picture = np.random.default_rng(5).integers(0, 256, (32, 32, 4), np.uint8)
    return look_at([picture] * count)


def split_of(styles: tuple[str, ...], places: tuple[str, ...]) -> tuple[list[int], list[str]]:
    drawings = [drawing(i, style) for i, style in enumerate(styles)]
    where = [Place(place) for place in places]
    kept, dropped = without_twins(drawings, where, same_look(len(drawings)), range(len(drawings)))
    assert {d.rule for d in dropped} <= {"twin"}
    return kept, [d.detail for d in dropped]


def test_of_two_added_twins_the_one_in_training_goes() -> None:
    assert split_of(("bold", "bold"), PLACES) == ([1], ["nearly 'thing 1' of test_concept"])
    assert split_of(("bold", "bold"), PLACES[::-1]) == ([0], ["nearly 'thing 0' of test_concept"])


@pytest.mark.parametrize("places", [PLACES, PLACES[::-1]])
def test_an_added_drawing_gives_way_to_a_default_one(places: tuple[str, str]) -> None:
    assert split_of(("flat", "bold"), places)[0] == [0]
    assert split_of(("bold", "flat"), places)[0] == [1]


def test_default_styles_are_left_to_the_check_of_leaks() -> None:
    assert split_of(("flat", "flat"), PLACES) == ([0, 1], [])


def test_twins_of_one_split_stay() -> None:
    assert split_of(("bold", "bold", "flat"), ("train", "train", "train"))[0] == [0, 1, 2]


def test_no_leak_of_an_added_style_is_left() -> None:
    styles = ("bold", "bold", "bold", "bold", "flat")
    for places in itertools.product(SPLITS, repeat=4):
        kept, _ = split_of(styles, (*places, "train"))
        where = (*places, "train")
        assert not any(crosses(where[i], where[j]) for i, j in itertools.combinations(kept, 2))


def test_different_pictures_stay() -> None:
    random = np.random.default_rng(5)
    look = look_at([random.integers(0, 256, (32, 32, 4), np.uint8) for _ in range(2)])
    drawings = [drawing(0, "bold"), drawing(1, "bold")]
    assert without_twins(drawings, [Place("train"), Place("validation")], look, [0, 1]) == ([0, 1], [])
