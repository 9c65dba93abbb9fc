from __future__ import annotations

from collections.abc import Iterator

import pytest

from underpaint.core import errors
from underpaint.core.errors import UnderpaintError


def descendants(root: type[UnderpaintError]) -> Iterator[type[UnderpaintError]]:
    for child in root.__subclasses__():
        yield child
        yield from descendants(child)


ALL = sorted(set(descendants(UnderpaintError)), key=lambda cls: cls.__name__)


def test_every_error_stands_in_the_one_tree() -> None:
    here = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}
    assert here == {UnderpaintError, *(cls for cls in ALL if cls.__module__ == errors.__name__)}


def test_branches_have_exit_codes_of_their_own_and_twigs_share_them() -> None:
    branches = [cls for cls in UnderpaintError.__subclasses__() if cls.__module__ == errors.__name__]
    codes = [cls.exit_code for cls in branches]
    assert sorted(codes) == list(range(2, 2 + len(branches)))
    for branch in branches:
        assert {twig.exit_code for twig in descendants(branch)} <= {branch.exit_code}


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_says_in_its_docstring_when_it_is_raised(cls: type[UnderpaintError]) -> None:
    assert cls.__doc__
    assert cls.__doc__ != Exception.__doc__
    assert cls.__doc__.rstrip().endswith(".")
