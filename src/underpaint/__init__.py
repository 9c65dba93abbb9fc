"""Draw stickers from words with a small model that was designed, trained and is shipped here.

Example:
    >>> import underpaint
    >>> picture = underpaint.load().generate("a smiling cat with sunglasses", seed=7)[0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underpaint.pipelines.generator import load
    from underpaint.pipelines.picture_file import save
    from underpaint.pipelines.upscaling.picture import upscale
    from underpaint.stages.evaluate.api import evaluate

__all__ = ["__version__", "evaluate", "load", "save", "upscale"]

__version__ = "0.1.0"

_LAZY = {
    "evaluate": "underpaint.stages.evaluate.api",
    "load": "underpaint.pipelines.generator",
    "save": "underpaint.pipelines.picture_file",
    "upscale": "underpaint.pipelines.upscaling.picture",
}


def __getattr__(name: str) -> Any:
    """Import what draws, saves and evaluates when it is first asked for, so that ``import underpaint`` stays light."""
    if name not in _LAZY:
        raise AttributeError(f"module 'underpaint' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
