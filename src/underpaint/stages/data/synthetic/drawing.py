"""Drawing for a data set: each wish once, and again with the next free seed where the picture came out blank.

Pictures lie in a folder of the cache, each written as soon as it is finished, so interrupted work goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Report, silent
from underpaint.pipelines.generator import BATCH_SIZE, Generator
from underpaint.pipelines.picture_file import pixel_digest, read_picture
from underpaint.pipelines.picture_folder import draw_into
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.clean import MIN_ALPHA
from underpaint.stages.data.thumbnail import thumbnail_of


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that was drawn.

    Args:
        path: Where it lies.
        settings: What made it.
        thumbnail: ``[32, 32, 3]`` uint8 on white.
        alpha: Mean alpha in 0 to 1.
        sha256: SHA-256 of its straight-alpha RGBA bytes.
    """

    path: Path
    settings: Settings
    thumbnail: np.ndarray
    alpha: float
    sha256: str

    @property
    def blank(self) -> bool:
        """Whether there is nothing to see."""
        return self.alpha < MIN_ALPHA or bool((self.thumbnail == self.thumbnail[:1, :1]).all())


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """What came of the wishes.

    Args:
        pictures: Those with something to see, in the order of the wishes.
        blank: Those without; the ones that were drawn again come before what replaced them.
        given_up: How many wishes have no picture, however often they were drawn.
    """

    pictures: list[Picture]
    blank: list[Picture]
    given_up: int


def look_at_file(path: Path, settings: Settings) -> Picture:
    """Read a picture that was drawn.

    Raises:
        UnreadableImage: Its pixels are not those that were drawn.
    """
    image = read_picture(path)
    if pixel_digest(image) != settings.pixel_sha256:
        raise UnreadableImage(f"{path} has other pixels than were drawn; delete it and run the same command again")
    pixels = np.asarray(image.convert("RGBA"))
    return Picture(
        path=path,
        settings=settings,
        thumbnail=thumbnail_of(pixels),
        alpha=float(pixels[..., 3].mean() / 255),
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
    )


class FreeSeeds:
    """Gives each caption and style the seeds after those that are asked for.

    Args:
        planned: Everything that is asked for.
    """

    def __init__(self, planned: Sequence[Settings]) -> None:
        self._last: dict[tuple[str, str | None], int] = {}
        for one in planned:
            key = (one.caption, one.style)
            self._last[key] = max(one.seed, self._last.get(key, one.seed))

    def another(self, settings: Settings) -> Settings:
        """Return the same wish with a seed that is not used yet."""
        key = (settings.caption, settings.style)
        self._last[key] += 1
        return settings.model_copy(update={"seed": self._last[key]})


def draw_gallery(
    planned: Sequence[Settings],
    load: Callable[[], Generator],
    folder: Path,
    *,
    redraws: int,
    batch_size: int = BATCH_SIZE,
    report: Report = silent,
) -> Gallery:
    """Draw every wish, and those that came out blank again.

    Args:
        planned: What to draw.
        load: Loads the model; only called if a picture is missing, and once.
        folder: Where pictures are kept.
        redraws: How often a wish is drawn again.
        batch_size: Pictures drawn at once; does not change any.
        report: Receives progress.

    Raises:
        StorageError: The folder cannot be written.
        UnreadableImage: A picture that was kept is damaged.
    """
    seeds, loaded = FreeSeeds(planned), cache(load)
    wishes = dict(enumerate(planned))
    found: dict[int, Picture] = {}
    blank: list[Picture] = []
    for _ in range(redraws + 1):
        if not wishes:
            break
        placed = draw_into(folder, list(wishes.values()), loaded, batch_size=batch_size, report=report)
        looked = {number: look_at_file(one.path, one.settings) for number, one in zip(wishes, placed, strict=True)}
        empty = {number: picture for number, picture in looked.items() if picture.blank}
        found |= {number: picture for number, picture in looked.items() if number not in empty}
        blank += empty.values()
        wishes = {number: seeds.another(wishes[number]) for number in empty}
    return Gallery(pictures=[found[number] for number in sorted(found)], blank=blank, given_up=len(wishes))
