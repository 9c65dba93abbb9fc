"""Draw stickers from words with a small model that was designed, trained and is shipped here.

Example:
    >>> import underpaint
    >>> picture = underpaint.load().generate("a smiling cat with sunglasses", seed=7)[0]
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
