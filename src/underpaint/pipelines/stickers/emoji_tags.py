"""The emoji that stand for a sticker, by which messengers find it: those whose CLDR names are its words.

The model's words are names of emoji, so most stickers have just one; of others the longest names within their words
count, and several of a thing are found by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from underpaint.core.emoji import emoji_names
from underpaint.pipelines.stickers.emoji_form import is_emoji, qualified
from underpaint.pipelines.stickers.moods import noun_of

MOST = 3
"""Most emoji of a sticker, as WhatsApp takes them."""


def emoji_of(words: str) -> list[str]:
    """Return the emoji that stand for a picture, each once, at most three; none where its words name none.

    Args:
        words: What it shows.
    """
    left = _parts(noun_of(words))
    found: list[str] = []
    while left and len(found) < MOST:
        length, emoji = next(((n, emoji) for n in range(len(left), 0, -1) if (emoji := _named(left[:n]))), (1, ""))
        found += [emoji] if emoji and emoji not in found else []
        left = left[length:]
    return found


def _parts(text: str) -> list[str]:
    """Return the words of a text, without what stands between them; names of emoji have colons and quotes."""
    return re.findall(r"[^\W_]+", text.lower())


def _named(words: Sequence[str]) -> str:
    """Return the emoji of a name, or of the name that its last word is the plural of; empty if there is none."""
    name = " ".join(words)
    singular = (name.removesuffix(ending) for ending in ("s", "es") if name.endswith(ending))
    return next((_by_name()[one] for one in (name, *singular) if one in _by_name()), "")


@cache
def _by_name() -> dict[str, str]:
    """Return the emoji by their names, of several with one name the shortest; CLDR names other signs as well."""
    names: dict[str, str] = {}
    for sequence, name in sorted(emoji_names().items(), key=lambda item: -len(item[0])):
        if any(map(is_emoji, sequence)):
            names[" ".join(_parts(name))] = qualified(sequence)
    return names
