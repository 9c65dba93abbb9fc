from __future__ import annotations

import math

import pytest
from pydantic import Field, ValidationError

from underpaint.core.config import Config, canonical_json, digest_of, parse_json, shown
from underpaint.core.errors import InputError


class Inner(Config):
    width: int = Field(default=8, ge=1)


class Outer(Config):
    name: str = "a"
    rate: float = 0.5
    inner: Inner = Inner()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Outer().name = "b"  # pyright: ignore[reportAttributeAccessIssue]


def test_defaults_are_validated_too() -> None:
    class Wrong(Config):
        width: int = Field(default=0, ge=1)

    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Wrong()


def test_equal_settings_have_equal_digests_in_any_order_and_spelling() -> None:
    assert Outer.parse({"rate": 1, "name": "é"}, source="x").digest() == Outer(name="é", rate=1.0).digest()
    assert Outer().digest() == Outer(name="a", rate=0.5, inner=Inner(width=8)).digest()


@pytest.mark.parametrize(
    "other", [Outer(name="b"), Outer(rate=0.25), Outer(inner=Inner(width=9))], ids=["name", "rate", "inner"]
)
def test_any_other_value_is_another_digest(other: Outer) -> None:
    assert other.digest() != Outer().digest()


def test_the_digest_is_the_same_on_every_machine() -> None:
    # printf '{"inner":{"width":8},"name":"é","rate":0.5}' | sha256sum
    assert Outer(name="é").digest() == "7db28f592adeda74306cecb8ecd76e6e753f0966489a827a829098a373300d6b"


def test_canonical_json_sorts_keys_and_keeps_utf8() -> None:
    assert canonical_json({"b": [1, True, None], "a": "é"}) == '{"a":"é","b":[1,true,null]}'
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_hold_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": number})


def test_an_error_names_the_source_and_all_problems_on_one_line() -> None:
    with pytest.raises(InputError) as caught:
        Outer.parse({"inner": {"width": 0}, "rat": 1, "rate": "fast"}, source="settings.json")
    message = str(caught.value)
    assert message.startswith("settings.json: ")
    assert "inner.width: must be greater than or equal to 1 (got 0)" in message
    assert "rat: is unknown (got 1)" in message
    assert "rate: must be a valid number, unable to parse string as a number (got 'fast')" in message
    assert "Input should" not in message
    assert "\n" not in message


def test_json_from_outside_is_read_as_it_was_written() -> None:
    values = {"b": [1, 0.5, True, None], "a": {"é": "x"}}
    assert parse_json(canonical_json(values)) == values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 1}', "twice"),
        ('[{"b": {"a": 1, "a": 2}}]', "twice"),
        ("[NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[" * 100_000, "nested too deeply"),
        ("{", "Expecting"),
    ],
    ids=["twice", "twice inside", "NaN", "infinity", "deep", "truncated"],
)
def test_json_that_another_reader_might_understand_differently_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_a_long_value_is_cut_and_three_dots_say_so() -> None:
    assert shown("a" * 10) == repr("a" * 10) and shown("a" * 78) == repr("a" * 78)
    assert shown("a" * 79) == "'" + "a" * 76 + "..." and len(shown([1] * 1000, most=20)) == 20
