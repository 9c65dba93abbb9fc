"""Import an optional dependency, or say how to install it."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from underpaint.core.errors import MissingDependency
from underpaint.core.installing import pip_command


def require(module: str, *, extra: str | None) -> ModuleType:
    """Import a module that an extra of underpaint brings.

    Args:
        module: Import name, for example ``mlcroissant``.
        extra: The extra of underpaint that installs it, for example ``data``; None if underpaint itself does.

    Raises:
        MissingDependency: It is not installed; the message names the pip command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        raise _missing(module, extra) from None


def check_installed(module: str, *, extra: str | None) -> None:
    """Check that a module is there without importing it, before long work that needs it in the end.

    Args:
        module: Import name, without a dot.
        extra: As in ``require``.

    Raises:
        MissingDependency: As in ``require``.
    """
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise _missing(module, extra)


def _missing(module: str, extra: str | None) -> MissingDependency:
    return MissingDependency(f"this needs the Python package {module!r}; install it with: {pip_command(extra)}")
