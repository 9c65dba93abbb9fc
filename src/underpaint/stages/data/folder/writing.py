"""Writing: pictures, samples and tables of a data set in one pass, a few of them in memory at a time."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.config import canonical_json
from underpaint.core.progress import Progress, Report
from underpaint.core.samples import Sample, SampleFile, write_samples
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.finished import Finished
from underpaint.stages.data.folder.places import GONE, SPLIT_NAMES
from underpaint.stages.data.folder.samples import Origin, Placed, samples_of

METADATA = "metadata.jsonl"
"""What makes ``images`` a folder that the library ``datasets`` reads as it is."""
REPORT_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written.

    Args:
        samples: The samples.
        digest: SHA-256 over captions and the bytes of the picture files, in the order of the ids.
        origins: Origins of the pictures, each key once.
        alternatives: How many captions there are besides the first of each picture.
    """

    samples: SampleFile
    digest: str
    origins: list[Origin]
    alternatives: int


def write_all(placed: Placed, finished: Finished, config: FolderConfig, folder: Path, report: Report) -> Written:
    """Write the pictures, ``samples.jsonl``, and beside the pictures of each split a table for other libraries.

    Args:
        placed: What becomes of each picture.
        finished: The pictures, and the ledger.
        config: The settings.
        folder: The data set.
        report: Receives progress.
    """
    total, digest, origins = int(placed.staying.sum()), hashlib.sha256(), dict[str, Origin]()
    alternatives = 0

    def passing() -> Iterator[Sample]:
        nonlocal alternatives
        for number, (sample, origin, key) in enumerate(samples_of(placed, finished, config), 1):
            link_or_copy(finished.picture(key), folder / sample.file)
            tables[sample.split].write(canonical_json(row_of(sample)) + "\n")
            words = "\n".join((sample.name, *sample.alternatives))
            digest.update(f"{sample.id} {key.hex()} {words}\n".encode())
            origins[sample.source] = origin
            alternatives += len(sample.alternatives)
            if number % REPORT_EVERY == 0 or number == total:
                report(Progress(task="write", done=number, total=total, unit="pictures"))
            yield sample

    with contextlib.ExitStack() as files:
        tables = {}
        for split in {SPLIT_NAMES[number] for number in set(placed.splits.tolist()) - {GONE}}:
            (folder / "images" / split).mkdir(parents=True)
            table = folder / "images" / split / METADATA
            tables[split] = files.enter_context(table.open("w", encoding="utf-8"))
        write_samples(folder, passing())
    return Written(
        samples=SampleFile(folder, total),
        digest=digest.hexdigest(),
        origins=list(origins.values()),
        alternatives=alternatives,
    )


def row_of(sample: Sample) -> dict[str, str]:
    """Return what the table beside a picture says of it."""
    return {
        "file_name": Path(sample.file).name,
        "text": sample.caption,
        "id": sample.id,
        "group": sample.group,
        "style": sample.style,
        "author": sample.family,
        "license": sample.license,
    }


def link_or_copy(source: Path, target: Path) -> None:
    """Put a finished picture into the data set: a second name for it, or a copy where the file system has no such."""
    with contextlib.suppress(OSError):
        target.hardlink_to(source)
        return
    with storage_errors(target):
        shutil.copyfile(source, target)
