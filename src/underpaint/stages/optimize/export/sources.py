"""Finding the arrays of a graph among the weights that it was traced from, so that they need not be kept twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from underpaint.pipelines.exported_folder import Source


def fingerprint(array: NDArray[np.float32]) -> tuple[tuple[int, ...], str]:
    """Return what only equal arrays share: the shape, and a hash of the numbers."""
    return array.shape, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def find_sources(
    arrays: Mapping[str, NDArray[np.float32]], components: Mapping[str, Mapping[str, NDArray[np.float32]]]
) -> dict[str, Source]:
    """Return where arrays of a graph lie among components, as they are or transposed.

    Args:
        arrays: Name to array of the graph.
        components: Component to name to tensor, in float32.

    Returns:
        The arrays that were found; the others are the graph's own.
    """
    known: dict[tuple[tuple[int, ...], str], Source] = {}
    for component, tensors in components.items():
        for name, tensor in tensors.items():
            known.setdefault(fingerprint(tensor), Source(component=component, name=name))
            if tensor.ndim == 2:
                turned = Source(component=component, name=name, transposed=True)
                known.setdefault(fingerprint(tensor.T), turned)
    found = {name: known.get(fingerprint(array)) for name, array in arrays.items() if array.dtype == np.float32}
    return {name: source for name, source in found.items() if source is not None}
