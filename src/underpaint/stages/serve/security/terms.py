"""How the terms of a policy are written: words and phrases, endings to choose from, beginnings, ages.

``lynch(ed|ing)``  lynch, lynched, lynching          ``porn*``           any word that begins so
``self harm``      these two words, one after another ``{1-17} year old`` a number in that range, in digits or in words

There are no regular expressions: a term can neither be slow nor match more than it seems to. Terms pass through the
same canonical form as prompts, so that accents and look-alikes need not be thought of.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from underpaint.core.text import canonicalize

MAX_WORDS, MAX_SPELLINGS, MIN_BEGINNING = 12, 64, 3
NUMBER_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty
"""
NUMBERS = {word: number for number, word in enumerate(NUMBER_WORDS.split())}


@dataclass(frozen=True)
class Word:
    """One word of a term.

    Args:
        text: The word; of a beginning, the beginning; of a number, what stands after it in the same word.
        is_beginning: Whether any ending may follow.
        least: Smallest number; None if it is no number.
        most: Largest number.
    """

    text: str
    is_beginning: bool = False
    least: int | None = None
    most: int = 0


Term = tuple[Word, ...]


def pieces(text: str) -> list[str]:
    """Return the words of a canonical text; an apostrophe neither parts words nor stands in them, nor does ``'s``.

    Args:
        text: Canonical.
    """
    joined = f"{text} ".replace("'s ", " ").replace("'", "")
    return "".join(c if c.isalnum() else " " for c in joined).split()


def spellings(term: str) -> Iterator[Term]:
    """Yield every way to write a term.

    Args:
        term: As the module's docstring says.

    Raises:
        PromptError: It holds characters that no prompt can have.
        ValueError: It is not written as it must be; the message says why.
    """
    chunks = canonicalize(term).split()
    words = [word for chunk in chunks for word in ([chunk] if chunk.startswith("{") else chunk.split("-"))]
    chosen = [list(_words(word)) for word in words]
    number = 1
    for alternatives in chosen:
        number *= len(alternatives)
    if len(chosen) > MAX_WORDS or number > MAX_SPELLINGS:
        raise ValueError(
            f"{term!r:.60} has {len(chosen)} words and {number} spellings; at most {MAX_WORDS} and {MAX_SPELLINGS} "
            "are allowed: write several terms"
        )
    yield from itertools.product(*chosen)


def in_one_word(term: Term) -> Term | None:
    """Return a phrase written without spaces, None if it holds numbers or beginnings before its end.

    Args:
        term: A term of several words.
    """
    if any(word.least is not None or word.is_beginning for word in term[:-1]) or term[-1].least is not None:
        return None
    return (Word("".join(word.text for word in term), is_beginning=term[-1].is_beginning),)


def _words(word: str) -> Iterator[Word]:
    """Yield the ways to write one word."""
    if word.startswith("{"):
        yield _number(word)
        return
    stem, bracket, rest = word.partition("(")
    if not bracket:
        yield _plain(word)
        return
    endings, closing, after = rest.partition(")")
    if closing != ")" or after:
        raise ValueError(f"{word!r:.60}: endings stand in one pair of brackets at the end, as in kill(s|ed|ing)")
    for ending in ("", *endings.split("|")):
        yield _plain(stem + ending)


def _plain(word: str) -> Word:
    is_beginning = word.endswith("*")
    text = word.removesuffix("*").replace("'", "")
    if not text.isalnum():
        raise ValueError(f"{word!r:.60}: a word is made of letters and digits, with * only at its end")
    if is_beginning and len(text) < MIN_BEGINNING:
        raise ValueError(f"{word!r:.60}: a beginning has at least {MIN_BEGINNING} letters")
    return Word(text, is_beginning=is_beginning)


def _number(word: str) -> Word:
    inside, closing, after = word[1:].partition("}")
    least, dash, most = inside.partition("-")
    if not (closing and dash and least.isdecimal() and most.isdecimal() and (after.isalpha() or not after)):
        raise ValueError(f"{word!r:.60}: a number is written as {{1-17}}, letters may follow")
    if len(inside) > 9 or int(least) > int(most):
        raise ValueError(f"{word!r:.60}: the first number must be the smaller one, and both below 10,000")
    return Word(after, least=int(least), most=int(most))
