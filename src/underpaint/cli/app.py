"""The command line: find the command, import its module alone, run it, leave with the right exit code.

A command is a module ``underpaint.cli.<name>`` with a line in ``COMMANDS`` and two functions:

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(args: argparse.Namespace, output: Output) -> int: ...

- At its top level it imports nothing beyond the standard library, ``underpaint.cli`` and ``underpaint.core.errors``;
  everything else (``underpaint.stages``, ``underpaint.pipelines``, torch, numpy, Pillow) inside ``run``.
- ``add_arguments`` gets the command's own parser and may call ``parser.add_subparsers(dest=..., metavar=...,
  required=True)``. Sub-parsers are of the same kind, so their mistakes too become one ``InputError``.
- ``--json``, ``--quiet`` and ``--help`` are added here to every command and sub-command; do not add them again.
- ``run`` passes ``report=output.report`` to long work, ends with one ``output.result(human_text, data)`` and returns 0.
  It raises ``UnderpaintError`` for whatever the user can mend; it neither prints nor calls ``sys.exit``.
- ``args.typed`` is what was typed after the command's name.
- ``run`` may set ``output.resume_hint`` to a sentence that is shown after Ctrl-C and SIGTERM
  ("run the same command again to go on from step 1200").

Exit codes: as ``EPILOG`` says; 2 to 9 are those of ``underpaint.core.errors``. A path that was typed and does not exist
leaves with 2 in every command, whatever it should hold; 3 and 4 are for what is there and not as it should be. A
command whose small codes are verdicts has a line in ``ERROR_CODES``.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

from underpaint import __version__
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

COMMANDS: dict[str, tuple[str, str]] = {
    "data": ("underpaint.cli.data", "build, check, compare and prune data sets of captioned pictures"),
    "train": ("underpaint.cli.train", "train a model after a recipe"),
    "optimize": ("underpaint.cli.optimize", "search for a faster model that is proven to draw as well"),
    "export": ("underpaint.cli.export", "make a model folder that runs without torch"),
    "advise": (
        "underpaint.cli.advise",
        "say where to draw: machines, cost, energy and carbon of edge, server and cloud",
    ),
    "generate": ("underpaint.cli.generate", "draw pictures from words"),
    "edit": ("underpaint.cli.edit", "draw a picture anew, as a whole or within a mask"),
    "upscale": ("underpaint.cli.upscale", "make small drawings large, edges and transparency clean"),
    "stickers": ("underpaint.cli.stickers", "make the files that messengers, shops and social networks take"),
    "sheet": ("underpaint.cli.sheet", "draw one subject in many moods, as related stickers"),
    "synthesize": ("underpaint.cli.synthesize", "draw a labeled data set of synthetic pictures with a model"),
    "studio": ("underpaint.cli.studio", "draw in the browser: a page on this machine, and the server behind it"),
    "serve": ("underpaint.cli.serve", "draw pictures for others, over HTTP"),
    "keys": ("underpaint.cli.keys", "make, list and revoke the keys of a server's callers"),
    "policy": ("underpaint.cli.policy", "look at and try the policy that decides about prompts"),
    "show": ("underpaint.cli.show", "print what made a picture"),
    "verify": ("underpaint.cli.verify", "say whether a picture is as underpaint wrote it, and what cannot be said"),
    "evaluate": ("underpaint.cli.evaluate", "measure how good, varied, fast and dear a model or folder of pictures is"),
    "compare": ("underpaint.cli.compare", "put evaluations side by side"),
    "gate": ("underpaint.cli.gate", "decide whether a candidate is as good as a baseline"),
    "sweep": ("underpaint.cli.sweep", "draw with every combination of some settings and see what each gives"),
    "doctor": ("underpaint.cli.doctor", "say what this machine has, what is used of it, and what could be installed"),
}

TERMINATED = 143
"""Exit code after SIGTERM: 128 and the number of the signal."""
ERROR_CODES = {"gate": 64}
"""Commands whose deliberate errors all leave with one code, so that no mistake reads as one of their verdicts."""
EXTRAS = {
    "evaluate": "evaluate",
    "export": "optimize",
    "gate": "evaluate",
    "optimize": "train,optimize,evaluate",
    "sweep": "evaluate",
}
"""What brings torch, and all else that a command needs, where it is not ``train``."""

EPILOG = """examples:
  underpaint generate "a smiling cat with sunglasses"
  underpaint show cat.png
  underpaint data build stickers --out artifacts/stickers-64 --size 64
  underpaint evaluate --data artifacts/stickers-64 --out artifacts/report

