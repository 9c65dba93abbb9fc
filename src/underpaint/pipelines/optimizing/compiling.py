"""Networks as compiled code: block by block, since equal blocks share it, each when it first runs.

What is compiled belongs to the machine and is not saved with a model; opening one compiles again, or takes the
compiler's own cache.
"""

from __future__ import annotations

from pydantic import Field
from torch import nn

from underpaint.core.config import Config
from underpaint.models.twin import twin

PAINTER = "decoder"


class Compiled(Config):
    """Parameters of ``engine.compile``.

    Args:
        dynamic: Whether code is made for sizes of all kinds at once, rather than for each when it is first met.
        mode: As torch knows it.
    """

    dynamic: bool = False
    mode: str = Field(default="default", pattern=r"^(default|reduce-overhead|max-autotune)$")


def compiled(network: nn.Module, params: Compiled) -> nn.Module:
    """Return a network of compiled blocks."""
    other = twin(network)
    for part in regions(other):
        part.compile(dynamic=params.dynamic, mode=params.mode)
    return other


def regions(network: nn.Module) -> list[nn.Module]:
    """Return the parts that are compiled: the blocks of its outermost lists, its decoder, or all of it."""
    painter = getattr(network, PAINTER, None)
    if isinstance(painter, nn.Module):
        return [painter]
    lists = [(name, one) for name, one in network.named_modules() if isinstance(one, nn.ModuleList)]
    names = [name for name, _ in lists]
    outer = [one for name, one in lists if not any(name.startswith(f"{other}.") for other in names)]
    return [block for one in outer for block in one] or [network]
