"""One subject in many moods: the first picture is drawn from words, the others keep its coarse scales.

What is kept, the silhouette and the main colors, is what makes them look like one character; the words do the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.editing.planning import plan_edits
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.picture_folder import PREFIX, slug
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.moods import first_words, words_of
from underpaint.pipelines.stickers.own_moods import check_own, own_words

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

SAME = 0.33
"""How much stays unless said otherwise: of six scales the two coarsest."""
MOST = 64
"""Most pictures of a series."""
SHOWN = 40
"""Characters of a mood that a message shows."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """What shall be drawn.

    Args:
        first: Words of the first picture.
        others: Words of the others.
        moods: What the others are called by, as they were asked for; empty where their words say it.
    """

    first: str
    others: tuple[str, ...]
    moods: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """What each picture is called by: the words of the first, moods or words of the others."""
        return [self.first, *(self.moods or self.others)]

    def stems(self, first: Settings) -> list[str]:
        """Return the beginnings of the names of the others' files, in order.

        Args:
            first: Settings of the first picture, whose words, style and seed are in them.
        """
        words, style = slug(first.caption), slug(first.style or "")
        names = [(PREFIX, words, slug(mood), style, str(first.seed)) for mood in self.moods]
        return ["-".join(part for part in parts if part) for parts in names]


def series_of(subject: str, moods: Sequence[str], own: Sequence[str] = ()) -> Series:
    """Return the words of a subject in moods.

    Args:
        subject: Such as ``a cat``.
        moods: Keys of ``moods.MOODS``; of moods that stand twice, or mean the same picture, one is drawn.
        own: Moods in words of one's own; see ``own_moods.own_words``.

    Raises:
        InputError: The subject is empty, there are too many moods, or there are no words for one; all are told.
    """
    found = Mistakes()
    if not subject.strip():
        found.add(InputError('the subject is empty; write what to draw, for example "a cat"'))
    said = [found.take(check_own, one, f"the mood {_short(one)!r}", otherwise="") for one in own]
    if not all(one.strip() for one in own):
        found.add(InputError("a mood in words of your own is empty; write what is different, or leave it out"))
    words = {mood: found.take(words_of, subject, mood, otherwise="") for mood in moods}
    words |= {mood: own_words(subject, mood) for mood in said if mood and mood not in words}
    if not 1 <= (number := len({words.get(mood) or mood for mood in (*moods, *said)})) < MOST:
        way_out = "draw several sheets" if number else "name some in --moods, or say one in words of your own (--mood)"
        found.add(InputError(f"a sheet has 1 to {MOST - 1} moods, got {number}; {way_out}"))
    found.tell()
    by_words = {words[mood]: mood for mood in reversed(words)}
    others = dict.fromkeys(words.values())
    return Series(first=first_words(subject), others=tuple(others), moods=tuple(by_words[one] for one in others))


def _short(words: str) -> str:
    """Return the beginning of a mood, for messages."""
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}..."


def series_from(rows: Sequence[PromptRow], source: str = "the prompts") -> Series:
    """Return the words of a file of prompts; the first row is the first picture.

    Args:
        rows: What to draw.
        source: The file, for messages.

    Raises:
        InputError: There are fewer than two rows or too many, or one has a style, a seed or a number of its own.
    """
    if not 2 <= len(rows) <= MOST:
        way_out = (
            "the first line is the whole first picture, such as a cat, and each other line a whole picture of it, such "
            "as a cat with a hat; or write a subject, with its moods in --moods or --mood"
            if len(rows) < 2
            else "split it into several files, which begin with the same line"
        )
        raise InputError(f"{source} must hold 2 to {MOST} prompts for a sheet, got {len(rows)}; {way_out}")
    own = next((row for row in rows if (row.style, row.seed, row.n) != (None, None, None)), None)
    if own is not None:
        raise InputError(f"{own.source}: a series has one style and one seed for all; leave the other columns out")
    return Series(first=rows[0].prompt, others=tuple(row.prompt for row in rows[1:]))


def plan_first(model: Model, series: Series, options: Options) -> Settings:
    """Return the settings of the first picture.

    Args:
        model: Draws it.
        series: What shall be drawn.
        options: What holds for all pictures.

    Raises:
        InputError: Its words or an option cannot be used.
    """
    return plan(model, [PromptRow(prompt=series.first)], options)[0]


def check_same(same: float) -> float:
    """Return a share of likeness.

    Raises:
        InputError: It is not between 0 and 1.
    """
    if not 0.0 <= same <= 1.0:
        raise InputError(f"the likeness must lie between 0 and 1, got {same:g}; 0 keeps nothing, 1 everything")
    return same


def plan_others(
    model: Model, original: Original, first: Settings, series: Series, same: float = SAME
) -> list[Settings]:
    """Return the settings of the other pictures.

    Args:
        model: Draws them.
        original: The first picture.
        first: Its settings.
        series: What shall be drawn.
        same: How much of the first picture stays, 0 to 1.

    Raises:
        InputError: Words cannot be used; all that cannot are told.
    """
    found = Mistakes()
    common = {"style": first.style, "seed": first.seed, "guidance": first.guidance, "steps": first.steps}
    planned: list[Settings] = []
    for words in series.others:
        request = EditRequest(prompt=words, strength=1.0 - check_same(same), **common)
        planned += found.take(plan_edits, model, original, request, otherwise=[])
    found.tell()
    return [settings.model_copy(update={"watermark": first.watermark}) for settings in planned]


def draw_series(
    generator: Generator,
    series: Series,
    *,
    style: str | None = None,
    seed: int | None = None,
    same: float = SAME,
    report: Report = silent,
) -> list[Image.Image]:
    """Draw a series; equal arguments with a seed give equal pixels.

    Args:
        generator: A hybrid model that can edit.
        series: From ``series_of`` or ``series_from``.
        style: One of the model's styles; None for no particular one.
        seed: Of all pictures; None draws one at random.
        same: How much of the first picture stays, 0 to 1.
        report: Called after each picture.

    Returns:
        The first picture and the others, as ``Generator.generate`` returns them.

    Raises:
        InputError: Words, style, seed or likeness cannot be used, or the model cannot edit.
    """
    from underpaint.pipelines.editing.asking import editor_of

    first = plan_first(generator.model, series, Options(style=style, seed=seed))
    (drawn,) = generator.draw([first])
    original = read_original(drawn, generator.model.index.image_size)
    planned = plan_others(generator.model, original, first, series, same)
    images = [drawn]
    for image in editor_of(generator.model, generator.pipeline, original).draw(planned):
        images.append(image)
        report(Progress(task="draw", done=len(images), total=1 + len(planned), unit="pictures"))
    return images
