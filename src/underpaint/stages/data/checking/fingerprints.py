"""Fingerprints: what a check needs of every picture, taken once, kept in the cache, resumed after an interruption.

Pictures are decoded in blocks, by several processes. A block's rows are written into files that all blocks share, then
its marker; a block without a marker is done again. The arrays stay on the disk and are mapped into memory.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.stages.data.look import LOOK_SIZE, on_white
from underpaint.stages.data.perceptual_hash import perceptual_hashes
from underpaint.stages.data.picture import open_picture
from underpaint.stages.data.thumbnail import shrunk

BLOCK = 512
UNREAD = (0, 0, 0, 255)
"""What stands for a picture that cannot be read."""
VERSION = 1
"""Part of the cache's name; to be raised when fingerprints are made otherwise."""
ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "thumbnails": ("u1", (LOOK_SIZE, LOOK_SIZE, 3)),
    "hashes": ("<u8", ()),
    "alpha": ("<f4", ()),
    "constant": ("?", ()),
}


@dataclass(frozen=True, kw_only=True)
class Fingerprints:
    """What is known of the pictures of a data set, in the order of its samples.

    Args:
        thumbnails: ``[N, 32, 32, 3]`` uint8 on white, mapped from the disk.
        hashes: ``[N]`` uint64 perceptual hashes.
        alpha: ``[N]`` mean alpha, 0 to 1.
        constant: ``[N]`` whether all pixels are the same.
        problems: Position to why the picture cannot be read, or is not the one that was recorded.
    """

    thumbnails: np.ndarray
    hashes: np.ndarray
    alpha: np.ndarray
    constant: np.ndarray
    problems: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A job: some pictures of a data set, and where their rows go.

    Args:
        folder: The data set.
        cache: Folder of the arrays.
        start: Position of the first picture.
        pictures: Path inside the data set and recorded SHA-256 of the pixels.
        size: The side that pictures must have in pixels; any if None.
    """

    folder: Path
    cache: Path
    start: int
    pictures: tuple[tuple[str, str], ...]
    size: int | None

    @property
    def marker(self) -> Path:
        """The file that says that the block is done, and what is wrong in it."""
        return self.cache / f"done-{self.start:09d}.json"


def open_array(cache: Path, name: str, count: int) -> np.ndarray:
    """Map an array of the cache into memory; it is made if it is not there."""
    kind, shape = ARRAYS[name]
    path = cache / f"{name}.npy"
    if path.is_file():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(kind), shape=(count, *shape))


class Seen(NamedTuple):
    """What is taken of a picture: ``[32, 32, 4]`` pixels, mean alpha, whether it is constant, its pixels' SHA-256."""

    small: np.ndarray
    alpha: float
    constant: bool
    sha256: str


def see(path: Path, size: int | None) -> Seen:
    """Look at one picture.

    Args:
        path: The file.
        size: The side that it must have in pixels; any if None.

    Raises:
        UnreadableImage: It cannot be read, or has another size.
    """
    picture = open_picture(path, size=size)
    rgba = np.asarray(picture)
    alpha, colors = rgba[..., 3], rgba.view(np.uint32)
    return Seen(
        small=shrunk(picture),
        alpha=float(alpha.sum() / alpha.size / 255),
        constant=bool((colors == colors[0, 0]).all()),
        sha256=hashlib.sha256(rgba.data).hexdigest(),
    )


def take(block: Block, total: int) -> int:
    """Take the fingerprints of a block and return how many pictures it holds.

    Args:
        block: The job.
        total: Number of pictures of the data set.
    """
    arrays = {name: open_array(block.cache, name, total) for name in ARRAYS}
    rows = slice(block.start, block.start + len(block.pictures))
    small = np.full((len(block.pictures), LOOK_SIZE, LOOK_SIZE, 4), UNREAD, np.uint8)
    problems: dict[str, str] = {}
    for number, (name, recorded) in enumerate(block.pictures):
        position = block.start + number
        try:
            seen = see(block.folder / name, block.size)
        except UnreadableImage as error:
            problems[str(position)] = str(error).replace(f"{block.folder}/", "")
            continue
        if seen.sha256 != recorded:
            problems[str(position)] = f"{name} has other pixels than samples.jsonl records"
        small[number], arrays["alpha"][position], arrays["constant"][position] = seen[:3]
    arrays["thumbnails"][rows] = on_white(small)
    arrays["hashes"][rows] = perceptual_hashes(arrays["thumbnails"][rows])
    for array in arrays.values():
        array.flush()  # pyright: ignore[reportAttributeAccessIssue]
    temporary = block.marker.with_suffix(".partial")
    temporary.write_text(json.dumps(problems), encoding="utf-8")
    temporary.replace(block.marker)
    return len(block.pictures)


def work_off(blocks: Sequence[Block], total: int, jobs: int) -> Iterator[int]:
    """Take blocks, in this process or in several, and yield the size of each one that is done."""
    if min(jobs, len(blocks)) < 2:
        yield from (take(block, total) for block in blocks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(blocks)), mp_context=context) as pool:
        yield from pool.map(take, blocks, [total] * len(blocks))


def fingerprint(
    folder: Path,
    samples: Sequence[Sample],
    *,
    digest: str,
    size: int | None,
    cache: Path,
    jobs: int,
    report: Report = silent,
) -> Fingerprints:
    """Take the fingerprints that the cache lacks.

    Args:
        folder: The data set; its files are known to be those of its manifest.
        samples: Its samples.
        digest: Its digest; fingerprints of the same digest are not taken again.
        size: The side that pictures must have in pixels; any if None.
        cache: The cache folder.
        jobs: Number of processes.
        report: Receives progress.
    """
    place, total = cache / "fingerprints" / f"{digest[:32]}-v{VERSION}", len(samples)
    with storage_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            open_array(place, name, total)
        pictures = [(sample.file, sample.sha256_pixels) for sample in samples]
        blocks = [
            Block(folder=folder, cache=place, start=i, pictures=tuple(pictures[i : i + BLOCK]), size=size)
            for i in range(0, total, BLOCK)
        ]
        waiting = [block for block in blocks if not block.marker.is_file()]
        done = total - sum(len(block.pictures) for block in waiting)
        for number in work_off(waiting, total, jobs):
            done += number
            report(Progress(task="look at the pictures", done=done, total=total, unit="pictures"))
    return read_back(place, blocks)


def read_back(place: Path, blocks: Sequence[Block]) -> Fingerprints:
    """Open finished fingerprints."""
    arrays = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    problems: dict[int, str] = {}
    for block in blocks:
        found = json.loads(block.marker.read_text(encoding="utf-8"))
        problems |= {int(position): problem for position, problem in found.items()}
    return Fingerprints(problems=problems, **arrays)
