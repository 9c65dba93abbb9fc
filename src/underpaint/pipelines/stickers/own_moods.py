"""Moods in words of one's own: what they may look like, and the words of the picture that each of them means."""

from __future__ import annotations

import re

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.moods import MOODS, noun_of, words_of

OWN_CHARACTERS = 200
"""Most characters of one mood."""
APART = r"[(,;:!?]|\s(?:with|without|in|on|at|of|and|from|under|who|that)\s"
"""What is said of a thing begins here."""


def check_own(words: str, called: str) -> str:
    """Return a mood in words of one's own, bare of blanks around.

    Args:
        words: The words.
        called: What they are called in messages, for example ``line 4 of your own moods``.

    Raises:
        InputError: They are too long, or no single line of text.
    """
    words = words.strip()
    if len(words) > OWN_CHARACTERS:
        raise InputError(f"{called} has {len(words):,} characters; at most {OWN_CHARACTERS} fit")
    sign = next((sign for sign in words if sign < " "), None)
    if sign is not None:
        raise InputError(f"{called} holds the character {sign!r}; write it as one line of words")
    return words


def own_words(subject: str, words: str) -> str:
    """Return what a picture is drawn from whose mood is in words of one's own.

    Args:
        subject: Such as ``a cat``.
        words: Such as ``{} with a hat``, ``a cat with a hat`` or ``with a hat``, which all mean the same cat. The name
            of a mood, such as ``happy`` or ``Happy``, means that mood.
    """
    if (name := words.casefold()) in MOODS:
        return words_of(subject, name)
    noun = noun_of(subject)
    if "{}" in words:
        return words.replace("{}", noun)
    return words if _is_named(noun, words) else f"{noun} {words}"


def _is_named(noun: str, words: str) -> bool:
    """Tell whether words name a thing, whole or by its head, which is the last word before anything said of it."""
    name = re.split(APART, noun, maxsplit=1)[0].strip() or noun
    heads = [parts for one in name.split() if (parts := _words(one))]
    if not heads:
        return noun in words
    head, said = heads[-1], _words(words)
    return any(said[at : at + len(head)] == head for at in range(len(said)))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
