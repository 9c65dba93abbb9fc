"""Which layers of a network lie inside its repeated blocks, where nearly all arithmetic is done.

What reads time and text, normalizes, modulates, or writes the output is left alone: it costs little, and errors there
reach everything. The rule goes by the names of layers, so that it holds for networks of any library.
"""

from __future__ import annotations

import re

from torch import nn

INSIDE = re.compile(r"(?:^|\.)\d+\.")
"""A part of a list of blocks."""
SENSITIVE = ("norm", "time_emb", "embed", "modul", "adaln", "gain")
"""Names of layers that embed or modulate, inside blocks too."""


def is_inner(name: str) -> bool:
    """Tell whether a layer of this name lies inside a block and neither embeds nor modulates.

    Args:
        name: As ``named_modules`` gives it.
    """
    return INSIDE.search(name) is not None and not any(word in name for word in SENSITIVE)


def inner_linears(module: nn.Module) -> dict[str, nn.Linear]:
    """Return the linear maps inside blocks by name; subclasses are left alone, since they may do something else."""
    return {name: part for name, part in module.named_modules() if type(part) is nn.Linear and is_inner(name)}


def inner_convs(module: nn.Module) -> dict[str, nn.Conv2d]:
    """Return the convolutions inside blocks by name."""
    return {name: part for name, part in module.named_modules() if type(part) is nn.Conv2d and is_inner(name)}
