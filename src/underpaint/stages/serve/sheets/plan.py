"""What a sheet is: the words of a subject in its moods, with all that decides their pictures, as its batch keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Self

from pydantic import Field

from underpaint.core.config import Config, parse_json
from underpaint.core.errors import FieldError
from underpaint.pipelines.stickers.moods import MOODS, first_words, noun_of, words_of
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.records import BatchRecord

PLAN = "plan"
"""Where a batch keeps it."""
MOST_MOODS = 32
APART = r"[(,;:!?]|\s(?:with|without|in|on|at|of|and|from|under|who|that)\s"
"""What is said of a thing begins here."""


class Drawn(Config):
    """One picture of a sheet.

    Args:
        mood: A key of ``moods.MOODS``, or words of its owner; None for the first picture.
        prompt: Its words.
    """

    mood: str | None
    prompt: str


class SheetPlan(Config):
    """A sheet, complete.

    Args:
        subject: As it was asked for, such as ``a cat``.
        pictures: The first picture, and the others that keep a part of it.
        model: The exact weights that draw it.
        style: One of the model's styles; None for any.
        seed: Of all pictures.
        guidance: Pull towards the words; None for the model's own.
        same: How much of the first picture stays, 0 to 1.
    """

    subject: str
    pictures: tuple[Drawn, ...]
    model: str
    style: str | None
    seed: int
    guidance: float | None
    same: float = Field(ge=0, le=1)

    @classmethod
    def of(cls, batch: BatchRecord) -> Self:
        """Return the plan that a batch keeps."""
        return cls.model_validate(parse_json((batch.metadata or {})[PLAN]))

    def first(self) -> GenerationRequest:
        """Return what draws the first picture."""
        return GenerationRequest(prompt=self.pictures[0].prompt, **self._common())

    def others(self) -> Iterator[EditFields]:
        """Yield what draws each of the others, from the first."""
        for wanted in self.pictures[1:]:
            yield EditFields(prompt=wanted.prompt, strength=1.0 - self.same, **self._common())

    def each_alone(self) -> Iterator[tuple[Drawn, GenerationRequest]]:
        """Yield the pictures with requests for their words alone, to see whether they may be drawn."""
        for wanted in self.pictures:
            yield wanted, GenerationRequest(prompt=wanted.prompt, **self._common())

    def _common(self) -> dict[str, Any]:
        given = {"model": self.model, "style": self.style, "seed": self.seed, "guidance": self.guidance}
        return {name: value for name, value in given.items() if value is not None}


def check_moods(moods: Sequence[str]) -> None:
    """Refuse moods that there are no words for.

    Raises:
        FieldError: There are none for one.
    """
    unknown = [f"{mood!r:.40}" for mood in dict.fromkeys(moods) if mood not in MOODS]
    if unknown:
        raise FieldError(
            f"there is no mood {' or '.join(unknown)}; choose some of {', '.join(MOODS)}, or write words of your own "
            "into own",
            param="moods",
        )


def pictures_of(subject: str, moods: Sequence[str], own: Sequence[str] = ()) -> tuple[Drawn, ...]:
    """Return the pictures of a subject in moods: the first one, then one for each mood.

    Args:
        subject: Such as ``a cat``.
        moods: Keys of ``moods.MOODS``; one that stands twice is drawn once.
        own: Moods in words of the owner; see ``own_words``.

    Raises:
        FieldError: The subject is empty, there are no words for a mood, no moods at all, or too many.
    """
    found = FieldMistakes()
    if not subject.strip():
        found.add(FieldError('the subject is empty; write what to draw, for example "a cat"', param="subject"))
    found.take(check_moods, moods, otherwise=None)
    found.tell()
    said = [words.strip() for words in own if words.strip()]
    others = [
        Drawn(mood=mood, prompt=words_of(subject, mood) if mood in MOODS else own_words(subject, mood))
        for mood in dict.fromkeys((*moods, *said))
    ]
    if not 1 <= len(others) <= MOST_MOODS:
        raise FieldError(
            f"a sheet has 1 to {MOST_MOODS} moods, got {len(others)}; name moods, or write words of your own into own",
            param="moods",
        )
    return (Drawn(mood=None, prompt=first_words(subject)), *others)


def own_words(subject: str, words: str) -> str:
    """Return what a picture is drawn from whose mood is in words of its owner.

    Args:
        subject: Such as ``a cat``.
        words: Such as ``{} with a hat``, ``a cat with a hat`` or ``with a hat``, which all mean the same cat.
    """
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
