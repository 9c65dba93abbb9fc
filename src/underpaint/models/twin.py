"""A second object of a network that shares all numbers with the first, so that parts of it can be exchanged.

Modules are copied, parameters and buffers are not: the twin costs no memory worth naming, and whatever is put into it
leaves the original as it is, to the bit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from itertools import chain
from typing import TypeVar

from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def twin(module: M, change: Callable[[Tensor], Tensor] = _itself) -> M:
    """Return a copy of a network whose parameters and buffers are those of the original.

    Args:
        module: The network; nothing may write into its weights afterwards.
        change: From a parameter or buffer to what stands in the copy for it, the same kind of tensor.
    """
    shared = {id(tensor): change(tensor) for tensor in chain(module.parameters(), module.buffers())}
    return copy.deepcopy(module, shared)


def exchanged(module: M, parts: Mapping[str, nn.Module]) -> M:
    """Return a twin with other modules in some places.

    Args:
        module: The network.
        parts: Name of a submodule, as ``named_modules`` gives it, to what stands there instead.
    """
    other = twin(module)
    for name, part in parts.items():
        other.set_submodule(name, part)
    return other
