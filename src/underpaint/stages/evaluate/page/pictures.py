"""Pictures of an evaluation: the best, the worst, those near to training, each beside its counterpart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from underpaint.core.page.album import Album, tile
from underpaint.core.page.markup import Child, Markup, element, join, words
from underpaint.stages.evaluate.page.numbers import fixed
from underpaint.stages.evaluate.page.text import score_text
from underpaint.stages.evaluate.record import PictureRecord

BEST, WORST, PAIRS = 12, 24, 12
PREFERRED = ("same_caption", "caption", "r_precision", "clip", "alignment", "accuracy")
LOWER_IS_BETTER = re.compile(r"distance|error|ratio|naturalness|rank")


def score_name(pictures: Sequence[PictureRecord]) -> str:
    """Return the score by which pictures are ranked: one that most of them have, about the words if there is one."""
    counts: dict[str, int] = {}
    for picture in pictures:
        for name in picture.scores:
            counts[name] = counts.get(name, 0) + 1

    def rank(name: str) -> tuple[int, int, str]:
        wish = next((index for index, word in enumerate(PREFERRED) if word in name), len(PREFERRED))
        return wish, -counts[name], name

    return min(counts, key=rank, default="")


def ranked(pictures: Sequence[PictureRecord], score: str) -> list[PictureRecord]:
    """Return pictures that have a score, the best first; of equal ones, those with a reason to fail last."""
    sign = -1.0 if LOWER_IS_BETTER.search(score) else 1.0
    having = [picture for picture in pictures if score in picture.scores]
    return sorted(having, key=lambda picture: (-sign * picture.scores[score], bool(picture.reason), picture.image_id))


def best_and_worst(pictures: Sequence[PictureRecord]) -> tuple[str, list[PictureRecord], list[PictureRecord]]:
    """Return the score's name, the best pictures, and the worst, worst first; no prompt twice, none in both."""
    kept = [picture for picture in pictures if picture.file and not picture.part.startswith("null")]
    score = score_name(kept)
    order = once_each(ranked(kept, score)) if score else once_each([p for p in kept if p.reason])
    if not score:
        return "", [], order[:WORST]
    half = len(order) // 2
    return score, order[: min(BEST, half)], order[half:][::-1][:WORST]


def once_each(pictures: Sequence[PictureRecord]) -> list[PictureRecord]:
    """Keep the first picture of every prompt."""
    return list({picture.prompt_id: picture for picture in reversed(pictures)}.values())[::-1]


def caption(picture: PictureRecord, *more: Child) -> Markup:
    """Say what was asked for."""
    return element(
        "figcaption",
        words(picture.prompt or picture.image_id, class_="prompt"),
        element("span", words(picture.style), class_="note") if picture.style else None,
        more,
    )


def duo(*sides: tuple[Markup, str]) -> Markup:
    """Show pictures side by side, each with a word below."""
    shown = [element("span", one, element("span", name, class_="which"), class_="side") for one, name in sides]
    return element("div", shown, class_="duo")


def case(album: Album, picture: PictureRecord, score: str) -> Markup:
    """Show a drawn picture beside the real one of the same words, with its score and why it failed."""
    sides = [(tile(album.uri(picture.file), f"Drawn: {picture.prompt}"), "drawn")]
    if picture.reference_file:
        sides.append((tile(album.uri(picture.reference_file), f"Real: {picture.prompt}"), "real"))
    number = picture.scores.get(score)
    return element(
        "figure",
        duo(*sides),
        caption(
            picture,
            None if number is None else element("span", f"{score_text(score)} {fixed(number, 2)}", class_="note"),
            element("span", words(picture.reason), class_="reason") if picture.reason else None,
        ),
        class_="case",
        data_part=picture.part,
    )


def near_copies(pictures: Sequence[PictureRecord]) -> list[PictureRecord]:
    """Return the pictures closest to a training picture, the closest first."""
    looked = [picture for picture in pictures if picture.nearest_ratio is not None and picture.file]
    return sorted(looked, key=lambda picture: (picture.nearest_ratio or 0.0, picture.image_id))[:PAIRS]


def nearest_file(picture: PictureRecord) -> str:
    """Return where the nearest training picture of a picture lies, if the artifact keeps it."""
    return f"samples/nearest/{picture.image_id}.png"


def pair(album: Album, picture: PictureRecord) -> Markup:
    """Show a picture, the training picture nearest to it, and how near."""
    ratio = picture.nearest_ratio if picture.nearest_ratio is not None else float("nan")
    sides = (
        (tile(album.uri(picture.file), f"Drawn: {picture.prompt}"), "drawn"),
        (tile(album.uri(nearest_file(picture)), f"Nearest training picture: {picture.nearest_train}"), "nearest"),
    )
    return element(
        "figure",
        duo(*sides),
        caption(picture, element("span", f"ratio {ratio:.2f}", class_="note"),
                element("span", "training picture ", words(picture.nearest_train), class_="note")),
        class_="case",
    )  # fmt: skip


def grid(figures: Sequence[Markup], *, class_: str = "cases") -> Markup:
    """Lay figures out in rows."""
    return element("div", join(figures), class_=class_)
