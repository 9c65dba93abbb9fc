"""Which Python packages are installed; nothing is imported to find out."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

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


def torch_cuda() -> str | None:
    """Return the version of CUDA that the installed torch was built for; None if for none, or there is no torch."""
    try:
        path = Path(str(metadata.distribution("torch").locate_file("torch/version.py")))
        found = TORCH_CUDA.search(path.read_text(encoding="utf-8"))
    except (metadata.PackageNotFoundError, OSError):
        return None
    return found["version"] if found else None
