"""Which Python packages are installed, and the pip command that brings one; nothing is imported to find out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

OURS = "underpaint"
NOT_FOR_USERS = {"dev"}
"""Extras that bring what tests need; no advice names them."""

REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)")
EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[\w-]+)['"]""")
TORCH_CUDA = re.compile(r"""^cuda\s*(?::[^=\n]*)?=\s*['"](?P<version>[\d.]+)['"]""", re.MULTILINE)


def version_of(*distributions: str) -> str | None:
    """Return the version of the first of some packages that is installed, or None.

    Args:
        distributions: What pip calls the package, and others that bring the same module.
    """
    for name in distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def normal(name: str) -> str:
    """Return a package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def our_requirements() -> list[str]:
    """Return what underpaint and its extras need, as its own metadata says; empty where it is not installed."""
    try:
        return metadata.requires(OURS) or []
    except metadata.PackageNotFoundError:
        return []


def extra_of(distribution: str, requirements: Sequence[str]) -> str | None:
    """Return the first extra of underpaint that brings a package; ``""`` if the base does, None if nothing does.

    Args:
        distribution: What pip calls it.
        requirements: What underpaint needs, a line a package, as ``our_requirements`` returns it.
    """
    for line in requirements:
        name, extra = REQUIREMENT.match(line), EXTRA.search(line)
        if name is None or normal(name["name"]) != normal(distribution):
            continue
        if extra is None:
            return ""
        if extra["extra"] not in NOT_FOR_USERS:
            return extra["extra"]
    return None


def pip_command(*distributions: str, requirements: Sequence[str] | None = None) -> str:
    """Return the command that installs packages, by the extra that brings the first of them if there is one.

    Args:
        distributions: What pip calls them; at least one.
        requirements: What underpaint needs; looked up if None.
    """
    extra = extra_of(distributions[0], our_requirements() if requirements is None else requirements)
    if extra is None:
        return f"pip install {' '.join(distributions)}"
    return f"pip install '{OURS}[{extra}]'" if extra else f"pip install {OURS}"


def torch_cuda() -> str | None:
    """Return the version of CUDA that the installed torch was built for; None if for none, or there is no torch."""
    try:
        path = Path(str(metadata.distribution("torch").locate_file("torch/version.py")))
        found = TORCH_CUDA.search(path.read_text(encoding="utf-8"))
    except (metadata.PackageNotFoundError, OSError):
        return None
    return found["version"] if found else None
