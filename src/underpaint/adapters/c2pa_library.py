"""Loading c2pa-python with the native library of its own package, and with no other.

Left alone it takes a library of that name from the present folder, and from ``artifacts`` and ``libs`` below it, before
its own: whoever unpacks a picture together with such a file would run that file's code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from underpaint.adapters.require import require
from underpaint.core.errors import SetupError
from underpaint.core.installing import pip_command

EXTRA = "c2pa"
CHOICE = "C2PA_LIBRARY_NAME"
"""Environment variable that names the library; a whole path leaves nothing to be searched."""
NAMES = {"darwin": "libc2pa_c.dylib", "win32": "c2pa_c.dll"}
REASON_CAP = 200


@cache
def library() -> ModuleType:
    """Return the package, loaded.

    Raises:
        MissingDependency: It is not installed.
        SetupError: It is, but not for this system, or not whole.
    """
    try:
        with _own_library():
            return require("c2pa", extra=EXTRA)
    except (ImportError, OSError, RuntimeError) as error:
        raise SetupError(
            f"the Python package 'c2pa' is installed but cannot be loaded here ({error!s:.{REASON_CAP}}); install it "
            f"again: {pip_command(EXTRA, again=True)}"
        ) from None


@contextmanager
def _own_library() -> Iterator[None]:
    """Let the package, while it is imported, load its own library by its whole path."""
    spec = find_spec("c2pa")
    if spec is None or not spec.submodule_search_locations:
        yield  # and the import says that it is not installed
        return
    folder, name = Path(spec.submodule_search_locations[0]), NAMES.get(sys.platform, "libc2pa_c.so")
    found = sorted(folder.rglob(name))
    if not found:
        raise ImportError(f"{name} is not in the package")
    before = os.environ.get(CHOICE)
    os.environ[CHOICE] = str(found[0].resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[CHOICE]
        else:
            os.environ[CHOICE] = before
