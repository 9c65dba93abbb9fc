"""What of a data set is encoded already, on the disk: a file for every few batches, each whole or not there.

So an encoding that was cut short goes on after the last of them. A file of other settings, of another data set or
tokenizer, or one that cannot be read, is encoded anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from underpaint.core.config import Config, digest_of
from underpaint.core.errors import ArtifactError
from underpaint.learning.state import replacing
from underpaint.runtime.safetensors_file import read_bytes
from underpaint.runtime.weights import parse_weights, write_weights

AT_ONCE = 128
"""Pictures of a batch; the random numbers of a batch depend on its place."""
BATCHES_A_FILE = 8
ROWS = "rows"


class EncodedSoFar:
    """The files of one encoding.

    Args:
        folder: Where they lie; need not exist.
        config: The settings of the encoding.
        parents: Role to digest of what is encoded, and of what encodes.
        device: Where it is computed; another kind of device rounds otherwise.
    """

    def __init__(self, folder: Path, config: Config, parents: Mapping[str, str], device: torch.device) -> None:
        self.folder = folder
        told = {"config": config.digest(), "parents": dict(parents), "device": device.type}
        self.identity = digest_of({**told, "at_once": AT_ONCE, "batches_a_file": BATCHES_A_FILE})

    def _path(self, part: str, number: int) -> Path:
        return self.folder / f"encoded-{part}-{number:05d}.safetensors"

    def read(self, part: str, number: int, count: int) -> Tensor | None:
        """Return the rows of a file; None if they must be encoded.

        Args:
            part: Which pictures (``train``, ``held_out``).
            number: Place of the file among those of the part.
            count: How many rows there must be.
        """
        path = self._path(part, number)
        if not path.exists():
            return None
        try:
            tensors, metadata = parse_weights(read_bytes(path), source=str(path))
        except ArtifactError:
            return None
        rows = tensors.get(ROWS)
        if rows is None or metadata.get("identity") != self.identity:
            return None
        return rows if len(rows) == count else None

    def write(self, part: str, number: int, rows: Tensor) -> None:
        """Write the rows of a file, over one that could not be used.

        Args:
            part: As in ``read``.
            number: As in ``read``.
            rows: ``[N, V, C, h, h]`` float16.

        Raises:
            StorageError: It cannot be written, as on a full disk.
        """
        with replacing(self._path(part, number)) as temporary:
            write_weights(temporary, {ROWS: rows}, {"identity": self.identity})


def remove(folder: Path) -> None:
    """Remove what was encoded so far, once the artifact that holds the same is there.

    Args:
        folder: Where it lies; need not exist.
    """
    shutil.rmtree(folder, ignore_errors=True)
