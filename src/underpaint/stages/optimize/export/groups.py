"""Which products of a graph may have 8 bits, in groups that keep or lose them together.

A group is a block of a component: ``transformer.blocks.3``, ``residual.blocks.0``. What lies in no block keeps 32
bits: embeddings, conditions and norms, the first layer and the last, logits, and all of quantizer and autoencoder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from underpaint.stages.optimize.export.sources import find_sources

IN_BLOCK = re.compile(r"(?P<block>(?:.+\.)?\d+)\.(?!weight$).+")
"""A numbered block and a layer inside it; a numbered layer that is no block stands alone."""
NEVER = frozenset({"quantizer", "autoencoder"})
"""Components that decide what a token means, or paint: rounded, a decoder costs more quality than it saves time."""
Groups = dict[str, tuple[str, ...]]


def group_of(component: str, tensor: str) -> str | None:
    """Return the group of a weight; None where it keeps 32 bits."""
    found = IN_BLOCK.fullmatch(tensor)
    return None if found is None or component in NEVER else f"{component}.{found['block']}"


def group_products(
    products: Mapping[str, NDArray[np.float32]], components: Mapping[str, Mapping[str, NDArray[np.float32]]]
) -> Groups:
    """Return the products of a graph by group, in the order of the graph.

    Args:
        products: Name of a product to its weight.
        components: Component to name to tensor.

    Returns:
        Group to names of products. A product whose weight is in no component, since it was computed from several, is
        in no group.
    """
    groups: dict[str, list[str]] = {}
    for product, source in find_sources(products, components).items():
        group = group_of(source.component, source.name)
        if group is not None:
            groups.setdefault(group, []).append(product)
    return {group: tuple(names) for group, names in groups.items()}


def products_of(groups: Groups, chosen: frozenset[str]) -> frozenset[str]:
    """Return the names of all products of some groups."""
    return frozenset(name for group in chosen for name in groups[group])
