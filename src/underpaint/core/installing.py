"""The pip command that brings what is missing: from where underpaint was installed from, as pip noted it.

In the project's files the versions that the tests pass with stand in ``constraints.txt``. No registry has underpaint,
so where nothing is noted, the command stands for the folder of its source.
"""

from __future__ import annotations

import json
import re
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

CONSTRAINTS = "constraints.txt"
FILES = (CONSTRAINTS, "pyproject.toml")
WEIGHTS = "src/underpaint/weights"
SOURCE = "cd FOLDER_OF_UNDERPAINT && "
"""Comes before the command where nothing says which folder that is."""


class Project(NamedTuple):
    """The files that underpaint was installed from.

    Args:
        folder: Where they lie.
        editable: Whether they are run as they lie there.
    """

    folder: Path
    editable: bool


def project_of(direct_url: str | None) -> Project | None:
    """Return the project's files on this machine; None if underpaint came from elsewhere, or they are gone.

    Args:
        direct_url: What pip noted of the installation (``direct_url.json``); None if it noted nothing.
    """
    noted = _details(direct_url)
    folder, info = _local(noted), noted.get("dir_info")
    if folder is None or not all(_is_file(folder / name) for name in FILES):
        return None
    return Project(folder, isinstance(info, dict) and bool(info.get("editable")))


def _details(direct_url: str | None) -> dict[str, Any]:
    """Return what pip noted; nothing if it is damaged."""
    try:
        noted = json.loads(direct_url or "{}")
    except ValueError:
        return {}
    return noted if isinstance(noted, dict) and isinstance(noted.get("url"), str) else {}


def _local(noted: dict[str, Any]) -> Path | None:
    """Return the folder or the file of this machine that an installation came from; None for an address elsewhere."""
    try:
        address = urlsplit(noted.get("url", ""))
    except ValueError:
        return None
    return Path(unquote(address.path)) if address.scheme == "file" else None


def _is_file(path: Path) -> bool:
    """Tell whether a file is there; one that may not be looked for is not."""
    try:
        return path.is_file()
    except OSError:
        return False


def _noted() -> str | None:
    """Return what pip noted of the installation of underpaint; None if nothing that can be read."""
    try:
        return metadata.distribution("underpaint").read_text("direct_url.json")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return None


def pip_command(extra: str | None, *, again: bool = False) -> str:
    """Return the command that installs an extra of underpaint.

    Args:
        extra: Its name in ``pyproject.toml``; empty or None for the base.
        again: Whether what is there already is installed once more, since it is damaged.
    """
    install = ["pip", "install", *["--force-reinstall"] * again]
    wanted, noted = f"[{extra}]" if extra else "", _noted()
    if (project := project_of(noted)) is not None:
        here = _is_here(project.folder)
        constraints = CONSTRAINTS if here else str(project.folder / CONSTRAINTS)
        source = "." if here else str(project.folder)
        return shlex.join([*install, "-c", constraints, *["-e"] * project.editable, f"{source}{wanted}"])
    if (package := _package(_details(noted), wanted)) is not None:
        return shlex.join([*install, package])
    return SOURCE + shlex.join([*install, "-c", CONSTRAINTS, f".{wanted}"])


def _package(noted: dict[str, Any], wanted: str) -> str | None:
    """Return the archive or the repository that underpaint came from, as pip takes it; None if it was neither."""
    url, file, repository = noted.get("url", ""), _local(noted), noted.get("vcs_info")
    if isinstance(repository, dict):
        revision = repository.get("requested_revision")
        return f"underpaint{wanted} @ {repository.get('vcs', 'git')}+{url}{f'@{revision}' if revision else ''}"
    if "archive_info" not in noted:
        return None
    if file is None:
        return f"underpaint{wanted} @ {url}"
    return f"{file}{wanted}" if _is_file(file) else None


def _is_here(folder: Path) -> bool:
    """Tell whether a folder is the one that commands are given in; none is where that one was removed."""
    try:
        return folder == Path.cwd()
    except OSError:
        return False


def mending() -> str:
    """Return the step that brings damaged files of the package anew.

    Where underpaint runs from the project's files, pip would leave them as they are.
    """
    project = project_of(_noted())
    if project is None or not project.editable:
        return pip_command("", again=True)
    if not (project.folder / ".git").exists():
        return f"bring {project.folder / WEIGHTS} anew from where the project came from"
    folder = [] if _is_here(project.folder) else ["-C", str(project.folder)]
    return shlex.join(["git", *folder, "checkout", "--", WEIGHTS])


def portable(text: str) -> str:
    """Return a message for others than the user of this machine: without the folder that underpaint came from.

    Args:
        text: May hold commands of ``pip_command``.
    """
    noted = _details(_noted())
    place = _local(noted)
    folder = place.parent if place is not None and "archive_info" in noted else place
    if folder is None or folder == Path(folder.anchor):
        return text
    quoted = str(folder).replace("'", "'\"'\"'")
    for written in dict.fromkeys((str(folder), quoted)):
        text = re.sub(rf"(?<![\w./-]){re.escape(written)}(/|(?![\w-]))", lambda found: "" if found[1] else ".", text)
    return text
