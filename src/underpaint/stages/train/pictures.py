"""The pictures of a data set artifact as tensors in memory, and the order in which training sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import DataError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, read_samples
from underpaint.models.pixels import from_straight


@dataclass(frozen=True)
class Pictures:
    """Samples of some splits with their pixels.

    Args:
        samples: Their records.
        pixels: ``[N, H, H, 4]`` uint8, straight alpha.
        weights: ``[N]`` drawing weights.
    """

    samples: list[Sample]
    pixels: Tensor
    weights: Tensor

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self.pixels.shape[1]

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, index: Tensor) -> Tensor:
        """Return the pictures at ``index [B]`` in the premultiplied form ``[B, 4, H, H]``."""
        return from_straight(self.pixels[index.to(self.pixels.device)])

    def to(self, device: torch.device) -> Pictures:
        """Return the same pictures with their pixels on a device."""
        return Pictures(self.samples, self.pixels.to(device), self.weights)

    def choose(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw ``count`` indices with replacement according to the weights."""
        return torch.multinomial(self.weights, count, replacement=True, generator=generator)


def variant_weights(samples: list[Sample]) -> Tensor:
    """Weigh each picture by one over the square root of the number of its variants.

    The variants of a concept (skin tones, gender forms) in one style would otherwise make up more than half of what
    a model sees.
    """
    return torch.tensor([sample.weight**0.5 for sample in samples], dtype=torch.float32)


def require_size(pictures: Pictures, size: int, folder: Path) -> None:
    """Check that a data set has the size that a tokenizer is made for.

    Raises:
        DataError: It has another one.
    """
    if pictures.size != size:
        raise DataError(
            f"{folder} holds pictures of {pictures.size} px, but these settings are for {size} px; build the data set "
            f"again with --size {size}, or choose another recipe"
        )


def require_styles(samples: list[Sample], styles: tuple[str, ...], folder: Path) -> None:
    """Check that a model knows every style of a data set.

    Raises:
        DataError: It does not; the message names the others.
    """
    others = sorted({sample.style for sample in samples} - set(styles))
    if others:
        raise DataError(f"{folder} has the styles {', '.join(others)}; this model is for {', '.join(styles)}")


def load_pictures(folder: Path, splits: tuple[str, ...], report: Report = silent) -> Pictures:
    """Read the pictures of the named splits of a ``dataset`` artifact.

    Raises:
        ArtifactError: The folder is no data set.
        DataError: No sample lies in the splits.
    """
    read_manifest(folder, kind="dataset")
    samples = [sample for sample in read_samples(folder) if sample.split in splits]
    if not samples:
        raise DataError(f"{folder} has no sample in the splits {', '.join(splits)}; build the data set again")
    pixels = []
    for number, sample in enumerate(samples, 1):
        with Image.open(folder / sample.file) as image:
            pixels.append(np.asarray(image.convert("RGBA")))
        if number % 500 == 0:
            report(Progress(task="read pictures", done=number, total=len(samples), unit="pictures"))
    return Pictures(samples, torch.from_numpy(np.stack(pixels)), variant_weights(samples))
