"""Several pictures made larger into a folder: each under its own name with the size, nothing made twice.

``cat.png`` becomes ``cat-256.png``; if another picture has that name, a number follows: ``cat-256-2.png``. A finished
one with the same settings is not made again, so that what was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from underpaint.core.errors import DataError, InputError
from underpaint.core.mistakes import in_a_line
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.editing.reading import Upright
from underpaint.pipelines.marks import Owner, is_at_hand
from underpaint.pipelines.picture_file import encode, within_bytes
from underpaint.pipelines.picture_folder import Placed, Seal, add_file, find_finished, prepare
from underpaint.pipelines.upscaling.network import UpscalingNetwork
from underpaint.pipelines.upscaling.picture import Enlargement, enlarge, plan, read

LONGEST_STEM = 200
"""Bytes of a picture's name that go into that of the enlarged one; a name may have 255 in all."""
KEPT_PIXELS = 1 << 24
"""Pixels of small pictures that are kept from the check until they are enlarged; what is beyond them is read again."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of several pictures.

    Args:
        placed: Picture to the file that was made of it, or was there already.
        large: Pictures that were left alone since they are as large already.
        unknown: Pictures that underpaint did not draw, or that were changed since.
        keyless: Pictures that were left alone among others, since the key of the mark that they name is not here.
    """

    placed: dict[Path, Placed] = field(default_factory=dict)
    large: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    keyless: list[Path] = field(default_factory=list)


def upscale_into(
    folder: Path,
    pictures: Sequence[Path],
    size: int,
    load: Callable[[], UpscalingNetwork],
    *,
    watermark: Owner | None = None,
    report: Report = silent,
    seal: Seal | None = None,
) -> Outcome:
    """Make pictures larger, each written as soon as it is finished; nothing if one of them cannot be read.

    Args:
        folder: Where to; made if needed.
        pictures: Files; one that is named twice is made once.
        size: Of the longer side, in pixels.
        load: Reads the network; not called where no picture is smaller.
        watermark: Whose key marks the pixels; None for the mark that a picture says it has.
        report: Called after each picture that was read, and after each that was made.
        seal: Makes the last change to each file before it is written; None if there is none to make.

    Raises:
        InputError: A file is not there, or the key of the mark of the only picture is not here.
        InputTooLarge: A picture has too many bytes or pixels.
        UnreadableImage: A picture is damaged, an animation, or of another kind.
        DataError: Several pictures cannot be read, for several reasons; all of them are told.
        StorageError: The folder cannot be written, or the disk is full; what is finished stays.
    """
    each = list(dict.fromkeys(pictures))
    small, large = read_all(each, size, report)
    prepare(folder)
    outcome = Outcome(large=large)
    if not small:
        return outcome
    network = load()
    for number, (path, kept) in enumerate(small.items()):
        report(Progress(task="upscale", done=number, total=len(small), unit="pictures"))
        planned = plan(kept or read(path), size, watermark, network)
        if len(each) > 1 and not is_at_hand(planned.settings.watermark):
            outcome.keyless.append(path)
            continue
        outcome.placed[path] = _place(folder, f"{within_bytes(path.stem, LONGEST_STEM)}-{size}", planned, network, seal)
        if not planned.known:
            outcome.unknown.append(path)
    report(Progress(task="upscale", done=len(small), total=len(small), unit="pictures"))
    return outcome


def read_all(
    pictures: Sequence[Path], size: int, report: Report = silent
) -> tuple[dict[Path, Upright | None], list[Path]]:
    """Read pictures, or refuse all of them if one cannot be read, before anything is made of the others.

    Args:
        pictures: Files, each once.
        size: Of the longer side, in pixels.
        report: Called after each picture.

    Returns:
        Those that are smaller, with None where they are too many to be kept, and those that are as large already.

    Raises:
        InputError: A file is not there.
        InputTooLarge: A picture has too many bytes or pixels.
        UnreadableImage: A picture is damaged, an animation, or of another kind.
        DataError: Several cannot be read, for several reasons; all of them are told.
    """
    small: dict[Path, Upright | None] = {}
    large: list[Path] = []
    refused: list[InputError | DataError] = []
    room = KEPT_PIXELS
    for number, path in enumerate(pictures, 1):
        try:
            found = read(path)
        except (InputError, DataError) as error:
            refused.append(error)
        else:
            if max(found.image.size) >= size:
                large.append(path)
            else:
                room -= found.image.width * found.image.height
                small[path] = found if room >= 0 else None
        report(Progress(task="read", done=number, total=len(pictures), unit="pictures"))
    if refused:
        raise _together(refused)
    return small, large


def _together(refused: Sequence[InputError | DataError]) -> InputError | DataError:
    """Return one error for several, of their kind if they are of one."""
    if len(refused) == 1:
        return refused[0]
    kinds = {type(error) for error in refused}
    shared = InputError if any(isinstance(error, InputError) for error in refused) else DataError
    return (kinds.pop() if len(kinds) == 1 else shared)(in_a_line([*map(str, refused)]))


def _place(folder: Path, stem: str, planned: Enlargement, network: UpscalingNetwork, seal: Seal | None) -> Placed:
    """Return the file of an enlarged picture, made now if it is not there."""
    if finished := find_finished(folder, planned.settings, stem):
        return finished
    image = enlarge(planned, network)
    settings = image.info["underpaint"]
    data = encode(image) if seal is None else seal(encode(image), settings)
    return Placed(path=add_file(folder, stem, data), settings=settings, drawn=True)
