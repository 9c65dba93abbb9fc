"""The pictures of a data set artifact as tensors in memory, and the order in which training sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from underpaint.core.artifact import read_manifest
from underpaint.core.concept import is_code_points
from underpaint.core.errors import DataError, UnreadableImage
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

    Args:
        pictures: Some of its pictures.
        size: The side in pixels.
        folder: Where it lies; named in the error.

    Raises:
        DataError: It has another one.
    """
    if pictures.size != size:
        raise DataError(
            f"{folder} holds pictures of {pictures.size} px, but these settings are for {size} px; build the data set "
            f"again with --size {size}, or choose another recipe"
        )


def require_styles(samples: list[Sample], styles: tuple[str, ...], folder: Path) -> None:
    """Check that a model knows every style of a data set of stickers.

    A style of a person's own pictures that it does not know is its null style, and a word in the caption.

    Args:
        samples: Samples of the data set.
        styles: The styles that the model knows.
        folder: Where the data set lies; named in the error.

    Raises:
        DataError: It does not; the message names the others.
    """
    others = sorted({sample.style for sample in samples if is_code_points(sample.id)} - set(styles))
    if others:
        raise DataError(
            f"{folder} has the styles {', '.join(others)}; this model is for {', '.join(styles)}: build the data set "
            "again without the sources that are drawn in others"
        )


def require_captions(samples: list[Sample], folder: Path) -> None:
    """Check that every picture of a data set has words.

    Raises:
        DataError: Some have none.
    """
    bare = [sample.file for sample in samples if not sample.caption.strip()]
    if bare:
        raise DataError(
            f"{folder} has {len(bare)} pictures without a caption among {len(samples)} (the first is {bare[0]}); a "
            "model learns from pictures with words: build the data set again, or leave these out"
        )


def require_enough(samples: list[Sample], batch_size: int, folder: Path) -> None:
    """Check that a data set has a batch to train on and something to validate on.

    Args:
        samples: All its samples.
        batch_size: Pictures of a micro-batch.
        folder: Where it lies; named in the error.

    Raises:
        DataError: It has not.
    """
    train, held_out = (sum(sample.split == split for sample in samples) for split in ("train", "validation"))
    if train < batch_size:
        raise DataError(
            f"{folder} has {train} pictures in the split 'train', fewer than one batch of {batch_size}; build a larger "
            "data set, or choose a recipe with smaller batches"
        )
    if not held_out:
        raise DataError(f"{folder} has no pictures in the split 'validation'; build the data set again")


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """Decode a picture of a data set: ``[H, W, 4]``, straight alpha.

    Raises:
        DataError: It is missing.
        UnreadableImage: It is truncated, or no picture.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; build the data set again") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"{path} is no picture that can be read ({error}); build the data set again") from None


def samples_of(folder: Path, splits: tuple[str, ...]) -> list[Sample]:
    """Return the samples of the named splits of a ``dataset`` artifact.

    Raises:
        ArtifactError: The folder is no data set.
        DataError: No sample lies in the splits.
    """
    read_manifest(folder, kind="dataset")
    samples = [sample for sample in read_samples(folder) if sample.split in splits]
    if not samples:
        raise DataError(f"{folder} has no sample in the splits {', '.join(splits)}; build the data set again")
    return samples


def load_pictures(folder: Path, splits: tuple[str, ...], report: Report = silent) -> Pictures:
    """Read the pictures of the named splits of a ``dataset`` artifact.

    Args:
        folder: The artifact.
        splits: Names of the splits, together at least one picture.
        report: Receives progress.

    Raises:
        ArtifactError: The folder is no data set.
        DataError: No sample lies in the splits, or the pictures are missing, broken, or not squares of one size.
    """
    samples = samples_of(folder, splits)
    pixels = []
    for number, sample in enumerate(samples, 1):
        pixels.append(read_pixels(folder / sample.file))
        require_square(folder / sample.file, pixels[-1].shape[:2], pixels[0].shape[0])
        if number % 500 == 0:
            report(Progress(task="read pictures", done=number, total=len(samples), unit="pictures"))
    return Pictures(samples, torch.from_numpy(np.stack(pixels)), variant_weights(samples))


def require_square(path: Path, size: tuple[int, ...], side: int) -> None:
    """Check that a picture is a square of the side that the others have.

    Args:
        path: The picture; named in the error.
        size: Its two sides in pixels.
        side: The side it must have.

    Raises:
        DataError: It is none.
    """
    if tuple(size) != (side, side):
        raise DataError(f"{path} has {size[1]} x {size[0]} px, not {side} x {side}; build the data set again")
