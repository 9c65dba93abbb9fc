"""Whether a data set can be trained on, found out before the long work begins.

Only the table of samples and the heads of the picture files are read: seconds for ten thousand pictures.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.errors import DataError, LicenseRefused, UnreadableImage
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.train.pictures import require_captions, require_enough, require_square, require_styles

ATTRIBUTION = "attribution.json"
"""The paper of a data set that says what its licenses ask of weights."""
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Obligations:
    """What a data set's attribution asks of weights.

    Args:
        not_for_weights: Sources that no weights may learn from.
        credits: Words that whoever hands on the weights must hand on too.
    """

    not_for_weights: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()


def obligations_of(dataset: Path) -> Obligations:
    """Read what a data set asks of weights.

    Args:
        dataset: A ``dataset`` artifact; one without an attribution asks for nothing.

    Raises:
        DataError: Its attribution cannot be read.
    """
    path = dataset / ATTRIBUTION
    if not path.is_file():
        return Obligations()
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))["obligations_on_weights"]
        refused, handed_on = stated["not_for_weights"], stated.get("hand_on_these_credits", ())
        return Obligations(tuple(map(str, refused)), tuple(map(str, handed_on)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None


def refuse_evaluation_sources(dataset: Path) -> None:
    """Refuse a data set with sources that weights must not be trained on.

    Args:
        dataset: A ``dataset`` artifact; one without an attribution names no such source.

    Raises:
        DataError: Its attribution cannot be read.
        LicenseRefused: It holds such a source.
    """
    if refused := obligations_of(dataset).not_for_weights:
        raise LicenseRefused(
            f"{dataset} holds sources for evaluation only ({', '.join(refused)}), but weights may be trained on none "
            "of them; build a data set without these sources"
        )


def require_trainable(
    dataset: Path, *, image_size: int, batch_size: int, styles: tuple[str, ...] | None = None
) -> None:
    """Check that a data set has all that a training needs.

    Args:
        dataset: A ``dataset`` artifact.
        image_size: Side in pixels that the pictures must have.
        batch_size: Pictures of a micro-batch.
        styles: The styles that the model knows; None for any.

    Raises:
        DataError: A caption is empty, a style is unknown, a picture is missing or of another size, or there are too
            few.
        UnreadableImage: A picture is no PNG.
    """
    samples = read_samples(dataset)
    require_enough(samples, batch_size, dataset)
    require_captions(samples, dataset)
    if styles is not None:
        require_styles(samples, styles, dataset)
    require_image_size(samples, image_size, dataset)


def require_image_size(samples: Sequence[Sample], image_size: int, dataset: Path) -> None:
    """Check that every picture is a square of one side, by the heads of the files.

    Args:
        samples: The samples.
        image_size: The side in pixels.
        dataset: Folder of the files.

    Raises:
        DataError: A picture is missing or of another size.
        UnreadableImage: A picture is no PNG.
    """
    sizes = {sample.file: read_size(dataset / sample.file) for sample in samples}
    first = next(iter(sizes.values()))
    if len(set(sizes.values())) == 1 and first != (image_size, image_size):
        raise DataError(
            f"{dataset} holds pictures of {first[0]} px, but this recipe is for {image_size} px; build the data set "
            f"again with --size {image_size}, or choose another recipe"
        )
    for file, (width, height) in sizes.items():
        require_square(dataset / file, (height, width), image_size)


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, from the head of a PNG file alone.

    Raises:
        DataError: The file is missing.
        UnreadableImage: It is no PNG.
    """
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError as error:
        raise DataError(f"{path} cannot be opened ({error.strerror}); build the data set again") from None
    if head[:8] != PNG or head[12:16] != b"IHDR" or len(head) < 24:
        raise UnreadableImage(f"{path} is no PNG file; build the data set again")
    width, height = struct.unpack(">II", head[16:])
    return width, height
