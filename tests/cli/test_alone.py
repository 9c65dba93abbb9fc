from __future__ import annotations

import argparse

import pytest

from underpaint.cli.alone import insist_alone
from underpaint.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", nargs="?")
    parser.add_argument("others", nargs="*", metavar="OTHER")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--size", "-s", type=int, default=64)
    parser.add_argument("--name", action="append")
    parser.add_argument("--bare", action="store_true")


def insist(*typed: str) -> None:
    insist_alone(typed, "--list", "nothing else", ("list",), add_arguments)


def test_what_is_alone_passes_with_what_all_commands_take() -> None:
    insist("--list")
    insist("--json", "--list", "--quiet")


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (("--size", "64"), "--size"),
        (("-s", "32", "--bare"), "--size, --bare"),
        (("--name=a", "--name=b"), "--name"),
        (("a",), "first"),
        (("a", "b", "c"), "first, OTHER"),
    ],
)
def test_all_that_was_typed_beside_it_is_named_be_it_the_default(typed: tuple[str, ...], named: str) -> None:
    with pytest.raises(InputError, match=f"^--list takes nothing else; leave out {named}$"):
        insist("--list", *typed)
