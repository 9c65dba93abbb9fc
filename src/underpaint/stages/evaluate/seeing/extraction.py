"""Features of many pictures: each picture is looked at once ever, and memory does not grow with their number.

What was seen before comes from the cache; the rest is loaded and looked at batch by batch and kept as it comes, so a
killed run goes on where it was.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DataError, DegenerateSamples, UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.models.extractor import Extractor
from underpaint.models.preprocess import Pixels
from underpaint.stages.evaluate.drawing.pictures import sha256_of
from underpaint.stages.evaluate.seeing.feature_store import (
    FEATURES,
    HEAD,
    SIZES,
    FeatureStore,
    Rows,
    layout,
)

Picture = tuple[str, Callable[[], Pixels]]
"""The SHA-256 of a picture's RGBA pixels, and what loads them ``[H, W, 4]``."""
SHARD_ROWS = 1024
SHARD_SECONDS = 60.0
IN_MEMORY_BYTES = 128 * 2**20
"""Arrays above this lie in a temporary file that is mapped into memory."""


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What an extractor sees in N pictures.

    Args:
        features: ``[N, D]`` float32; large ones are mapped from a temporary file.
        probabilities: Head to ``[N, K]``; empty without heads.
        kept: Which of the pictures asked for these are, ``[N]``; all unless unreadable ones were skipped.
        skipped: What was wrong with the others.
        sizes: Height and width of each picture, ``[N, 2]``.
        warning: What the extractor cannot see in pictures of this size; empty if nothing.
        num_cached: How many came from the cache.
        num_damaged: Damaged files of the cache that were removed.
    """

    features: NDArray[np.float32]
    probabilities: Mapping[str, NDArray[np.float32]]
    kept: NDArray[np.int64]
    skipped: tuple[str, ...]
    sizes: NDArray[np.int32]
    warning: str
    num_cached: int = 0
    num_damaged: int = 0


def extract_all(
    pictures: Sequence[Picture],
    extractor: Extractor,
    cache: Path | None = None,
    *,
    batch_size: int = 64,
    report: Report = silent,
    unreadable: Literal["refuse", "skip"] = "refuse",
) -> Extracted:
    """Return what an extractor sees in pictures, in their order.

    Args:
        pictures: Hash and loader of each.
        extractor: What looks.
        cache: Folder of the cache; None for none.
        batch_size: Pictures at once; does not change the result.
        report: Receives progress.
        unreadable: What happens to a picture that cannot be read: ``refuse`` raises, ``skip`` leaves it out.

    Raises:
        UnreadableImage: A picture cannot be read.
        DataError: A picture differs from its hash.
        DegenerateSamples: The network gives NaN.
        StorageError: The cache cannot be written.
    """
    work = _Work(pictures, extractor, cache, report, skip=unreadable == "skip")
    work.read_cache()
    try:
        for batch in work.batches(batch_size):
            work.look(batch)
    finally:
        work.flush()
    return work.result()


@dataclass
class _Work:
    """An extraction that is going on."""

    pictures: Sequence[Picture]
    extractor: Extractor
    cache: Path | None
    report: Report
    skip: bool
    rows: dict[str, list[int]] = field(default_factory=dict)
    columns: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    pending: list[tuple[list[str], Rows]] = field(default_factory=list)
    num_cached: int = 0

    def __post_init__(self) -> None:
        for row, (key, _) in enumerate(self.pictures):
            self.rows.setdefault(key, []).append(row)
        plan = layout(self.extractor.card, heads=self.extractor.heads is not None)
        self.columns = {name: allocate((len(self.pictures), width), kind) for name, (width, kind) in plan.items()}
        card, heads = self.extractor.card, self.extractor.heads is not None
        self.store = FeatureStore.of(self.cache, card, heads=heads) if self.cache else None
        self.missing = set(self.rows)
        self.flushed = time.monotonic()

    def read_cache(self) -> None:
        """Take what is there."""
        for keys, rows in self.store.find(self.missing) if self.store else ():
            self._fill(keys, rows)
            self.num_cached += sum(len(self.rows[key]) for key in keys)
        self._tell()

    def batches(self, size: int) -> Iterator[list[tuple[str, Pixels]]]:
        """Load the pictures that are missing, ``size`` at a time."""
        batch: list[tuple[str, Pixels]] = []
        for key in [key for key in self.rows if key in self.missing]:
            pixels = self._load(key)
            if pixels is not None:
                batch.append((key, pixels))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def look(self, batch: list[tuple[str, Pixels]]) -> None:
        """Let the extractor look at a batch, and keep what it sees."""
        keys, pixels = [key for key, _ in batch], [pixels for _, pixels in batch]
        seen = self.extractor.extract(pixels)
        broken = np.flatnonzero(~np.isfinite(seen.features).all(axis=1))
        if broken.size:
            raise DegenerateSamples(
                f"{self.extractor.card.name} gives NaN or infinity for the picture with SHA-256 "
                f"{keys[int(broken[0])][:12]}…; its weights are broken or overflow: load them again"
            )
        rows = {FEATURES: seen.features, SIZES: np.array([p.shape[:2] for p in pixels], dtype=np.int32)}
        rows |= {HEAD + head: values for head, values in seen.probabilities.items()}
        self._fill(keys, rows)
        self.pending.append((keys, rows))
        waited = time.monotonic() - self.flushed
        if sum(len(keys) for keys, _ in self.pending) >= SHARD_ROWS or waited > SHARD_SECONDS:
            self.flush()
        self._tell()

    def flush(self) -> None:
        """Write what was seen since the last time into the cache."""
        if self.store and self.pending:
            keys = [key for keys, _ in self.pending for key in keys]
            names = self.pending[0][1]
            self.store.write(keys, {name: np.concatenate([rows[name] for _, rows in self.pending]) for name in names})
        self.pending, self.flushed = [], time.monotonic()

    def result(self) -> Extracted:
        """Return everything, without the pictures that were skipped."""
        lost = {row for key in self.skipped for row in self.rows[key]}
        kept = np.array([row for row in range(len(self.pictures)) if row not in lost], dtype=np.int64)
        columns = {name: compact(column, kept) for name, column in self.columns.items()} if lost else self.columns
        sizes = columns[SIZES]
        height, width = sizes.max(axis=0).tolist() if len(sizes) else (0, 0)
        return Extracted(
            features=columns[FEATURES],  # pyright: ignore[reportArgumentType]
            probabilities={name.removeprefix(HEAD): c for name, c in columns.items() if name.startswith(HEAD)},  # pyright: ignore[reportArgumentType]
            kept=kept,
            skipped=tuple(self.skipped.values()),
            sizes=sizes,  # pyright: ignore[reportArgumentType]
            warning=self.extractor.warning(height, width),
            num_cached=self.num_cached,
            num_damaged=self.store.num_damaged if self.store else 0,
        )

    def _load(self, key: str) -> Pixels | None:
        """Load a picture; None if it cannot be read and is skipped."""
        try:
            pixels = self.pictures[self.rows[key][0]][1]()
        except UnreadableImage as error:
            if not self.skip:
                raise
            self.skipped[key] = str(error)
            return None
        if (found := sha256_of(pixels)) != key:
            raise DataError(
                f"a picture's pixels have the SHA-256 {found[:12]}…, {key[:12]}… was recorded: it changed since; "
                "make its record again"
            )
        return pixels

    def _fill(self, keys: Sequence[str], rows: Rows) -> None:
        for position, key in enumerate(keys):
            for name, column in self.columns.items():
                column[self.rows[key]] = rows[name][position]
        self.missing.difference_update(keys)

    def _tell(self) -> None:
        done = len(self.rows) - len(self.missing)
        task = f"look at pictures with {self.extractor.card.name}"
        self.report(Progress(task=task, done=done, total=len(self.rows), unit="pictures"))


def allocate(shape: tuple[int, int], kind: type[np.generic]) -> NDArray[np.generic]:
    """Return an empty array, mapped from a nameless temporary file if it is large."""
    if shape[0] * shape[1] * np.dtype(kind).itemsize <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype=kind)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=kind, mode="w+", shape=shape)


def compact(values: NDArray[np.generic], kept: NDArray[np.int64], block: int = 1024) -> NDArray[np.generic]:
    """Move the kept rows to the front, in place, and return them.

    Args:
        values: ``[N, D]``.
        kept: Rows to keep, rising.
        block: Rows at a time.
    """
    for start in range(0, len(kept), block):
        part = kept[start : start + block]
        values[start : start + len(part)] = values[part]
    return values[: len(kept)]
