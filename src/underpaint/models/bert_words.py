"""Words as BERT cuts them: cleaned, folded, at white space, with each punctuation mark and Han character alone.

The steps are those of BERT's basic tokenization in its order: clean, set Han apart, decompose and strip, lower, split.
Each changes one character at a time (decomposition alone reorders marks), so two tables of characters hold all of them.

Source: google-research/bert, arXiv 1810.04805.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

from pydantic import StrictBool

from underpaint.core.config import Config
from underpaint.models.bert_characters import DROPPED, HAN, NON_SPACING, PUNCTUATION, WHITE_SPACE


class BertNormalizer(Config):
    """How a text is folded before it is split.

    Args:
        type: The only kind of normalizer known here.
        clean_text: Whether controls are dropped.
        handle_chinese_chars: Whether each Han character is a word.
        strip_accents: Whether accents are dropped; None does as ``lowercase`` says.
        lowercase: Whether letters are lowered.
    """

    type: Literal["BertNormalizer"]
    clean_text: StrictBool
    handle_chinese_chars: StrictBool
    strip_accents: StrictBool | None = None
    lowercase: StrictBool


class BertPreTokenizer(Config):
    """The split at white space and around punctuation; it has no settings.

    Args:
        type: The only kind of pre-tokenizer known here.
    """

    type: Literal["BertPreTokenizer"]


class BertWords:
    """Cuts a text into words.

    Args:
        config: How it is folded before.
    """

    def __init__(self, config: BertNormalizer) -> None:
        self.config = config
        self._strips = config.lowercase if config.strip_accents is None else config.strip_accents
        self._cleaned = _Table(self._clean)
        self._folded = _Table(self._fold)

    def __call__(self, text: str) -> list[str]:
        """Return the words of a text in order; an empty text has none."""
        cleaned = text.translate(self._cleaned)
        decomposed = unicodedata.normalize("NFD", cleaned) if self._strips else cleaned
        return [word for word in decomposed.translate(self._folded).split(" ") if word]

    def _clean(self, character: str) -> str:
        code = ord(character)
        if self.config.clean_text and code in DROPPED:
            return ""
        if self.config.clean_text and code in WHITE_SPACE:
            return " "
        return f" {character} " if self.config.handle_chinese_chars and code in HAN else character

    def _fold(self, character: str) -> str:
        if self._strips and ord(character) in NON_SPACING:
            return ""
        folded = character.lower() if self.config.lowercase else character
        return "".join(_set_apart(c) for c in folded)


class _Table(dict[int, str]):
    """What stands for each character, by its code; worked out when it first occurs."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, code: int) -> str:
        self[code] = spelled = self._spell(chr(code))
        return spelled


def _set_apart(character: str) -> str:
    code = ord(character)
    if code in WHITE_SPACE:
        return " "
    return f" {character} " if code in PUNCTUATION else character
