from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.data.clean import clean, is_national_flag, names_color
from underpaint.stages.data.drawing import Drawing, id_of
from underpaint.stages.data.look import look_at


def drawing(name: str, style: str = "flat", id_: str = "1fa00") -> Drawing:
    return Drawing(id=id_, name=name, style=style, family="f", source="s", icon=name, license="MIT")


def solid(value: int, alpha: int = 255) -> np.ndarray:
    return np.array([value, value, value, alpha], np.uint8) * np.ones((32, 32, 1), np.uint8)


def test_the_shortest_name_of_equal_pictures_stays_in_each_style() -> None:
    drawings = [drawing("grinning cat"), drawing("cat"), drawing("cat", "cartoon"), drawing("dog")]
    kept, dropped = clean(drawings, look_at([solid(9), solid(9), solid(9), solid(80)]))
    assert kept == [1, 2, 3]
    assert [(item.name, item.rule) for item in dropped] == [("grinning cat", "duplicate")]
    assert "'cat'" in dropped[0].detail


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        (drawing("red heart", "line-art"), "color"),
        (drawing("flag: Chad", id_=id_of("🇹🇩")), "flag"),
        (drawing("قط"), "caption"),
    ],
)
def test_what_cannot_be_learned_is_left_out_and_listed(case: Drawing, rule: str) -> None:
    kept, dropped = clean([case], look_at([solid(9)]))
    assert kept == []
    assert [item.rule for item in dropped] == [rule]


def test_blank_pictures_are_left_out() -> None:
    _, dropped = clean([drawing("cat")], look_at([solid(0, alpha=0)]))
    assert [item.rule for item in dropped] == ["blank"]


def test_colors_are_words_not_parts_of_words() -> None:
    assert names_color("person: blond hair")
    assert names_color("Red heart")
    assert not names_color("tired face")


@pytest.mark.parametrize(("emoji", "national"), [("🇫🇷", True), ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", True), ("🏁", False), ("🏳️‍🌈", False)])
def test_flags_of_countries_are_told_from_others(emoji: str, national: bool) -> None:
    assert is_national_flag(id_of(emoji)) is national
