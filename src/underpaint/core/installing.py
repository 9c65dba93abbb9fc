"""The pip command that brings what is missing: from the project's own files where underpaint was installed from them.

There the versions that the tests pass with stand in ``constraints.txt``; underpaint itself comes from no registry.
"""

from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

CONSTRAINTS = "constraints.txt"
FILES = (CONSTRAINTS, "pyproject.toml")


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
    try:
        noted = json.loads(direct_url or "{}")
        address = urlsplit(noted.get("url", ""))
        editable = bool(noted.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return None
    folder = Path(unquote(address.path))
    if address.scheme != "file" or not all((folder / name).is_file() for name in FILES):
        return None
    return Project(folder, editable)


def _noted() -> str | None:
    """Return what pip noted of the installation of underpaint; None if nothing."""
    try:
        return metadata.distribution("underpaint").read_text("direct_url.json")
    except (metadata.PackageNotFoundError, OSError):
        return None


def pip_command(extra: str | None, *, again: bool = False) -> str:
    """Return the command that installs an extra of underpaint.

    Args:
        extra: Its name in ``pyproject.toml``; empty or None for the base.
        again: Whether what is there already is installed once more, since it is damaged.
    """
    install = ["pip", "install", *["--force-reinstall"] * again]
    wanted = f"[{extra}]" if extra else ""
    project = project_of(_noted())
    if project is None:
        return shlex.join([*install, f"underpaint{wanted}"])
    here = project.folder == Path.cwd()
    constraints = CONSTRAINTS if here else str(project.folder / CONSTRAINTS)
    source = "." if here else str(project.folder)
    return shlex.join([*install, "-c", constraints, *["-e"] * project.editable, f"{source}{wanted}"])
