"""The check of captions: hidden characters, mixed scripts, and captions that say the same of different pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

import numpy as np

from underpaint.core.config import Config
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.core.text import canonicalize
from underpaint.stages.data.text_hashes import TextHashes, among, text_hash

HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs")
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "HANGUL")
MAX_LISTED = 10


class CaptionReport(Config):
    """What was found in names and captions.

    Args:
        captions: Number of different captions.
        words: Number of different words.
        longest_words: Words of the longest caption.
        longest_characters: Characters of the longest caption.
        rewritten: Names whose caption differs from them by more than case.
        not_canonical: Captions that are not in canonical form; must be none.
        hidden: Names or captions with invisible or unassigned characters; must be none.
        mixed_scripts: Names that mix scripts.
        shared: Captions that two ids of one style have in common.
    """

    captions: int
    words: int
    longest_words: int
    longest_characters: int
    rewritten: int
    not_canonical: tuple[str, ...]
    hidden: tuple[str, ...]
    mixed_scripts: tuple[str, ...]
    shared: tuple[str, ...]


def hidden_characters(text: str) -> list[str]:
    """Return the invisible, private and unassigned characters of a text as ``U+XXXX``."""
    if text.isascii() and text.isprintable():
        return []
    return [f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in HIDDEN]


def scripts_of(text: str) -> set[str]:
    """Return the scripts that a text's letters belong to."""
    names = [unicodedata.name(c, "") for c in text if c.isalpha()]
    return {script for script in SCRIPTS for name in names if name.startswith(script)}


class Wording:
    """What is counted and found while names and captions go by; only what has to be listed is kept as text."""

    def __init__(self) -> None:
        self.captions, self.words, self.rewritten, self.owned = (TextHashes() for _ in range(4))
        self.longest_words = self.longest_characters = 0
        self.not_canonical: set[str] = set()
        self.hidden: set[str] = set()
        self.mixed_scripts: set[str] = set()

    def add(self, sample: Sample) -> None:
        """Examine the name and the caption of a sample; a name has one caption."""
        caption, name, words = sample.caption, sample.name, sample.caption.split()
        self.captions.add(caption)
        self.owned.add(sample.style, caption)
        for word in {word.strip(".,!?\"'()") for word in words} - {""}:
            self.words.add(word)
        if name.lower() != caption:
            self.rewritten.add(name)
        self.longest_words = max(self.longest_words, len(words))
        self.longest_characters = max(self.longest_characters, len(caption))
        self.not_canonical |= {text for text in sample.captions if canonicalize(text) != text}
        self.hidden |= {text for text in (name, *sample.captions) if hidden_characters(text)}
        self.mixed_scripts |= {name} if not name.isascii() and len(scripts_of(name)) > 1 else set()


def shared_captions(samples: Collection[Sample], again: np.ndarray) -> tuple[str, ...]:
    """Return the captions that several ids of one style have in common.

    Args:
        samples: All samples.
        again: Hashes of the pairs of style and caption that stand there more than once, sorted.
    """
    first: dict[tuple[str, str], str] = {}
    shared: set[str] = set()
    for sample in samples if len(again) else ():
        pair = (sample.style, sample.caption)
        if among(again, text_hash(*pair)) and first.setdefault(pair, sample.id) != sample.id:
            shared.add(": ".join(pair))
    return tuple(sorted(shared))


def check_captions(samples: Collection[Sample]) -> CaptionReport:
    """Examine names and captions; the samples are gone through twice if captions are shared."""
    found = Wording()
    for sample in samples:
        found.add(sample)
    return CaptionReport(
        captions=found.captions.count(),
        words=found.words.count(),
        longest_words=found.longest_words,
        longest_characters=found.longest_characters,
        rewritten=found.rewritten.count(),
        not_canonical=tuple(sorted(found.not_canonical)),
        hidden=tuple(f"{text!r} ({', '.join(hidden_characters(text))})" for text in sorted(found.hidden)),
        mixed_scripts=tuple(sorted(found.mixed_scripts)),
        shared=shared_captions(samples, found.owned.again()),
    )


def refuse_hidden(report: CaptionReport) -> None:
    """Refuse captions that are not what they seem.

    Raises:
        DataError: A caption is not canonical or holds hidden characters; the message lists the first ones.
    """
    found = (*report.hidden, *report.not_canonical)
    if found:
        raise DataError(
            f"{len(found)} caption(s) hold hidden characters or are not in canonical form: "
            f"{'; '.join(found[:MAX_LISTED])}. Clean the source; a hidden character can be trained as a trigger"
        )
