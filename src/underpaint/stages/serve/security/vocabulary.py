"""Which words of a policy a token of a prompt may be, plainly or in disguise.

Disguises of single words: digits and signs for letters (``n4z1``), letters repeated (``naaazi``), letters hidden
(``n*zi``), words run together. Each is looked up in a table; the cost of a token does not depend on the policy's size.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from typing import Literal

from underpaint.core.emoji import emoji_names
from underpaint.stages.serve.security.terms import MIN_BEGINNING, NUMBERS, Word

How = Literal["plain", "signs for letters", "letters repeated", "letters hidden", "run together", "pulled apart"]
Reading = tuple[int, How]
"""A word of the policy by its number, and how it is written."""

SIGNS = str.maketrans("0134578926@$!|+<({lz", "oieastbgsgasiitcccis")
"""Signs to letters; ``l`` goes to ``i`` and ``z`` to ``s``, since 1 and 2 may stand for either. Disguised words alone
are brought into this form, so that "ball" and "bail" never meet."""
SIGN = re.compile(r"[0-9@$!|+<({]")
HIDDEN = frozenset("*#_?%~")
RUN = re.compile(r"(.)\1\1")
MIN_DISGUISED, MIN_TOGETHER, MAX_TOGETHER, MIN_PART = 3, 6, 400, 3
MIN_PULLED, LONG_BEGINNING = 4, 6
MOSTLY, LONG_PART = 0.6, 7
COMMON_WORDS = """
a about above after all an and any are around as at back be been before behind below beside between black blue both
but by can close could day did do does down each eat eating end every few fine for from front full gave get go gold
gone good got gray great green grey had has have he her here hers him his hold holding how i if in inside into is it
its just large left like long look looking made make making man many may me men mine more most much my near new next
no not now of off old on one only open or orange other our out over own past per pink play playing purple put red
right run said same saw see set she side silver sit sitting small so some stand standing style sun than that the their
them then there these they this those through to too top two under up upon us use very was way we wear wearing well
were what when where which white who will with within without woman women yellow yet you young your
"""
COMMON = frozenset(COMMON_WORDS.split())
"""Frequent words of prompts. Of ordinary words side by side nobody means what they would be together (``pen is``)."""


def plain_signs(text: str) -> str:
    """Return a word with letters for signs."""
    return text.translate(SIGNS).replace("ph", "f").replace("vv", "w")


def squeezed(text: str) -> str:
    """Return a word with each letter once where it is repeated."""
    return "".join(letter for letter, _ in groupby(text))


def is_repeated(text: str) -> bool:
    """Tell whether letters are repeated as no ordinary word repeats them."""
    return bool(RUN.search(text)) or len(text) - len(squeezed(text)) > 2


class Vocabulary:
    """All words of a policy.

    Args:
        words: The words, each once; their numbers are their places.
        alone: Numbers of those that are a term by themselves, the others stand in phrases only.
    """

    def __init__(self, words: Iterable[Word], alone: Collection[int]) -> None:
        self._exact: dict[str, int] = {}
        self._beginnings: dict[str, int] = {}
        self._numbers: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for number, word in enumerate(words):
            if word.least is not None:
                self._numbers[word.text].append((word.least, word.most, number))
            elif word.is_beginning:
                self._beginnings[word.text] = number
            else:
                self._exact[word.text] = number
        self._heads = _heads(self._beginnings, str)
        whole = {**self._beginnings, **self._exact}
        self._sign_heads = _heads(self._beginnings, plain_signs)
        self._signs = _by(whole, plain_signs)
        self._squeezed_heads = _heads(self._beginnings, squeezed)
        self._squeezed = _by(whole, squeezed)
        self._squeezed_signs = _by(whole, lambda text: squeezed(plain_signs(text)))
        self._hidden: dict[tuple[int, str], list[tuple[str, int]]] = defaultdict(list)
        for text, number in self._exact.items():
            self._hidden[len(text), text[0]].append((text, number))
        for text, number in self._beginnings.items():
            self._hidden[0, text[0]].append((text, number))
        self._rare = {text: number for text, number in whole.items() if len(text) >= MIN_PART and text not in COMMON}
        self._parts = {text: number for text, number in self._rare.items() if number in alone}
        self.longest = max(map(len, whole), default=0)

    @cached_property
    def ordinary(self) -> frozenset[str]:
        """Words that stand in names of emoji, and frequent ones."""
        words = (word for name in emoji_names().values() for word in name.lower().split())
        return frozenset(word for word in words if word.isalpha()) | COMMON

    def plain(self, token: str) -> Iterator[Reading]:
        """Yield the words that a token is as it stands."""
        if (number := self._exact.get(token)) is not None:
            yield number, "plain"
        yield from _read(_begun(token, self._heads), "plain")
        if token in NUMBERS or token[:1].isdecimal():
            yield from _read(self._numbered(token), "plain")

    def disguised(self, token: str) -> Iterator[Reading]:
        """Yield the words that a token is in disguise; it may hold signs."""
        if SIGN.search(token) and any(c.isalpha() for c in token):
            yield from _read(self._by_signs(token), "signs for letters")
        elif is_repeated(token):
            yield from _read(self._by_repeats(token), "letters repeated")
        if not HIDDEN.isdisjoint(token):
            yield from _read(self._by_gaps(token), "letters hidden")

    def exactly(self, text: str, known: int = 0) -> int | None:
        """Return the word that a text is, in letters or with signs for them; None if it is none, or too short.

        Args:
            text: Pieces of a prompt, put together.
            known: Letters of all pieces but the last, so that no beginning is found that stands there already.
        """
        if not MIN_PULLED <= len(text) <= self.longest:
            return None
        found = self._rare.get(text)
        if found is None:
            begun = ((len(one), number) for one, number in self._heads.get(text[:MIN_BEGINNING], ()))
            longest = ((n, number) for n, number in begun if n > max(known, LONG_BEGINNING - 1))
            found = next((number for n, number in longest if self._beginnings.get(text[:n]) == number), None)
        if found is None and SIGN.search(text) and not text.isdecimal():
            found = next(self._by_signs(text), None)
        return found

    def together(self, token: str) -> list[int]:
        """Return the words that a token is made of with nothing but frequent words between them; none if it is not.

        They must be most of it, and several or long: "therapist" is not read as "the rapist".
        """
        if not MIN_TOGETHER <= len(token) <= MAX_TOGETHER:
            return []
        ways: list[tuple[int, list[int]] | None] = [(0, []), *([None] * len(token))]
        for end in range(1, len(token) + 1):
            for start in range(max(0, end - self.longest), end):
                before, part = ways[start], token[start:end]
                number = self._parts.get(part)
                if before is None or (number is None and part not in COMMON):
                    continue
                way = before if number is None else (before[0] + len(part), [*before[1], number])
                ways[end] = way if (best := ways[end]) is None or way[0] > best[0] else best
        letters, found = ways[-1] or (0, [])
        if len(found) == 1 and letters == len(token):
            return []
        is_meant = letters >= MOSTLY * len(token) and (len(found) > 1 or letters >= LONG_PART)
        return found if is_meant else []

    def inside(self, letters: str) -> list[int]:
        """Return the words that stand in a row of letters, from left to right; ordinary words hide those within them.

        Args:
            letters: The row; a word that is not all of it has five letters at least.
        """
        whole = self.exactly(letters)
        if whole is not None:
            return [whole]
        found, start = [], 0
        while start < len(letters):
            step = start + 1
            for end in range(min(len(letters), start + self.longest), start + MIN_PULLED, -1):
                number = self.exactly(letters[start:end])
                if number is not None or letters[start:end] in self.ordinary:
                    found += [] if number is None else [number]
                    step = end
                    break
            start = step
        return found

    def _numbered(self, token: str) -> Iterator[int]:
        digits = len(token) - len(token.lstrip("0123456789"))
        if digits > 4:
            return
        value, after = (int(token[:digits]), token[digits:]) if digits else (NUMBERS[token], "")
        for least, most, number in self._numbers.get(after, ()):
            if least <= value <= most:
                yield number

    def _by_signs(self, token: str) -> Iterator[int]:
        for text in dict.fromkeys((token, token.rstrip("!|+({<"), token.strip("0123456789"))):
            kept = "".join(c for c in text if c.isalnum() or SIGN.match(c))
            if len(kept) >= MIN_DISGUISED and any(c.isalpha() for c in kept):
                form = plain_signs(kept)
                yield from self._signs.get(form, ())
                yield from _begun(form, self._sign_heads)
                if is_repeated(form):
                    yield from self._squeezed_signs.get(squeezed(form), ())

    def _by_repeats(self, token: str) -> Iterator[int]:
        form = squeezed(token)
        yield from self._squeezed.get(form, ())
        yield from _begun(form, self._squeezed_heads)

    def _by_gaps(self, token: str) -> Iterator[int]:
        text = token.strip("!?.,:;\"'()[]")
        if len(text) < MIN_DISGUISED or not text[0].isalnum():
            return
        for word, number in (*self._hidden.get((len(text), text[0]), ()), *self._hidden.get((0, text[0]), ())):
            if len(word) <= len(text) and _fits(text, word):
                yield number


def _fits(text: str, word: str) -> bool:
    """Tell whether a text begins as a word does where it shows letters, and hides some of them, a third at most."""
    gaps = sum(c in HIDDEN for c in text[: len(word)])
    return 0 < gaps <= max(1, len(word) // 3) and all(
        c in HIDDEN or c == letter for c, letter in zip(text, word, strict=False)
    )


def _read(numbers: Iterable[int], how: How) -> Iterator[Reading]:
    return ((number, how) for number in numbers)


def _heads(beginnings: Mapping[str, int], form: Callable[[str], str]) -> dict[str, list[tuple[str, int]]]:
    """Return first letters to the beginnings that have them, in a form."""
    table: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for text, number in beginnings.items():
        if len(key := form(text)) >= MIN_BEGINNING:
            table[key[:MIN_BEGINNING]].append((key, number))
    return table


def _begun(token: str, heads: Mapping[str, list[tuple[str, int]]]) -> Iterator[int]:
    """Yield the beginnings that a token has."""
    for beginning, number in heads.get(token[:MIN_BEGINNING], ()):
        if token.startswith(beginning):
            yield number


def _by(words: Mapping[str, int], form: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    """Return form to numbers of words, without words that are too short in that form."""
    table: dict[str, tuple[int, ...]] = {}
    for text, number in words.items():
        key = form(text)
        if len(key) >= MIN_DISGUISED and text.isalpha():
            table[key] = (*table.get(key, ()), number)
    return table
