"""Several mistakes of a request: all are told, each with its number, and the first is the answer's."""

from __future__ import annotations

import pytest

from underpaint.core.errors import FieldError, InputError
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes, messages_of


def refuse(error: Exception) -> int:
    raise error


def test_nothing_is_told_where_nothing_is_wrong():
    found = FieldMistakes()
    assert found.take("n", lambda: 3, 0) == 3
    found.tell()


def test_the_only_mistake_is_told_as_it_was_raised():
    found, error = FieldMistakes(), FieldError("n is odd; take 2", param="n", code="odd")
    assert found.take("m", lambda: refuse(error), 7) == 7
    with pytest.raises(FieldError) as told:
        found.tell()
    assert told.value is error and messages_of(error) == ["n is odd; take 2"]


def test_several_are_told_apart_whatever_they_say():
    found = FieldMistakes()
    found.add(iter([FieldError("n is odd; take 2", param="n", code="odd")]))
    found.take("seed", lambda: refuse(InputError("the seed is negative; leave it out")), 0)
    with pytest.raises(FieldError) as told:
        found.tell()
    assert str(told.value) == "2 mistakes: (1) n is odd; take 2; (2) the seed is negative; leave it out"
    assert (told.value.param, told.value.code) == ("n", "odd")
    assert messages_of(told.value) == ["n is odd; take 2", "the seed is negative; leave it out"]


def test_what_is_no_mistake_of_the_caller_is_raised_at_once():
    with pytest.raises(ZeroDivisionError):
        FieldMistakes().take("n", lambda: 1 // 0, 0)
