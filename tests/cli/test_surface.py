"""The frozen surface: names, options, choices and defaults of every command.

Golden: ``python tests/cli/test_surface.py > tests/cli/surface.txt``, after a change that CHANGELOG.md announces. Help
texts are left out, since their layout changes between versions of Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from underpaint.cli.app import COMMANDS, build_parser

GOLDEN = Path(__file__).with_name("surface.txt")


def sub_parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: child for action in actions for name, child in action.choices.items()}


def describe(action: argparse.Action) -> str:
    kind = getattr(action.type, "__name__", None)
    facts = {
        "nargs": action.nargs,
        "type": kind,
        "choices": sorted(map(str, action.choices)) if action.choices is not None else None,
        "default": action.default if action.default not in (None, argparse.SUPPRESS) else None,
        "required": (action.required or None) if action.option_strings else None,
    }
    label = ", ".join(action.option_strings) or action.metavar or action.dest
    return " ".join([str(label), *(f"{key}={value}" for key, value in facts.items() if value is not None)])


def describe_all(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a paragraph for every parser that takes no further sub-command."""
    children = sub_parsers(parser)
    if not children:
        yield "\n".join([parser.prog, *(f"  {describe(action)}" for action in parser._actions)])
    for child in children.values():
        yield from describe_all(child)


def surface() -> str:
    paragraphs = [text for name in COMMANDS for text in describe_all(sub_parsers(build_parser(name))[name])]
    return "\n\n".join(paragraphs) + "\n"


def test_the_surface_of_the_command_line_is_frozen() -> None:
    assert surface() == GOLDEN.read_text(encoding="utf-8")


def test_every_option_is_explained() -> None:
    def unexplained(parser: argparse.ArgumentParser) -> Iterator[str]:
        children = sub_parsers(parser)
        yield from (f"{parser.prog} {describe(a)}" for a in parser._actions if not a.help and not children)
        for child in children.values():
            yield from unexplained(child)

    assert [text for name in COMMANDS for text in unexplained(sub_parsers(build_parser(name))[name])] == []


if __name__ == "__main__":
    print(surface(), end="")  # noqa: T201
