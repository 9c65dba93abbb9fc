"""Low-rank adapters: a frozen linear map ``W`` becomes ``W + U D`` with thin ``U`` and ``D`` that alone are trained.

``U`` starts at zero, so an adapted network first does what it did; in the end the product is added to ``W``, and
nothing of the adapter is left to compute.

Source: LoRA, arXiv 2106.09685, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.errors import ArtifactError
from underpaint.runtime.draws import randn

DOWN, UP = "down", "up"


class LowRank(nn.Module):
    """A linear map with an adapter.

    Args:
        base: The map, ``n`` to ``m``; it is frozen.
        rank: Rank ``r`` of what is added.
        generator: Draws the first weights of ``down``.
    """

    def __init__(self, base: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        m, n = base.weight.shape
        self.down = nn.Parameter(randn((rank, n), generator, base.weight.device) * n**-0.5)  # [r, n]
        self.up = nn.Parameter(base.weight.new_zeros(m, rank))  # [m, r]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., n]`` to ``[..., m]``."""
        return self.base(x) + F.linear(F.linear(x, self.down), self.up)


def adapt(network: nn.Module, rank: int, generator: torch.Generator) -> None:
    """Freeze a network and give each of its linear maps an adapter, in place.

    Args:
        network: The network; it is no linear map itself.
        rank: Largest rank; a map with fewer rows or columns gets as many.
        generator: Draws the first weights.
    """
    network.requires_grad_(False)
    linear = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    for name, module in linear.items():
        network.set_submodule(name, LowRank(module, min(rank, *module.weight.shape), generator))


def adapter_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the adapters of a network: ``<map>.down [r, n]`` and ``<map>.up [m, r]``."""
    adapted = {name: module for name, module in network.named_modules() if isinstance(module, LowRank)}
    return {
        f"{name}.{part}": getattr(module, part).detach().clone()
        for name, module in adapted.items()
        for part in (DOWN, UP)
    }


def merge(network: nn.Module) -> None:
    """Put plain linear maps in the place of adapted ones, with the adapters added, in place."""
    adapter = adapter_of(network)
    for name, module in [*network.named_modules()]:
        if isinstance(module, LowRank):
            network.set_submodule(name, module.base)
    add_adapter(network, adapter, source="the adapter")


@torch.no_grad()
def add_adapter(network: nn.Module, adapter: Mapping[str, Tensor], *, source: str) -> None:
    """Add adapters to the linear maps that they were trained for, in place.

    Args:
        network: The network without adapters.
        adapter: From ``adapter_of``.
        source: Where the adapter came from; named in the error.

    Raises:
        ArtifactError: A map is missing or has another size; nothing is changed then.
    """
    maps = sorted({name.rpartition(".")[0] for name in adapter})
    products = {name: _product(adapter, name, source) for name in maps}
    linear = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    for name, product in products.items():
        if name not in linear or linear[name].weight.shape != product.shape:
            here = list(linear[name].weight.shape) if name in linear else "nothing"
            raise ArtifactError(
                f"{source}: {name} is {list(product.shape)} there and {here} here; apply it to its own model"
            )
    for name, product in products.items():
        linear[name].weight += product.to(linear[name].weight)


def _product(adapter: Mapping[str, Tensor], name: str, source: str) -> Tensor:
    down, up = adapter.get(f"{name}.{DOWN}"), adapter.get(f"{name}.{UP}")
    if down is None or up is None or down.ndim != 2 or up.ndim != 2 or up.shape[1] != down.shape[0]:
        raise ArtifactError(f"{source}: {name} needs 'down' [r, n] and 'up' [m, r] of one rank; train it again")
    return up @ down  # [m, n]
