"""Several mistakes of a request: all are told, each with its number, and the first is the answer's."""

from __future__ import annotations

import pytest

from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import Mistakes, errors_of
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes, messages_of


def refuse(error: Exception) -> int:
    raise error


def test_nothing_is_told_where_nothing_is_wrong():
    found = FieldMistakes()
    assert found.take(lambda: 3, otherwise=0, source="n") == 3
    found.tell()


def test_the_only_mistake_is_told_as_it_was_raised():
    found, error = FieldMistakes(), FieldError("n is odd; take 2", param="n", code="odd")
    assert found.take(refuse, error, otherwise=7, source="m") == 7
    with pytest.raises(FieldError) as told:
        found.tell()
    assert told.value is error and messages_of(error) == ["n is odd; take 2"]


def test_several_are_told_apart_whatever_they_say():
    found = FieldMistakes()
    found.add(FieldError("n is odd; take 2", param="n", code="odd"), "m")
    found.take(refuse, InputError("the seed is negative; leave it out"), otherwise=0, source="seed")
    with pytest.raises(FieldError) as told:
        found.tell()
    assert str(told.value) == "2 mistakes: (1) n is odd; take 2; (2) the seed is negative; leave it out"
    assert (told.value.param, told.value.code) == ("n", "odd")
    assert messages_of(told.value) == ["n is odd; take 2", "the seed is negative; leave it out"]


def test_what_is_no_mistake_of_the_caller_is_raised_at_once():
    with pytest.raises(ZeroDivisionError):
        FieldMistakes().take(lambda: 1 // 0, otherwise=0, source="n")


def test_each_of_several_mistakes_is_one_and_none_is_told_twice():
    inner, plain = FieldMistakes(), Mistakes()
    odd = FieldError("n is odd; take 2", param="n")
    for one in (odd, FieldError("no style", param="style")):
        inner.add(one)
    for words in ("no words", "no seed"):
        plain.add(InputError(words))
    found = FieldMistakes()
    for several in (inner, inner, plain):
        found.take(several.tell, otherwise=None, source="prompt")
    found.add(FieldError("no style", param="mask"))
    assert found.messages() == ["n is odd; take 2", "no style", "no words", "no seed", "no style"]
    with pytest.raises(FieldError) as told:
        found.tell()
    assert [one.param for one in errors_of(told.value) if isinstance(one, FieldError)] == [
        "n",
        "style",
        "prompt",
        "prompt",
        "mask",
    ]
