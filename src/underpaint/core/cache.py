"""Where underpaint keeps what it can make or fetch again: packages, renders, pictures of an evaluation, features."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder: ``UNDERPAINT_CACHE``, else ``underpaint`` in the user's cache."""
    chosen = os.environ.get("UNDERPAINT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "underpaint"
