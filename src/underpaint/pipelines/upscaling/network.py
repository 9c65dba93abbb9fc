"""The network that enlarges, as a graph that runs without torch: pictures of any shape, four times as large."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from underpaint.adapters import onnxruntime
from underpaint.core.artifact import Manifest, read_manifest
from underpaint.core.checked_bytes import read_checked
from underpaint.core.errors import ArtifactError
from underpaint.pipelines.model_folder import SHIPPED, WEIGHTS
from underpaint.pipelines.upscaling.resampling import Floats
from underpaint.runtime.engine import Graph
from underpaint.runtime.safetensors_file import read_arrays

KIND = "upscaler"
NAME = "upscaler-64"
"""The network that comes with underpaint."""
GRAPH = "model.onnx"
SMALL, LARGE = "small", "large"
"""Names of the graph's input and output: ``[1, 4, H, W]`` premultiplied, in [-1, 1]."""
FACTOR = 4
"""How many times larger pictures become."""
KEPT = 4
"""Shapes that a session is kept for."""
REMEDY = "install underpaint again, or train the upscaler again"


class UpscalingNetwork:
    """A loaded network.

    Args:
        name: What pictures call it.
        digest: Digest of its manifest.
        graph: The bytes of the graph.
        weights: What it computes with.
        place: Where it lies, for messages.
        threads: How many threads compute.
    """

    def __init__(
        self, name: str, digest: str, graph: bytes, weights: Mapping[str, NDArray[Any]], place: Path, threads: int
    ) -> None:
        self.name, self.digest, self.threads = name, digest, threads
        self._graph, self._weights, self._place = graph, weights, place
        self._session = lru_cache(maxsize=KEPT)(self._open)

    def _open(self, height: int, width: int) -> Graph:
        shapes = {SMALL: (1, 4, height, width)}
        return onnxruntime.graph_of(
            self._graph, self._weights, self._place, threads=self.threads, level="all", shapes=shapes
        )

    def enlarged(self, values: Floats) -> Floats:
        """Enlarge a premultiplied picture.

        Args:
            values: ``[H, W, 4]`` in [0, 1].

        Returns:
            ``[4 H, 4 W, 4]``, nominally in [0, 1].
        """
        given = np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float32) * 2 - 1  # [1, 4, H, W]
        large = self._session(*values.shape[:2]).run({SMALL: given})[LARGE]
        return (large[0].transpose(1, 2, 0) + 1) / 2  # [4 H, 4 W, 4]


def open_network(folder: Path | None = None, threads: int = 1) -> UpscalingNetwork:
    """Read a network, every file checked.

    Args:
        folder: An ``upscaler`` artifact; None for the one that comes with underpaint.
        threads: How many threads compute.

    Raises:
        InputError: There is no such folder.
        ArtifactError: It is no upscaler, or a file is missing, changed or damaged.
    """
    place = folder or SHIPPED / NAME
    manifest = read_manifest(place, kind=KIND)
    graph = read_checked(place / GRAPH, sha256=_sha256(manifest, GRAPH, place), remedy=REMEDY)
    arrays = read_arrays(place / WEIGHTS, sha256=_sha256(manifest, WEIGHTS, place))
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    return UpscalingNetwork(place.name, manifest.digest, graph, weights, place / GRAPH, threads)


def _sha256(manifest: Manifest, name: str, place: Path) -> str:
    if name not in manifest.files:
        raise ArtifactError(f"the manifest in {place} names no {name}, so it is no complete upscaler; {REMEDY}")
    return manifest.files[name].sha256


@lru_cache(maxsize=1)
def shipped() -> UpscalingNetwork:
    """Return the network that comes with underpaint, with one thread; read once."""
    return open_network()
