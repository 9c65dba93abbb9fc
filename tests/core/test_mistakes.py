from __future__ import annotations

import pytest

from underpaint.core.errors import InputError, PromptError
from underpaint.core.mistakes import Mistakes, errors_of


def refuse(what: str) -> str:
    raise PromptError(f"no {what}")


def test_without_mistakes_nothing_is_told() -> None:
    found = Mistakes()
    assert found.take(str.upper, "a", otherwise="b") == "A"
    found.tell()
    assert not found


def test_a_single_mistake_keeps_its_class() -> None:
    found = Mistakes()
    assert found.take(refuse, "words", otherwise="b") == "b"
    with pytest.raises(PromptError, match=r"^no words$"):
        found.tell()


def test_several_mistakes_are_lines_of_one_error_with_their_sources() -> None:
    found = Mistakes(shown=2)
    found.take(refuse, "words", otherwise="", source="f, row 1")
    for number in range(1500):
        found.add(InputError(f"bad {number}"))
    with pytest.raises(InputError) as caught:
        found.tell()
    assert str(caught.value) == "1,501 mistakes:\n  f, row 1: no words\n  bad 0\n  and 1,499 more"


def test_what_is_no_mistake_of_the_input_is_not_held_back() -> None:
    with pytest.raises(ZeroDivisionError):
        Mistakes().take(lambda: 1 // 0, otherwise=0)


def test_the_mistakes_of_a_part_are_told_as_if_they_had_been_found_here() -> None:
    part, found = Mistakes(shown=1), Mistakes()
    for words in ("a", "b", "c"):
        part.add(InputError(words))
    found.take(part.tell, otherwise=None, source="f")
    found.add(InputError("d"))
    assert len(found) == 4
    with pytest.raises(InputError, match=r"^4 mistakes:\n  f: a\n  f: b\n  f: c\n  d$") as told:
        found.tell()
    assert len(errors_of(told.value)) == 4


def test_mistakes_of_a_file_are_put_into_its_order_and_the_others_stay_where_they_are() -> None:
    found = Mistakes()
    for words in ("row 3", "option", "row 1", "row 2", "row 1"):
        found.add(InputError(words))
    found.sort(lambda error: int(str(error)[-1]) if "row" in str(error) else None)
    assert found.messages() == ["row 1", "option", "row 2", "row 3"]
