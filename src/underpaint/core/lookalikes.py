"""Characters that look like ASCII ones, and the ASCII ones they stand for.

``data/lookalikes.json`` is the part of Unicode's ``confusables.txt`` (UTS #39, license Unicode-3.0) whose sources are
Latin, Greek, Cyrillic, Armenian, Cherokee, Coptic or Lisu letters or symbols and whose targets are ASCII; it is made
by ``compact_lookalikes``. Letters of scripts that do not look like Latin text as a whole (Arabic, Hebrew, Han) are
left out, so that a text in them is refused instead of garbled.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from underpaint.core.emoji import emoji_names

SCRIPTS = ("LATIN ", "GREEK ", "CYRILLIC ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ", "MODIFIER LETTER ")

PUNCTUATION = {
    **dict.fromkeys("‘’‚‛′‵ʼʻ´ʹ", "'"),
    **dict.fromkeys("“”„‟″‶«»〝〞〟", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘", "-"),
    **dict.fromkeys("·•‧∙⋅", " "),
    "…": "...",
    "⁄": "/",
    "∕": "/",
    "×": "x",
    "¡": "!",
    "¿": "?",
    "、": ",",
    "。": ".",
}
SPELLINGS = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH", "ð": "d", "Ð": "D"}
"""Letters of English and its neighbors with a customary ASCII spelling; they go before what they look like."""


def compact_lookalikes(confusables: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return character to ASCII text, sorted by character.

    Args:
        confusables: Character to the texts that it may be confused with.
    """
    found = {c: t for c, t in ((c, _ascii_target(c, others)) for c, others in confusables.items()) if t}
    return dict(sorted(found.items()))


def _ascii_target(character: str, others: Sequence[str]) -> str | None:
    if len(character) != 1 or character.isascii() or character in emoji_names():
        return None
    if _without_marks(character).isascii() or unicodedata.normalize("NFD", character) != character:
        return None  # Unicode itself says what it is made of
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if category[0] not in "LPS" or (category[0] == "L" and not name.startswith(SCRIPTS)):
        return None
    targets = [_without_marks(other) for other in others]
    if category[0] == "L" and not name.startswith("MODIFIER"):
        targets = ["".join(c for c in target if c.isalnum() or not c.isascii()) for target in targets]
    target = next((t for t in targets if t.strip() and t.isascii() and t.isprintable()), None)
    # The table of Unicode folds I, l and | into one and m into rn; the way back depends on the character.
    if target == "l" and category == "Lu":
        return "I"
    return "m" if target == "rn" else target


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.category(c).startswith(("M", "C")))


def dump_lookalikes(table: Mapping[str, str]) -> str:
    """Return the text of ``lookalikes.json``: one character a line."""
    return json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


@cache
def _table() -> dict[str, str]:
    path = resources.files("underpaint.core") / "data" / "lookalikes.json"
    return {**json.loads(path.read_text(encoding="utf-8")), **PUNCTUATION, **SPELLINGS}


def ascii_lookalike(character: str) -> str | None:
    """Return the ASCII text that a character stands for, or None.

    A small letter without a look-alike takes its capital's ("н" that of "Н"), since case makes no difference later.

    Args:
        character: One character, composed.
    """
    table = _table()
    found = table.get(character)
    if found is None and character.isalpha() and character.islower():
        return table.get(character.upper())
    return found
