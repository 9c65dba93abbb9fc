"""What a graph that edits is fed with beside what one that draws is; without torch."""

from __future__ import annotations

ORIGINAL = "original"
"""The picture ``[1, S, S, 4]`` uint8, straight alpha."""
FREE = "free"
"""What is drawn anew, all scales in a row, coarse to fine: ``[tokens]`` bool."""
WORDLESS = "wordless"
"""Whether there are no words ``[1]`` bool; those that are fed give their length alone."""
MIXED = "mixed"
"""Beginning of the names of the words that are mixed in; those of the prompt again where nothing is."""
SHARE = "share"
"""Their share, a scalar."""
AGAINST = "against"
"""Beginning of the names of the words to draw away from; those of the prompt again where there are none."""
NEGATIVE = "negative"
"""Whether there are words to draw away from ``[1]`` bool."""
UNSAID = "a picture of something"
"""The words whose length a missing text has; it has no other part of them."""


def named(beginning: str, name: str) -> str:
    """Return the name of one of the inputs of words, such as ``against-mask``."""
    return f"{beginning}-{name}"
