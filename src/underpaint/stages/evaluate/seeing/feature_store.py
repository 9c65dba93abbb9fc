"""Features on disk, by the card of the extractor and the hash of the picture.

A folder a card holds shards; a shard holds the features of some pictures and is named by the SHA-256 of its own bytes.
It is written beside its place and renamed, so several processes can write at once and a killed one leaves nothing half.
Damage is seen on reading: a damaged shard is removed and its pictures are looked at again.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import ExtractorCard
from underpaint.runtime.weights import read_weights, write_weights

FORMAT = 1
"""Raised when the same card would give other features, because preprocessing changed."""
KEYS = "sha256"
SIZES = "size"
FEATURES = "features"
HEAD = "head/"
Rows = Mapping[str, NDArray[np.generic]]


def layout(card: ExtractorCard, *, heads: bool) -> dict[str, tuple[int, type[np.generic]]]:
    """Return name to width and type of what is kept of a picture.

    Args:
        card: The extractor's card.
        heads: Whether it gives class probabilities.
    """
    columns: dict[str, tuple[int, type[np.generic]]] = {SIZES: (2, np.int32), FEATURES: (card.dim, np.float32)}
    if heads:
        columns |= {HEAD + head: (len(names), np.float32) for head, names in card.classes.items()}
    return columns


@dataclass(kw_only=True)
class FeatureStore:
    """The features that one extractor has seen so far.

    Args:
        folder: Its folder.
        columns: What is kept of a picture; see ``layout``.
        num_damaged: How many shards were found damaged and removed.
    """

    folder: Path
    columns: Mapping[str, tuple[int, type[np.generic]]]
    num_damaged: int = field(default=0, init=False)

    @classmethod
    def of(cls, cache: Path, card: ExtractorCard, *, heads: bool) -> FeatureStore:
        """Return the store of an extractor inside a cache folder."""
        folder = cache / "features" / f"{card.name}-{card.identity[:16]}-{FORMAT}"
        return cls(folder=folder, columns=layout(card, heads=heads))

    def find(self, wanted: Set[str]) -> Iterator[tuple[list[str], Rows]]:
        """Yield what is there: the hashes of pictures and, row by row, what is kept of them.

        Args:
            wanted: Hashes of pictures.
        """
        missing = set(wanted)
        for path in sorted(self.folder.glob("*.safetensors")):
            if not missing:
                return
            keys = self._keys(path)
            rows = [row for row, key in enumerate(keys) if key in missing]
            values = self._values(path, len(keys)) if rows else None
            if values is not None:
                found = [keys[row] for row in rows]
                missing -= set(found)
                yield found, {name: column[rows] for name, column in values.items()}

    def write(self, keys: Sequence[str], rows: Rows) -> None:
        """Keep what was seen in some pictures.

        Args:
            keys: Hashes of pictures.
            rows: Name to one row a picture.

        Raises:
            StorageError: The folder cannot be written.
        """
        raw = np.frombuffer(bytes.fromhex("".join(keys)), dtype=np.uint8).reshape(len(keys), 32)
        tensors = {name: torch.from_numpy(np.ascontiguousarray(rows[name])) for name in self.columns}
        temporary = self.folder / f".{os.getpid()}-{uuid.uuid4().hex[:8]}.partial"
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                write_weights(temporary, {**tensors, KEYS: torch.from_numpy(raw.copy())})
                temporary.rename(self.folder / f"{hash_file(temporary)}.safetensors")
            finally:
                temporary.unlink(missing_ok=True)

    def _keys(self, path: Path) -> list[str]:
        """Return the hashes of a shard's pictures; of a damaged one, none."""
        try:
            with safe_open(path, framework="np") as shard:
                raw = shard.get_tensor(KEYS)
        except FileNotFoundError:
            return []
        except (SafetensorError, OSError, ValueError):
            self._discard(path)
            return []
        return [row.tobytes().hex() for row in raw]

    def _values(self, path: Path, count: int) -> dict[str, NDArray[np.generic]] | None:
        """Return a shard's columns, checked against its name; None if it is damaged or gone."""
        types = {np.float32: torch.float32, np.int32: torch.int32}
        expected = {name: ((count, width), types[kind]) for name, (width, kind) in self.columns.items()}  # pyright: ignore[reportArgumentType]
        try:
            tensors = read_weights(path, {**expected, KEYS: ((count, 32), torch.uint8)}, sha256=path.stem)
        except (ArtifactError, OSError):
            self._discard(path)
            return None
        return {name: tensors[name].numpy() for name in self.columns}

    def _discard(self, path: Path) -> None:
        self.num_damaged += 1
        with contextlib.suppress(OSError):
            path.unlink()
