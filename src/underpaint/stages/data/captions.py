"""The check of captions: hidden characters, mixed scripts, and captions that say the same of different pictures."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from underpaint.core.config import Config
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.core.text import canonicalize

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
    return [f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in HIDDEN]


def scripts_of(text: str) -> set[str]:
    """Return the scripts that a text's letters belong to."""
    names = [unicodedata.name(c, "") for c in text if c.isalpha()]
    return {script for script in SCRIPTS for name in names if name.startswith(script)}


def check_captions(samples: Sequence[Sample]) -> CaptionReport:
    """Examine names and captions."""
    captions = Counter(sample.caption for sample in samples)
    names = {sample.name: sample.caption for sample in samples}
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        owners[sample.style, sample.caption].add(sample.id)
    texts = sorted({*names, *captions})
    return CaptionReport(
        captions=len(captions),
        words=len({word.strip(".,!?\"'()") for caption in captions for word in caption.split()} - {""}),
        longest_words=max(len(caption.split()) for caption in captions),
        longest_characters=max(map(len, captions)),
        rewritten=sum(name.lower() != caption for name, caption in names.items()),
        not_canonical=tuple(caption for caption in sorted(captions) if canonicalize(caption) != caption),
        hidden=tuple(f"{t!r} ({', '.join(hidden_characters(t))})" for t in texts if hidden_characters(t)),
        mixed_scripts=tuple(name for name in sorted(names) if len(scripts_of(name)) > 1),
        shared=tuple(sorted({f"{style}: {caption}" for (style, caption), ids in owners.items() if len(ids) > 1})),
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
