from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core import installing
from underpaint.core.installing import FILES, pip_command, project_of


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


def test_without_the_project_s_files_the_package_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / FILES[0]).unlink()
    for found in (None, noted(project), noted(project / "gone")):
        monkeypatch.setattr(installing, "_noted", lambda found=found: found)
        assert pip_command("train") == "pip install 'underpaint[train]'"
        assert pip_command("") == "pip install underpaint"


@pytest.mark.parametrize("found", [None, "", "{", "[]", "{}", '{"url": "https://example.org/x"}', '{"dir_info": 1}'])
def test_what_names_no_folder_of_this_machine_is_no_project(found: str | None) -> None:
    assert project_of(found) is None