exit codes:
  0    done
  2    what was typed cannot be used, such as a path that does not exist
  3    a data set or a picture is broken, unlicensed or leaks
  4    a folder is no finished artifact, or one that is incomplete, corrupt or changed
  5    something that must be installed is not
  6    a folder cannot be written, or the disk is full
  7    training diverged or cannot be resumed
  8    a score cannot be computed from these pictures
  9    what was asked of the job queue cannot be done to this job
  70   a defect in underpaint
  130  interrupted
  141  the reader of the output went away
  143  terminated
Of data check, gate, optimize, policy check, sheet, stickers and verify, some small codes are results as well, such as
1 where nothing passes: see 'underpaint COMMAND --help'.
"""


ONE_PICTURE = frozenset({"show", "verify"})
"""Commands whose only free argument is a picture."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are ``InputError`` and whose sub-parsers are of the same kind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise InputError(f"{message}; see '{self.prog} --help'")


def first_word(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is not an option, or None."""
    return next((argument for argument in arguments if not argument.startswith("-")), None)


def nearest_commands(name: str) -> list[str]:
    """Return the command that a name is or was meant to be, or nothing."""
    return difflib.get_close_matches(name, COMMANDS, n=1)


def find_command(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is not an option, or None.

    Raises:
        InputError: It is not the name of a command; the message suggests the nearest one.
    """
    name = first_word(arguments)
    if name is None or name in COMMANDS:
        return name
    close = nearest_commands(name)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(COMMANDS)}"
    raise InputError(f"there is no command {name!r:.60}; {hint}")


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """Build the parser; only the chosen command's module is imported and filled in.

    Args:
        chosen: A key of ``COMMANDS``, or None for the overview.
    """
    parser = Parser(
        prog="underpaint",
        description="Draw stickers from words with a small model that trains and runs on two CPU cores.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"underpaint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == chosen:
            importlib.import_module(module_name).add_arguments(command)
            add_shared_arguments(command)
    return parser


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--quiet`` to a command, or to the innermost sub-commands if it has any."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for child in dict.fromkeys(action.choices.values()):
            add_shared_arguments(child)
    if not nested:
        parser.add_argument("--json", action="store_true", help="print the result or the error as one JSON document")
        parser.add_argument("--quiet", action="store_true", help="show no progress")


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that half-written folders are removed."""
    raise SystemExit(TERMINATED)


def _why_left(command: str, left: Sequence[str]) -> str:
    """Return what is wrong with arguments that a command does not take."""
    if command in ONE_PICTURE and not any(argument.startswith("-") for argument in left):
        return f"{command} takes one picture at a time, got {1 + len(left)}; run it once for each"
    return f"unrecognized arguments: {' '.join(left)}"


def run_command(arguments: Sequence[str], output: Output) -> int:
    """Parse the arguments, run the command they name, and return its exit code.

    Raises:
        SystemExit: Help or the version was printed.
        UnderpaintError: The arguments are wrong or the command failed.
    """
    meant = nearest_commands(first_word(arguments) or "")
    output.error_code = ERROR_CODES.get(meant[0]) if meant else None
    parser = build_parser(find_command(arguments))
    args, left = parser.parse_known_args(arguments or ["--help"])
    if left:
        raise InputError(f"{_why_left(args.command, left)}; see 'underpaint {args.command} --help'")
    args.typed = arguments[arguments.index(args.command) + 1 :]
    output.extra = EXTRAS.get(args.command, output.extra)
    return importlib.import_module(COMMANDS[args.command][0]).run(args, output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments after the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if argv is None else argv
    output = Output(json_mode="--json" in arguments, quiet="--quiet" in arguments)
    if argv is None:
        signal.signal(signal.SIGTERM, _terminated)
    try:
        code = _run_safely(arguments, output)
    except BrokenPipeError:
        code = 141
    _discard_unwritten()
    return code


def _run_safely(arguments: Sequence[str], output: Output) -> int:
    """Run a command; show every error but a broken pipe as one message."""
    try:
        try:
            with output.noting():
                code = run_command(arguments, output)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        if code == TERMINATED:
            output.terminated(TERMINATED)
        output.close()
        return code
    except BrokenPipeError:
        raise
    except BaseException as error:
        return output.error(error)


def _discard_unwritten() -> None:
    """Throw away what stdout no longer takes, so that the interpreter does not stumble over it on leaving."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
