"""Options that mean nothing beside another one are refused by name, so that nobody believes they did something."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence

from underpaint.core.errors import InputError


def insist_alone(
    typed: Sequence[str],
    option: str,
    takes: str,
    meant: Collection[str],
    add_arguments: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Refuse what was given beside an option, be it what the command would do without it.

    Args:
        typed: What was typed after the command's name, and could be parsed.
        option: What was given, such as ``--undo``.
        takes: What it takes, in words.
        meant: Names of what means something beside it, and of itself.
        add_arguments: Adds the command's arguments.

    Raises:
        InputError: There are such; the message names each.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    for action in parser._actions:
        action.default = argparse.SUPPRESS
    found = vars(parser.parse_known_args(typed)[0]).keys() - set(meant)
    given = [_named(action) for action in parser._actions if action.dest in found]
    if given:
        raise InputError(f"{option} takes {takes}; leave out {', '.join(given)}")


def _named(action: argparse.Action) -> str:
    return action.option_strings[0] if action.option_strings else str(action.metavar or action.dest)
