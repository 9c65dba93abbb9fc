"""Controls: copies of the model that are known to be worse, so that a report shows whether its numbers would notice.

Pictures are damaged after drawing (JPEG, blur), handed to the wrong prompts, or drawn with coarsely rounded weights.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.stages.evaluate.drawing.pictures import Drawn, Pixels
from underpaint.stages.evaluate.drawing.wishes import Wish
from underpaint.stages.evaluate.record import SubjectRecord

if TYPE_CHECKING:
    from underpaint.pipelines.text_to_picture import TextToPicture


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Return a picture whose colors went through JPEG on white; its alpha is kept."""
    alpha = pixels[..., 3:].astype(np.uint16)
    white = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(white).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as image:
        return np.concatenate([np.asarray(image.convert("RGB")), np.full_like(pixels[..., 3:], 255)], axis=2)


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Return a picture with premultiplied color and alpha blurred by a Gaussian of ``sigma`` pixels."""
    premultiplied = Image.fromarray(pixels).convert("RGBa")
    bands = [band.filter(ImageFilter.GaussianBlur(sigma)) for band in premultiplied.split()]
    return np.asarray(Image.merge("RGBa", bands).convert("RGBA"))


DAMAGES: dict[str, Callable[[Pixels], Pixels]] = {
    "jpeg_10": lambda pixels: jpeg(pixels, 10),
    "blur_2": lambda pixels: blur(pixels, 2.0),
}
SHUFFLED = "shuffled_prompts"


def round_to_nearest(pipeline: TextToPicture, bits: int) -> None:
    """Round the drawing network's matrices to ``2^bits - 1`` levels a row, without any calibration, in place."""
    import torch
    from torch import nn

    levels = 2 ** (bits - 1) - 1
    with torch.no_grad():
        for module in pipeline.network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                weight = module.weight
                largest = weight.abs().flatten(1).amax(dim=1).view(-1, *[1] * (weight.ndim - 1))
                step = largest.clamp_min(1e-12) / levels
                weight.copy_((weight / step).round() * step)


def skip_last_scale(pipeline: TextToPicture) -> None:
    """Let the finest tokens of a hybrid model say nothing, as a scale that is not drawn would, in place.

    Raises:
        InputError: The model draws no scales.
    """
    from underpaint.pipelines.hybrid import HybridPipeline

    if not isinstance(pipeline, HybridPipeline):
        raise InputError(
            f"skip_last_scale is a control of hybrid models, and this is a {type(pipeline).__name__}; leave it out of "
            "the policy's controls"
        )
    codes, last = pipeline.quantizer.codes, pipeline.quantizer.num_scales - 1
    embed = codes.embed

    def without_the_last(labels: Any, scale: int) -> Any:
        vectors = embed(labels, scale)
        return vectors * 0.0 if scale == last else vectors

    vars(codes)["embed"] = without_the_last


ALTERATIONS: dict[str, Callable[[TextToPicture], None]] = {
    **{f"int{bits}_round_to_nearest": partial(round_to_nearest, bits=bits) for bits in (2, 3, 4)},
    "skip_last_scale": skip_last_scale,
}
"""Controls that change a native model's networks. Four bits a weight hardly show in the pictures; two do."""

KNOWN_BAD = (*DAMAGES, SHUFFLED, *ALTERATIONS)


def check_controls(names: Sequence[str]) -> None:
    """Refuse names of controls that there are not.

    Raises:
        InputError: A name is unknown.
    """
    for name in names:
        if name not in KNOWN_BAD:
            raise InputError(f"there is no control {name!r:.60}; choose among {', '.join(KNOWN_BAD)}")


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A subject that spoils pictures which are drawn already.

    Args:
        pictures: The good ones.
        control: Key of ``DAMAGES``.
    """

    pictures: Sequence[Drawn]
    control: str

    @property
    def styles(self) -> None:
        """It takes any style."""
        return

    @property
    def identity(self) -> str:
        """SHA-256 over the good pictures and the damage."""
        return digest_of([self.control, [picture.sha256 for picture in self.pictures]])

    def record(self) -> SubjectRecord:
        """Say what it is."""
        return SubjectRecord(name=self.control, identity=self.identity, kind="callable")

    def draw(self, wishes: Sequence[Wish]) -> Iterator[Pixels]:
        """Spoil the pictures of the wishes."""
        by_id = {picture.wish.image_id: picture for picture in self.pictures}
        for wish in wishes:
            yield DAMAGES[self.control](by_id[wish.image_id].load())


def shuffled(pictures: Sequence[Drawn], rng: np.random.Generator) -> list[Drawn]:
    """Hand every picture to the prompt of another one of the same part, of another concept where there is one."""
    given = np.arange(len(pictures))
    for part in dict.fromkeys(picture.wish.part for picture in pictures):
        rows = np.array([row for row, picture in enumerate(pictures) if picture.wish.part == part])
        given[rows] = rows[_derangement([pictures[row].wish.cluster for row in rows], rng)]
    return [replace(pictures[int(source)], wish=picture.wish) for picture, source in zip(pictures, given, strict=True)]


def _derangement(clusters: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a permutation that leaves no item in its place, nor in its cluster where that is possible."""
    count = len(clusters)
    order = rng.permutation(count)
    given = np.empty(count, dtype=np.int64)
    given[order] = np.roll(order, 1)
    for index in range(count):
        if clusters[int(given[index])] != clusters[index]:
            continue
        for other in rng.permutation(count).tolist():
            if clusters[int(given[other])] != clusters[index] and clusters[int(given[index])] != clusters[other]:
                given[index], given[other] = given[other], given[index]
                break
    return given
