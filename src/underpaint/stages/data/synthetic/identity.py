"""The id of what a caption asks for: that of the emoji with this name, so that tone, gender and concept are known.

A caption that names no emoji gets an id of private use out of its own hash. Several pictures of one wish are numbered
by a code of private use at the end of the id, which is no part of the concept (``core.concept``).
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import cache

from underpaint.core.concept import FIRST_NUMBER
from underpaint.core.emoji import emoji_names
from underpaint.core.errors import PromptError
from underpaint.core.text import caption_from_name
from underpaint.stages.data.drawing import id_of

ARTICLES = ("a ", "an ", "the ")
BEYOND, UNUSED = 0x800000, 0x80000
"""Where codes begin that are no characters, and characters that nobody has been given."""


@cache
def known_ids() -> dict[str, str]:
    """Return caption to id of all emoji that CLDR names; the shortest id where a name stands twice."""
    known: dict[str, str] = {}
    for sequence, name in sorted(emoji_names().items(), key=lambda item: (len(item[0]), item[0])):
        with contextlib.suppress(PromptError):
            known.setdefault(caption_from_name(name), id_of(sequence))
    return known


def plain_caption(caption: str) -> str:
    """Return a canonical caption without an article at its beginning."""
    return caption.removeprefix(next((word for word in ARTICLES if caption.startswith(word)), ""))


def wish_id(caption: str) -> str:
    """Return the id of what a caption asks for.

    Args:
        caption: In canonical form; an article at its beginning does not count.
    """
    plain = plain_caption(caption)
    return known_ids().get(plain) or private_id(plain)


def private_id(caption: str) -> str:
    """Return an id that only this caption has: 59 bits of its hash, as code points that no emoji has."""
    bits = int.from_bytes(hashlib.sha256(caption.encode()).digest()[:8]) >> 5
    first, second, third = bits >> 36, bits >> 18 & 0x3FFFF, bits & 0x3FFFF
    return f"{BEYOND + first:x}-{UNUSED + second:x}-{UNUSED + third:x}"


def numbered_id(id_: str, number: int) -> str:
    """Return the id of one of several pictures of a wish.

    Args:
        id_: Of the wish.
        number: 0 for the first picture, which keeps the id of the wish.
    """
    return f"{id_}-{FIRST_NUMBER + number:x}" if number else id_
