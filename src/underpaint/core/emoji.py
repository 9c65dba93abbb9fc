"""Emoji sequences and their English names in Unicode's CLDR, from a compact file that lies in the package.

``data/emoji_names.json`` maps each sequence, written without U+FE0F, to CLDR's short name as it stands there
("man: medium skin tone"). It is made by ``compact_names`` from the npm packages ``cldr-annotations-full`` and
``cldr-annotations-derived-full`` 48.2.0 (license Unicode-3.0).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

SELECTORS = {0xFE0E: None, 0xFE0F: None}
_PICTURES = "ℹ‼⁉"


def strip_selectors(text: str) -> str:
    """Remove U+FE0E and U+FE0F, which only choose between a colored and a plain drawing."""
    return text.translate(SELECTORS)


def compact_names(*annotations: Mapping[str, Any]) -> dict[str, str]:
    """Return sequence to name from CLDR's annotation files, sorted by sequence.

    Text characters that prompts may hold as such are left out: ASCII, punctuation (it has ASCII look-alikes),
    letters and superscripts.

    Args:
        annotations: Parsed ``annotations.json`` files, base and derived.
    """
    names: dict[str, str] = {}
    for file in annotations:
        body = file.get("annotations") or file["annotationsDerived"]
        for key, entry in body["annotations"].items():
            sequence = strip_selectors(key)
            if "tts" in entry and not _is_plain_text(sequence):
                names[sequence] = entry["tts"][0]
    return dict(sorted(names.items()))


def _is_plain_text(sequence: str) -> bool:
    if len(sequence) > 1 or sequence in _PICTURES:
        return False
    category = unicodedata.category(sequence)
    is_textual = category[0] in "PLZ" or category in ("No", "Sk")
    is_symbol_block = ord(sequence) >= 0x2190  # circled and boxed letters there are pictures
    return sequence.isascii() or sequence == "⁄" or (is_textual and not is_symbol_block)


def dump_names(names: Mapping[str, str]) -> str:
    """Return the text of ``emoji_names.json``: one sequence a line, so that changes can be read."""
    return json.dumps(names, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


@cache
def emoji_names() -> dict[str, str]:
    """Return sequence (without U+FE0F) to CLDR name; read once, when a text first needs it."""
    path = resources.files("underpaint.core") / "data" / "emoji_names.json"
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _longest() -> int:
    return max(len(sequence) for sequence in emoji_names())


def split_emoji(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Cut a text into emoji sequences, the longest possible first, and single characters.

    Args:
        text: Any text; U+FE0E and U+FE0F in it are skipped.

    Yields:
        Index in ``text``, the piece without U+FE0E and U+FE0F, and its CLDR name (None if it is no emoji).
    """
    indices = [i for i, c in enumerate(text) if ord(c) not in SELECTORS]
    plain, names, i = strip_selectors(text), emoji_names(), 0
    while i < len(plain):
        size = 1
        if not plain[i : i + 2].isascii():
            longest = min(_longest(), len(plain) - i)
            size = next((n for n in range(longest, 0, -1) if plain[i : i + n] in names), 1)
        piece = plain[i : i + size]
        yield indices[i], piece, names.get(piece)
        i += size
