"""Canonical text: the one form in which captions and prompts reach the model.

Training captions and prompts pass through the same function; otherwise a character that is dropped on one side and
kept on the other (U+200B, say) can be trained as a hidden trigger (BadT2I, arXiv 2305.04175). The canonical alphabet
is printable ASCII in lower case. In order: emoji become their CLDR names, NFKC, invisible and unassigned characters
and marks go, look-alikes become the Latin letter they imitate, everything else is refused, white space collapses.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from underpaint.core.emoji import split_emoji
from underpaint.core.errors import PromptError
from underpaint.core.lookalikes import ascii_lookalike

MAX_CHARACTERS = 400
_RAW_FACTOR = 4
_KEYCAPS = {"#": "hash", "*": "star"}
_LEET = str.maketrans("013457@$!|+", "oieastasiit")
_CONTROLS = {code: None for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n\v\f\r\x1c\x1d\x1e\x1f"}


def canonicalize(text: str, *, max_characters: int = MAX_CHARACTERS) -> str:
    """Return the canonical form of a caption or prompt; canonical text is returned unchanged.

    Args:
        text: What a user or a data source wrote, in English.
        max_characters: The longest canonical text allowed; raw text may be four times as long.

    Raises:
        PromptError: The text is empty or too long, is no valid Unicode, or holds a character with no counterpart in
            the alphabet; the message names the character and its position, counted from 1.
    """
    if len(text) > _RAW_FACTOR * max_characters:
        raise PromptError(f"the prompt has {len(text):,} characters; at most {max_characters:,} are read: shorten it")
    spelled = text.translate(_CONTROLS) if text.isascii() else _to_ascii(text)
    canonical = " ".join(spelled.lower().split())
    if len(canonical) > max_characters:
        raise PromptError(
            f"the prompt has {len(canonical):,} characters{'' if text.isascii() else ' with its symbols spelled out'}; "
            f"at most {max_characters:,} are read: shorten it"
        )
    if not canonical:
        raise PromptError(f"the prompt is empty (got {text[:20]!r}); write in English what to draw")
    return canonical


def caption_from_name(name: str) -> str:
    """Return the caption for a CLDR name, with its ``: `` attributes written as a phrase.

    ``man: dark skin tone, bald`` becomes ``bald man with dark skin tone``, ``flag: France`` ``flag of france``,
    ``keycap: #`` ``keycap hash``.

    Args:
        name: A short name as CLDR or a source of pictures gives it.

    Raises:
        PromptError: As ``canonicalize``.
    """
    return canonicalize(_phrase(name))


def policy_form(text: str) -> str:
    """Return the form in which prompts are matched against a policy's terms, and nothing else.

    Case, digits and signs that stand for letters, and all separators are gone, so "C a-T5" and "cats" are equal.
    Terms must pass through the same function.

    Args:
        text: A prompt or a term; it is canonicalized first.

    Raises:
        PromptError: As ``canonicalize``.
    """
    return "".join(c for c in canonicalize(text).casefold().translate(_LEET) if c.isalnum())


def _phrase(name: str) -> str:
    head, colon, tail = name.partition(": ")
    if not colon:
        return name
    if head == "keycap":
        return f"keycap {_KEYCAPS.get(tail, tail)}"
    if head == "flag":
        return f"flag of {tail}"
    attributes = tail.split(", ")
    looks = [a for a in attributes if a.endswith(" hair") or a == "beard"]
    looks += [a for a in attributes if a.endswith("skin tone")]
    people = [a for a in attributes if a not in (*looks, "bald", "facing right")]
    phrase = ", ".join([f"bald {head}" if "bald" in attributes else head, *people])
    phrase += " facing right" if "facing right" in attributes else ""
    return f"{phrase} with {' and '.join(looks)}" if looks else phrase


def _to_ascii(text: str) -> str:
    pieces = []
    for index, piece, name in split_emoji(text):
        spelled = f" {_name_to_ascii(name)} " if name else _fold(piece)
        if spelled is None:
            raise PromptError(_refusal(piece, index + 1))
        pieces.append(spelled)
    return "".join(pieces).translate(_CONTROLS)


@lru_cache(maxsize=512)
def _name_to_ascii(name: str) -> str:
    return "".join(_fold(c) or "" for c in _phrase(name))


@lru_cache(maxsize=2048)
def _fold(character: str) -> str | None:
    """Return a character's ASCII text, empty if it is dropped, None if it is outside the alphabet."""
    if character.isascii():
        return character
    spelled = ascii_lookalike(character)
    if spelled is not None:
        return spelled
    folded = [_fold_composed(c) for c in unicodedata.normalize("NFKC", character)]
    return None if None in folded else "".join(c for c in folded if c is not None)


def _fold_composed(character: str) -> str | None:
    category = unicodedata.category(character)
    if character.isascii():
        return character
    if category[0] == "Z" or character == "\x85":
        return " "
    if category in ("Cf", "Cc", "Cn") or category[0] == "M":
        return ""
    spelled = ascii_lookalike(character)
    if spelled is not None:
        return spelled
    decomposed = unicodedata.normalize("NFKD", character)
    if len(decomposed) == 1:
        return ascii_lookalike(decomposed) if category != "Co" else ""
    base = [_fold_composed(c) for c in decomposed]
    return None if None in base else "".join(c for c in base if c is not None)


def _refusal(character: str, position: int) -> str:
    code = f"U+{ord(character[0]):04X}"
    if "\ud800" <= character[0] <= "\udfff":
        return f"the prompt is not valid Unicode: lone surrogate {code} at position {position}; remove it"
    name = unicodedata.name(character[0], "unnamed character")
    return (
        f"the prompt holds {character[0]!r} ({code} {name}) at position {position}, which the model cannot read; "
        "write the prompt in English, with letters, digits, punctuation and emoji"
    )
