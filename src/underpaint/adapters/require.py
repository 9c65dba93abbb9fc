"""Import an optional dependency, or say how to install it."""

from __future__ import annotations

import importlib
from types import ModuleType

from underpaint.core.errors import MissingDependency


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
        package = f"'underpaint[{extra}]'" if extra else "underpaint"
        raise MissingDependency(
            f"this needs the Python package {module!r}; install it with: pip install {package}"
        ) from None
