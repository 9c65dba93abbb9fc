from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from underpaint import __version__
from underpaint.cli.app import COMMANDS, EPILOG, ERROR_CODES, build_parser, find_command
from underpaint.core.errors import UnderpaintError

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEST_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[train,data,evaluate,dev]' "
    "&& .venv/bin/pytest -n 3 --dist loadfile"
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def shell_lines(page: Path) -> Iterator[str]:
    """Yield the lines of a page's ``sh`` blocks, continued lines joined."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of every call of underpaint in a page's ``sh`` blocks."""
    for line in shell_lines(page):
        for part in re.split(r"&&|\|", line):
            words = shlex.split(part, comments=True)
            if words and Path(words[0]).name == "underpaint":
                yield words[1:]


CALLS = [(name(page), arguments) for page in PAGES for arguments in commands(page)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tests_that_a_page_names_as_a_proof_are_there(page: Path) -> None:
    for test, target in re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert f"def {test}(" in (page.parent / target).read_text(encoding="utf-8"), test


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page.suffix == ".md" and page not in reached:
            reached.add(page)
            waiting += [page.parent / target for target in LINK.findall(page.read_text(encoding="utf-8"))]
    assert {name(page) for page in PAGES} == {name(page) for page in reached}


@pytest.mark.parametrize(("page", "arguments"), CALLS, ids=lambda value: str(value)[:60])
def test_commands_in_the_documents_can_be_parsed(page: str, arguments: list[str]) -> None:
    build_parser(find_command(arguments)).parse_args(arguments)


def help_texts(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield parser.epilog or ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from help_texts(child)


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_examples_in_the_help_can_be_parsed(command: str | None) -> None:
    lines = "\n".join(help_texts(build_parser(command))).replace("\\\n", " ")
    examples = re.findall(r"^  underpaint (.+)$", lines, flags=re.MULTILINE)
    assert examples
    for example in examples:
        arguments = shlex.split(example)
        build_parser(find_command(arguments)).parse_args(arguments)


def folder_of(path: str) -> str:
    """Return the folder of a path as a command of the README makes it: one below ``artifacts``, or one of its own."""
    steps = path.split("/")
    return "/".join(steps[: 2 if steps[0] == "artifacts" else 1])


def test_what_the_readme_reads_is_made_further_up() -> None:
    made: set[str] = set()
    for arguments in commands(ROOT / "README.md"):
        out = arguments[arguments.index("--out") + 1] if "--out" in arguments else ""
        read = [word for word in arguments if word.startswith("artifacts/") or word.endswith(".png")]
        assert [word for word in read if word != out and folder_of(word) not in made] == [], arguments
        made.add(folder_of(out))


def test_the_readme_calls_underpaint_by_name_only_once_its_environment_is_active() -> None:
    lines = [line.split("  #")[0] for line in shell_lines(ROOT / "README.md")]
    first = next(number for number, line in enumerate(lines) if line.startswith(("underpaint ", "pip ")))
    assert "source .venv/bin/activate" in lines[:first]


def test_the_readme_warns_of_the_large_download_before_a_line_that_fetches_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    version = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert version is not None
    fetching = re.search(r"pip install .*\[.*(train|optimize|evaluate)", text)
    assert fetching is not None
    assert f"pip install torch=={version[1]} " in text[: fetching.start()]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "log.md"], ids=name)
def test_underpaint_is_installed_from_the_folder_of_the_project_with_its_versions(page: Path) -> None:
    """No registry has it, and other versions than those of the file are not tried."""
    assert re.findall(r"pip install (?:-e )?['\"]?(?:underpaint|\.)\S*", page.read_text(encoding="utf-8")) == []


def test_read_on_names_every_page_of_docs() -> None:
    read_on = (ROOT / "README.md").read_text(encoding="utf-8").split("## Read on")[1].split("## ")[0]
    assert {name(page) for page in (ROOT / "docs").glob("*.md")} <= {*LINK.findall(read_on)}


def test_the_readme_shows_every_command() -> None:
    shown = {arguments[0] for page, arguments in CALLS if page == "README.md"}
    assert shown == COMMANDS.keys()


def test_the_line_that_runs_the_tests_is_the_same_everywhere() -> None:
    assert TEST_LINE in list(shell_lines(ROOT / "README.md"))
    assert TEST_LINE in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_line_that_draws_a_picture_needs_nothing_else() -> None:
    line = next(line for line in shell_lines(ROOT / "README.md") if "generate" in line)
    setup, install, draw = line.split(" && ")
    assert setup == "python3 -m venv .venv"
    assert install == ".venv/bin/pip install -c constraints.txt ."
    assert draw.startswith(".venv/bin/underpaint generate ")


def test_the_readme_explains_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    codes = {
        0,
        1,
        70,
        130,
        141,
        143,
        *ERROR_CODES.values(),
        *(cls.exit_code for cls in UnderpaintError.__subclasses__()),
    }
    assert [int(row) for row in rows] == sorted(codes)
    listed = re.findall(r"^  (\d+)  ", EPILOG, flags=re.MULTILINE)
    assert {int(code) for code in listed} == codes - {1, *ERROR_CODES.values()}


def test_the_changelog_speaks_of_this_version() -> None:
    assert f"\n## {__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_without_gaps() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    assert all(page.read_text(encoding="utf-8").startswith(f"# {int(page.name[:4])}. ") for page in pages)
