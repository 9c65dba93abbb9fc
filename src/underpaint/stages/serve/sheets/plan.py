"""What a sheet is: the words of a subject in its moods, with all that decides their pictures, as its batch keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from pydantic import Field

from underpaint.core.config import Config, parse_json
from underpaint.core.errors import FieldError
from underpaint.pipelines.stickers.moods import MOODS, first_words
from underpaint.pipelines.stickers.own_moods import check_own, own_words
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.batches.records import BatchRecord

PLAN = "plan"
"""Where a batch keeps it."""
MOST_MOODS = 32


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
        moods: Keys of ``moods.MOODS``.
        own: Moods in words of the owner; see ``own_words``. Of moods that mean the same picture the first is drawn.

    Raises:
        FieldError: The subject is empty, there are no words for a mood, no moods at all, too many, or words of the
            owner that are no mood.
    """
    found = FieldMistakes()
    if not subject.strip():
        found.add(FieldError('the subject is empty; write what to draw, for example "a cat"', param="subject"))
    found.take(check_moods, moods, otherwise=None)
    for at, words in enumerate(own):
        found.take(check_own, words, f"line {at + 1} of your own moods", otherwise="", source=f"own.{at}")
    said = [words.strip() for words in own if words.strip()]
    by_prompt = first_of_each(subject, (*moods, *said))
    if not 1 <= len(by_prompt) <= MOST_MOODS:
        found.add(_wrong_number(len(by_prompt), "own" if said else "moods"))
    found.tell()
    others = (Drawn(mood=mood, prompt=prompt) for prompt, mood in by_prompt.items())
    return (Drawn(mood=None, prompt=first_words(subject)), *others)


def first_of_each(subject: str, moods: Iterable[str]) -> dict[str, str]:
    """Return the words of each picture that moods mean, by name or in words of one's own, with the first that does."""
    found: dict[str, str] = {}
    for mood in moods:
        found.setdefault(own_words(subject, mood), mood)
    return found


def _wrong_number(number: int, param: str) -> FieldError:
    what = "take some away" if number else "name moods, or write words of your own into own"
    return FieldError(f"a sheet has 1 to {MOST_MOODS} moods, got {number}; {what}", param=param)
