from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from underpaint.core import installing
from underpaint.core.installing import FILES, WEIGHTS, mending, pip_command, portable, project_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder, with a space in its name, that holds the project's files."""
    folder = tmp_path / "under paint"
    folder.mkdir()
    for name in FILES:
        (folder / name).touch()
    return folder


def noted(folder: Path, *, editable: bool = False) -> str:
    """Return what pip writes of an installation from a folder."""
    return json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True} if editable else {}})


def test_the_command_uses_the_project_s_files_and_versions(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_noted", lambda: noted(project))
    assert pip_command("train") == f"pip install -c '{project}/constraints.txt' '{project}[train]'"
    monkeypatch.chdir(project)
    assert pip_command("train,optimize") == "pip install -c constraints.txt '.[train,optimize]'"
    assert pip_command("") == pip_command(None) == "pip install -c constraints.txt ."
    assert pip_command("", again=True) == "pip install --force-reinstall -c constraints.txt ."


def test_what_is_run_as_it_lies_there_stays_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_noted", lambda: noted(project, editable=True))
    monkeypatch.chdir(project)
    assert pip_command("train") == "pip install -c constraints.txt -e '.[train]'"


def test_without_the_project_s_files_the_command_is_for_the_folder_of_its_source(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / FILES[0]).unlink()
    for found in (None, noted(project), noted(project / "gone")):
        monkeypatch.setattr(installing, "_noted", lambda found=found: found)
        assert pip_command("train") == "cd FOLDER_OF_UNDERPAINT && pip install -c constraints.txt '.[train]'"
        assert pip_command("") == mending().replace(" --force-reinstall", "")


def archive(url: str) -> str:
    """Return what pip writes of an installation from a wheel."""
    return json.dumps({"url": url, "archive_info": {}})


def test_what_came_as_a_wheel_comes_from_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "my wheels" / "underpaint-1-py3-none-any.whl"
    monkeypatch.setattr(installing, "_noted", lambda: archive(wheel.as_uri()))
    assert pip_command("train").startswith("cd FOLDER_OF_UNDERPAINT && ")
    wheel.parent.mkdir()
    wheel.touch()
    assert pip_command("train") == f"pip install '{wheel}[train]'"
    assert mending() == f"pip install --force-reinstall '{wheel}'"
    monkeypatch.setattr(installing, "_noted", lambda: archive("https://example.org/u.whl"))
    assert pip_command("train") == "pip install 'underpaint[train] @ https://example.org/u.whl'"


@pytest.mark.parametrize(("revision", "end"), [({}, ""), ({"requested_revision": "v2"}, "@v2")])
def test_what_came_from_a_repository_comes_from_it_again(
    monkeypatch: pytest.MonkeyPatch, revision: dict[str, str], end: str
) -> None:
    found = {"url": "https://example.org/u.git", "vcs_info": {"vcs": "git", "commit_id": "0", **revision}}
    monkeypatch.setattr(installing, "_noted", lambda: json.dumps(found))
    assert pip_command("train") == f"pip install 'underpaint[train] @ git+https://example.org/u.git{end}'"
    assert pip_command("") == f"pip install 'underpaint @ git+https://example.org/u.git{end}'"


def test_damaged_files_that_are_run_as_they_lie_there_come_from_the_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "_noted", lambda: noted(project))
    assert mending() == pip_command("", again=True)
    monkeypatch.setattr(installing, "_noted", lambda: noted(project, editable=True))
    assert mending() == f"bring {project}/src/underpaint/weights anew from where the project came from"
    (project / ".git").mkdir()
    assert mending() == f"git -C '{project}' checkout -- src/underpaint/weights"
    monkeypatch.chdir(project)
    assert mending() == "git checkout -- src/underpaint/weights"


def test_what_lies_where_it_is_run_is_mended_by_the_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_noted", lambda: noted(project, editable=True))
    weights = project / WEIGHTS / "model"
    weights.parent.mkdir(parents=True)
    weights.write_text("whole")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", "-C", project, *command], check=True)
    weights.write_text("damaged")
    subprocess.run(shlex.split(mending()), check=True)
    assert weights.read_text() == "whole"


def test_a_working_folder_that_was_removed_hides_no_message(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    monkeypatch.setattr(installing, "_noted", lambda: noted(project))
    assert pip_command("") == f"pip install -c '{project}/constraints.txt' '{project}'"


NO_FOLDERS = ["", "{", "[]", "{}", '{"url": "https://example.org/x"}', '{"dir_info": 1}', '{"url": ["a"]}']


@pytest.mark.parametrize("found", [None, *NO_FOLDERS, '{"url": 1}', '{"url": "http://[", "vcs_info": 1}', "[1]"])
def test_what_names_no_folder_of_this_machine_is_no_project(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project_of(found) is None
    monkeypatch.setattr(installing, "_noted", lambda: found)
    assert pip_command("train").startswith("cd FOLDER_OF_UNDERPAINT && ")
    assert portable("as /it is") == "as /it is"


@pytest.mark.parametrize("name", ["plain", "with space", "it's"])
def test_others_are_told_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (project := tmp_path / name).mkdir()
    for file in (*FILES, "u.whl"):
        (project / file).touch()
    monkeypatch.setattr(installing, "_noted", lambda: noted(project, editable=True))
    said = portable(f"first: {pip_command('train')}, and {project}-2 or {project}")
    assert shlex.split(said.split(",")[0])[1:] == shlex.split("pip install -c constraints.txt -e '.[train]'")
    assert said.endswith(f", and {project}-2 or .")
    monkeypatch.setattr(installing, "_noted", lambda: archive((project / "u.whl").as_uri()))
    assert shlex.split(portable(pip_command("train"))) == ["pip", "install", "u.whl[train]"]
