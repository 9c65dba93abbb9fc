"""The emoji that stand for a sticker, by which messengers find it: those whose CLDR names are its words.

The model's words are names of emoji, so most stickers have just one; of others the longest names within their words
count.
"""

from __future__ import annotations

import re
from functools import cache

from underpaint.core.emoji import emoji_names
from underpaint.pipelines.stickers.moods import noun_of

MOST = 3
"""Most emoji of a sticker, as WhatsApp takes them."""
PICTURES_FROM = 0x1F000
"""Characters below it are drawn as text unless a selector follows."""
SELECTOR = "\ufe0f"


def emoji_of(words: str) -> list[str]:
    """Return the emoji that stand for a picture, at most three.

    Args:
        words: What it shows.
    """
    left = re.findall(r"[a-z0-9-]+", noun_of(words).lower())
    found: list[str] = []
    while left and len(found) < MOST:
        length = next((n for n in range(len(left), 0, -1) if " ".join(left[:n]) in _by_name()), 0)
        found += [_by_name()[" ".join(left[:length])]] if length else []
        left = left[max(1, length) :]
    return found


@cache
def _by_name() -> dict[str, str]:
    """Return the emoji by their names; of several with one name the shortest."""
    names: dict[str, str] = {}
    for sequence, name in sorted(emoji_names().items(), key=lambda item: -len(item[0])):
        names[name.lower()] = _shown(sequence)
    return names


def _shown(sequence: str) -> str:
    """Return an emoji with the selector that has it drawn as a picture, if it needs one."""
    return sequence + SELECTOR if len(sequence) == 1 and ord(sequence) < PICTURES_FROM else sequence
