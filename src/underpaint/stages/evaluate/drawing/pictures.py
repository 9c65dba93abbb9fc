"""Pictures on disk, read one by one: the memory that an evaluation needs does not grow with their number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from underpaint.core.errors import DataError, UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.runtime.picture_reading import too_large
from underpaint.stages.evaluate.drawing.wishes import Wish

MAX_PIXELS = 64_000_000
Pixels = NDArray[np.uint8]


def sha256_of(pixels: Pixels) -> str:
    """Return the SHA-256 of RGBA bytes, row by row."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def read_pixels(path: Path) -> Pixels:
    """Read a picture as straight-alpha RGBA ``[H, W, 4]``.

    Raises:
        UnreadableImage: It is damaged, animated, or larger than 64 megapixels; the message names the file.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(too_large(str(path), image.size, most=MAX_PIXELS))
            if getattr(image, "n_frames", 1) > 1:
                raise UnreadableImage(f"{path} has several frames; save one frame as PNG")
            return np.asarray(image.convert("RGBA"))
    except FileNotFoundError:
        raise UnreadableImage(f"{path} is missing; put it back or take it out of the list") from None
    except Image.DecompressionBombError:
        raise UnreadableImage(too_large(str(path), most=MAX_PIXELS)) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImage(f"{path} cannot be read as a picture ({error}); replace or remove it") from None


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture that was drawn, or found in a folder.

    Args:
        wish: What was asked for.
        path: Where it lies.
        sha256: SHA-256 of its RGBA pixels.
    """

    wish: Wish
    path: Path
    sha256: str

    def load(self) -> Pixels:
        """Read its pixels ``[H, W, 4]``, straight alpha."""
        return read_pixels(self.path)


@dataclass(frozen=True, kw_only=True)
class Real:
    """A picture of the data set.

    Args:
        sample: Its record.
        path: Where it lies.
    """

    sample: Sample
    path: Path

    @property
    def sha256(self) -> str:
        """SHA-256 of its RGBA pixels, as the data stage recorded it."""
        return self.sample.sha256_pixels

    def load(self) -> Pixels:
        """Read its pixels ``[H, W, 4]``, straight alpha.

        Raises:
            DataError: They are not those that were recorded.
        """
        pixels = read_pixels(self.path)
        if sha256_of(pixels) != self.sample.sha256_pixels:
            raise DataError(f"{self.path} differs from its record in samples.jsonl; build the data set again")
        return pixels


def real_pictures(folder: Path, samples: Sequence[Sample]) -> list[Real]:
    """Return the pictures of samples of the data set in ``folder``."""
    return [Real(sample=sample, path=folder / sample.file) for sample in samples]


def check_sizes(pictures: Sequence[Drawn]) -> tuple[int, int]:
    """Return the width and height that all pictures share.

    Raises:
        DataError: They have several sizes, so features would measure the resizing.
    """
    sizes: dict[tuple[int, int], Path] = {}
    for picture in pictures:
        with Image.open(picture.path) as image:
            sizes.setdefault(image.size, picture.path)
        if len(sizes) > 1:
            (first, where), (second, other) = sizes.items()
            raise DataError(
                f"the pictures have several sizes: {where} is {first[0]} x {first[1]}, {other} is {second[0]} x "
                f"{second[1]}; bring them to one size first, all in the same way"
            )
    return next(iter(sizes), (0, 0))


def stacked(pictures: Sequence[Drawn | Real], report: Report = silent, task: str = "read pictures") -> Iterator[Pixels]:
    """Yield the pixels of pictures one after the other."""
    for number, picture in enumerate(pictures, 1):
        yield picture.load()
        report(Progress(task=task, done=number, total=len(pictures), unit="pictures"))
