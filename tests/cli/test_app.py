from __future__ import annotations

import argparse
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from underpaint import __version__
from underpaint.cli.app import COMMANDS, EPILOG, EXTRAS
from underpaint.cli.output import Output
from underpaint.core.errors import ArtifactError, UnderpaintError
from underpaint.core.installing import pip_command
from underpaint.core.progress import Progress
from underpaint.pipelines import engine_choice


class Run(Protocol):
    def __call__(self, *arguments: object) -> Any: ...


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace, Output], int]], None]:
    """Install a command ``try`` with an option ``--size`` and a sub-command ``all``."""

    def install(run: Callable[[argparse.Namespace, Output], int]) -> None:
        def add_arguments(parser: argparse.ArgumentParser) -> None:
            actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
            actions.add_parser("all").add_argument("--size", type=int, choices=[64, 128], default=64)

        monkeypatch.setitem(sys.modules, "trial", SimpleNamespace(add_arguments=add_arguments, run=run))
        monkeypatch.setitem(COMMANDS, "try", ("trial", "try something"))

    return install


def raising(error: BaseException) -> Callable[[argparse.Namespace, Output], int]:
    def run(args: argparse.Namespace, output: Output) -> int:
        raise error

    return run


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **environ}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_help_names_every_command_and_is_what_no_arguments_show(underpaint: Run) -> None:
    shown = underpaint("--help")
    assert shown.code == 0
    assert all(re.search(rf"^    {name}\s", shown.stdout, re.MULTILINE) for name in COMMANDS)
    assert underpaint() == shown


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys; from underpaint.cli.app import COMMANDS, main; main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'PIL', 'pydantic', 'safetensors', 'tokenizers'}\n"
        "heavy |= {module for module, _ in COMMANDS.values()}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)"
    )
    assert python(code).stderr == "[]\n"


