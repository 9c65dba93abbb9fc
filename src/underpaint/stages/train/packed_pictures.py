"""Large pictures of a data set as files in memory, decoded when they are asked for: a tenth of their pixels' size."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from underpaint.core.errors import DataError, UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.models.pixels import from_straight
from underpaint.stages.train.pictures import require_square, samples_of, variant_weights


@dataclass(frozen=True)
class PackedPictures:
    """Samples of some splits with their files.

    Args:
        samples: Their records.
        files: The bytes of each picture's file.
        side: Side of every picture in pixels.
        weights: ``[N]`` drawing weights.
    """

    samples: list[Sample]
    files: list[bytes]
    side: int
    weights: Tensor

    def __len__(self) -> int:
        return len(self.samples)

    def choose(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw ``count`` indices with replacement according to the weights."""
        return torch.multinomial(self.weights, count, replacement=True, generator=generator)

    def batch(self, index: Tensor) -> Tensor:
        """Return the pictures at ``index [B]`` in the premultiplied form ``[B, 4, S, S]``.

        Raises:
            UnreadableImage: One is damaged behind its head.
        """
        pixels = [self._pixels(i) for i in index.tolist()]
        return from_straight(torch.from_numpy(np.stack(pixels)))

    def _pixels(self, index: int) -> np.ndarray:
        try:
            with Image.open(io.BytesIO(self.files[index])) as image:
                return np.asarray(image.convert("RGBA"))
        except (OSError, ValueError, SyntaxError) as error:
            raise UnreadableImage(
                f"{self.samples[index].file} cannot be decoded ({error}); build the data set again"
            ) from None


def load_packed(folder: Path, splits: tuple[str, ...], report: Report = silent) -> PackedPictures:
    """Read the files of the named splits of a ``dataset`` artifact.

    Args:
        folder: The artifact.
        splits: Names of the splits, together at least one picture.
        report: Receives progress.

    Raises:
        ArtifactError: The folder is no data set.
        DataError: No sample lies in the splits, or the pictures are missing, broken, or not squares of one size.
    """
    samples = samples_of(folder, splits)
    files: list[bytes] = []
    side = 0
    for number, sample in enumerate(samples, 1):
        data, size = _read(folder / sample.file)
        side = side or size[0]
        require_square(folder / sample.file, size, side)
        files.append(data)
        if number % 500 == 0:
            report(Progress(task="read pictures", done=number, total=len(samples), unit="pictures"))
    return PackedPictures(samples, files, side, variant_weights(samples))


def _read(path: Path) -> tuple[bytes, tuple[int, int]]:
    """Return the bytes of a picture's file, and the height and width in its head."""
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            return data, (image.height, image.width)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; build the data set again") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImage(f"{path} is no picture that can be read ({error}); build the data set again") from None
