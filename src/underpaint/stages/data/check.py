"""The check of a finished data set: files, pictures, card and splits, as anyone may repeat it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from underpaint.adapters.mlcroissant import validate
from underpaint.core.artifact import Manifest, verify
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, DataError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.card import CARD
from underpaint.stages.data.card_check import refuse_card
from underpaint.stages.data.leakage import LeakReport, exact_leaks, refuse_leaks
from underpaint.stages.data.picture import read_picture


class CheckReport(Config):
    """What was checked.

    Args:
        dataset: The artifact's digest.
        files: Files whose hash was compared.
        pictures: Pictures whose pixels were compared with ``samples.jsonl``.
        warnings: What mlcroissant warns of.
    """

    dataset: str
    files: int
    pictures: int
    warnings: tuple[str, ...]


def check_pixels(samples: list[Sample], folder: Path, size: int, report: Report) -> None:
    """Decode every picture and compare its pixels.

    Raises:
        DataError: A picture cannot be decoded, has another size, or other pixels than recorded.
    """
    for number, sample in enumerate(samples, 1):
        pixels = read_picture(folder / sample.file, size=size)
        if hashlib.sha256(pixels.tobytes()).hexdigest() != sample.sha256_pixels:
            raise DataError(f"{folder / sample.file} has other pixels than samples.jsonl records; build the set again")
        if number % 500 == 0 or number == len(samples):
            report(Progress(task="check pictures", done=number, total=len(samples), unit="pictures"))


def check_splits(samples: list[Sample]) -> None:
    """Make sure that no cluster, picture or caption lies in two splits.

    Raises:
        SplitLeak: One does.
    """
    refuse_leaks(LeakReport(leaks=tuple(exact_leaks(samples)), composition_twins=0, pairs_compared=0))


def size_of(manifest: Manifest, folder: Path) -> int:
    """Return the side of a data set's pictures in pixels, whatever the pictures were made of.

    Raises:
        ArtifactError: Its settings name none.
    """
    size = manifest.config.get("size")
    if not isinstance(size, int):
        raise ArtifactError(f"{folder}: the settings in its manifest name no size ({size!r:.40}); build the set again")
    return size


def check(folder: Path, report: Report = silent) -> CheckReport:
    """Check a finished data set.

    Args:
        folder: The artifact.
        report: Receives progress.

    Raises:
        ArtifactError: A file is missing or changed.
        DataError: A picture, the card or a split is wrong.
    """
    manifest: Manifest = verify(folder, kind="dataset")
    samples = read_samples(folder)
    check_pixels(samples, folder, size_of(manifest, folder), report)
    check_splits(samples)
    refuse_card(folder)
    return CheckReport(
        dataset=manifest.digest,
        files=len(manifest.files),
        pictures=len(samples),
        warnings=tuple(validate(folder / CARD)),
    )