def test_help_takes_less_than_half_a_second_of_processor_time() -> None:
    before = os.times()
    subprocess.run([sys.executable, "-m", "underpaint", "--help"], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent_s < 0.5


def test_version_is_that_of_the_package(underpaint: Run) -> None:
    assert underpaint("--version").stdout == f"underpaint {__version__}\n"


@pytest.mark.parametrize(("typed", "hint"), [("generat", "did you mean 'generate'?"), ("zzz", "choose one of data")])
def test_an_unknown_command_gets_a_suggestion(underpaint: Run, typed: str, hint: str) -> None:
    shown = underpaint(typed)
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"error: there is no command '{typed}'; {hint}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["try"], "ACTION"),
        (["try", "some"], "invalid choice: 'some'"),
        (["try", "all", "--size", "65"], "invalid choice: 65"),
        (["try", "all", "--siz", "64"], "--siz"),
        (["try", "all", "more"], "unrecognized arguments: more"),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_the_help(
    underpaint: Run, command: Callable[..., None], arguments: list[str], words: str
) -> None:
    command(raising(AssertionError()))
    shown = underpaint(*arguments)
    assert (shown.code, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    assert shown.stderr.startswith("error: ")
    assert words in shown.stderr
    assert "see 'underpaint try" in shown.stderr and "--help'" in shown.stderr


def test_commands_with_exit_codes_of_their_own_are_named_and_say_them(underpaint: Run) -> None:
    named = re.search(r"^Of (.*), some small codes", EPILOG, re.MULTILINE)
    assert named is not None
    owners = re.split(", | and ", named[1])
    for owner in owners:
        name = owner.partition(" ")[0]
        said = underpaint(name, "--help").stdout + underpaint(*owner.split(), "--help").stdout
        assert "exit code" in said.lower(), owner
    others = set(COMMANDS) - {owner.partition(" ")[0] for owner in owners}
    assert not [name for name in others if "exit code" in underpaint(name, "--help").stdout.lower()]


def test_a_command_gets_its_arguments_and_gives_the_exit_code(underpaint: Run, command: Callable[..., None]) -> None:
    def run(args: argparse.Namespace, output: Output) -> int:
        output.result(f"size {args.size}", {"size": args.size, "path": Path("a/b")})
        return 3

    command(run)
    shown = underpaint("try", "all", "--size", "128")
    assert (shown.code, shown.stdout, shown.stderr) == (3, "size 128\n", "")
    assert underpaint("try", "all", "--json").json == {"size": 64, "path": "a/b"}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ArtifactError("the weights are gone"), 4, "error: the weights are gone\n"),
        (KeyboardInterrupt(), 130, "error: interrupted; run the same command again\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), 6, "error: cannot write /a/b: the disk is full"),
        (OSError(errno.ENOENT, "No such file or directory", "/a/b"), 6, "error: cannot use /a/b: No such file"),
        (ModuleNotFoundError("No module", name="torch"), 5, "error: this needs PyTorch, which is not installed; run:"),
        (ModuleNotFoundError("No module", name="tosch"), 70, "error: this is a defect in underpaint"),
        (ZeroDivisionError("division by zero"), 70, "error: this is a defect in underpaint"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_message_and_an_exit_code(
    underpaint: Run, command: Callable[..., None], error: BaseException, code: int, message: str
) -> None:
    command(raising(error))
    shown = underpaint("try", "all")
    assert (shown.code, shown.stdout, shown.stderr.count("\n")) == (code, "", 1)
    assert shown.stderr.startswith(message)


def test_without_torch_the_command_names_the_extra_that_it_needs(
    underpaint: Run, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(raising(ModuleNotFoundError("No module", name="torch")))
    assert underpaint("try", "all").stderr.endswith(f"run: {pip_command('train')}\n")
    monkeypatch.setitem(EXTRAS, "try", "train,optimize")
    assert underpaint("try", "all").stderr.endswith(f"run: {pip_command('train,optimize')}\n")


def test_the_extras_of_commands_bring_torch() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for name, extras in EXTRAS.items():
        brought = [one for extra in extras.split(",") for one in project["optional-dependencies"][extra]]
        assert name in COMMANDS and any(one.startswith("torch>") for one in brought), name


@pytest.mark.parametrize("cls", [UnderpaintError, *UnderpaintError.__subclasses__()], ids=lambda cls: cls.__name__)
def test_every_class_of_error_leaves_with_its_own_code(
    underpaint: Run, command: Callable[..., None], cls: type[UnderpaintError]
) -> None:
    command(raising(cls("gone")))
    assert underpaint("try", "all").code == cls.exit_code
    shown = underpaint("try", "all", "--json")
    assert shown.code == cls.exit_code
    assert shown.stderr == ""
    assert shown.json == {"error": {"type": cls.__name__, "message": "gone", "exit_code": cls.exit_code}}


def test_the_traceback_is_shown_on_request_only(
    underpaint: Run, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(raising(ZeroDivisionError("division by zero")))
    assert "Traceback" not in underpaint("try", "all").stderr
    monkeypatch.setenv("UNDERPAINT_DEBUG", "1")
    assert "Traceback (most recent call last)" in underpaint("try", "all").stderr


def test_an_interruption_says_how_to_go_on(underpaint: Run, command: Callable[..., None]) -> None:
    def run(args: argparse.Namespace, output: Output) -> int:
        output.resume_hint = "run it again to go on from step 12"
        raise KeyboardInterrupt

    command(run)
    assert underpaint("try", "all").stderr == "error: interrupted; run it again to go on from step 12\n"


def test_quiet_shows_the_result_alone(underpaint: Run, command: Callable[..., None]) -> None:
    def run(args: argparse.Namespace, output: Output) -> int:
        output.report(Progress(task="draw", done=1, total=1))
        output.note("by the way")
        output.result("done", {})
        return 0

    command(run)
    assert underpaint("try", "all").stderr == "draw: 1/1\nby the way\n"
    shown = underpaint("try", "all", "--quiet")
    assert (shown.stdout, shown.stderr) == ("done\n", "")


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = (
        "import sys, types; from underpaint.cli import app\n"
        "run = lambda args, output: sum(output.result('x' * 10_000, {}) or 0 for _ in range(1000))\n"
        "sys.modules['trial'] = types.SimpleNamespace(add_arguments=lambda parser: None, run=run)\n"
        "app.COMMANDS['try'] = ('trial', 'try'); sys.exit(app.main(['try']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_a_storage_error() -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "underpaint", "--help"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        finished = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=buffered)
    assert (finished.returncode, finished.stderr.count("\n")) == (6, 1)
    assert "the disk is full" in finished.stderr


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("hint", "said"), [("", ""), ("go on from 12", "terminated; go on from 12")])
def test_a_terminated_command_cleans_up_and_says_how_to_go_on(
    tmp_path: Path, hint: str, said: str, as_json: bool
) -> None:
    code = (
        "import os, signal, sys, types, pathlib; from underpaint.cli import app\n"
        "from underpaint.core.artifact import staging\n"
        "def run(args, output):\n"
        f"    output.resume_hint = {hint!r} or output.resume_hint\n"
        "    with staging(pathlib.Path(os.environ['TARGET'])):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.modules['trial'] = types.SimpleNamespace(add_arguments=lambda parser: None, run=run)\n"
        "app.COMMANDS['try'] = ('trial', 'try'); "
        f"sys.argv = ['underpaint', 'try', *(['--json'] if {as_json} else [])]; sys.exit(app.main())"
    )
    finished = python(code, TARGET=str(tmp_path / "made"))
    assert finished.returncode == 128 + signal.SIGTERM
    if as_json:
        document = {"error": {"type": "Terminated", "message": said, "exit_code": 143}}
        assert (json.loads(finished.stdout) if said else finished.stdout) == (document if said else "")
    assert finished.stderr == ("" if as_json or not said else f"{said}\n")
    assert list(tmp_path.iterdir()) == []


def test_commands_note_once_that_a_model_is_slower_here_than_it_was_made_for(
    underpaint: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "tiny takes two to three times as long here as in 32 bits: " + "why, " * 20 + "and the end"
    monkeypatch.setattr(engine_choice, "bfloat16_elsewhere", lambda *_: slow)
    (tmp_path / "wishes.txt").write_text("a cat\n")
    where = ("--prompts", tmp_path / "wishes.txt", "--out", tmp_path / "drawn", "--cache", tmp_path / "cache")
    for arguments in (
        ("generate", "a cat", "-m", tiny_model, "--out", tmp_path / "cat.png"),
        ("synthesize", tiny_model, *where),
    ):
        shown = underpaint(*arguments)
        assert shown.code == 0 and shown.stderr.splitlines().count(f"note: {slow}") == 1
