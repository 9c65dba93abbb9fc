"""Finding the arrays of a graph among the weights that it was traced from, so that they need not be kept twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping

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


def worth_copies(
    sources: Mapping[str, Source],
    arrays: Mapping[str, NDArray[np.float32]],
    components: Mapping[str, Mapping[str, NDArray[np.float32]]],
    kept: Collection[str],
) -> dict[str, Source]:
    """Return the sources without those in components of which the graph uses less than half, such as quantized ones.

    What is left of them is smaller as arrays of the graph's own than with a copy of the whole file.

    Args:
        sources: Array of the graph to its place.
        arrays: Name to array of the graph.
        components: Component to name to tensor.
        kept: Components whose files are copied in any case.
    """
    used: Counter[str] = Counter()
    for name, source in sources.items():
        used[source.component] += arrays[name].size
    whole = {component: sum(tensor.size for tensor in tensors.values()) for component, tensors in components.items()}
    worth = {component for component, size in used.items() if component in kept or 2 * size >= whole[component]}
    return {name: source for name, source in sources.items() if source.component in worth}
