from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.data.synthetic.combinations import combine, read_wishes


def test_every_word_meets_every_other_word_once_and_the_last_list_turns_fastest() -> None:
    rows = combine({"template": "{color} {thing}", "thing": ["cup", "hat"], "color": ["red", "blue"], "n": 2}, "here")
    assert [row.prompt for row in rows] == ["red cup", "red hat", "blue cup", "blue hat"]
    assert {row.n for row in rows} == {2}


def test_a_name_that_stands_twice_is_filled_alike() -> None:
    rows = combine({"template": "{a} on {a}", "a": ["cat", "dog"]}, "here")
    assert [row.prompt for row in rows] == ["cat on cat", "dog on dog"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no template"),
        ({"color": ["red"]}, "no template"),
        ({"template": "{color} cup"}, "'color' is None"),
        ({"template": "{color} cup", "color": []}, "give a list"),
        ({"template": "{color} cup", "color": ["red", 3]}, "give a list"),
        ({"template": "{color} cup", "color": ["red"], "size": ["big"]}, "does not use size"),
        ({"template": "{color", "color": ["red"]}, "cannot be read"),
        ({"template": "{}", "": ["red"]}, "plain names"),
        ({"template": "{color.denominator}", "color": ["red"]}, "plain names"),
        ({"template": "{color!r}", "color": ["red"]}, "plain names"),
        ({"template": "{n}", "n": ["red"]}, "plain names"),
        ({"template": "{a}{b}", "a": ["x"] * 400, "b": ["y"] * 400}, "at most 100,000"),
        ({"template": "cup", "seed": -1}, "seed"),
    ],
)
def test_mistakes_are_named(values: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        combine(values, "here")


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"template": "{x} cup", "x": ["red"]}))
    (tmp_path / "a.txt").write_text("red cup\n")
    assert [[row.prompt for row in read_wishes(tmp_path / name)] for name in ("a.json", "a.txt")] == [["red cup"]] * 2
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(InputError, match="no JSON"):
        read_wishes(tmp_path / "b.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_wishes(tmp_path / "none.json")
