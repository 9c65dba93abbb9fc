"""Draw stickers from words with a small model that was designed, trained and is shipped here.

    import underpaint

    picture = underpaint.load().generate("a smiling cat with sunglasses", seed=7)[0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["__version__"]

__version__ = "0.1.0"
