"""Arithmetic that some work takes, counted operator by operator: 2 floating-point operations a multiply-add.

``FlopCounterMode`` of torch sees fused attention on CPUs as nothing, so attention is written out while it counts. What
it knows no formula for is listed; where that includes a matrix product in disguise, the count is a lower bound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

DISGUISED = re.compile(r"linear|conv|matmul|m[mv](_|$)|dot$|attention|encoder_layer|lstm|gru|rnn|einsum|fft")
"""Names of operators that hold a matrix product."""
NO_WORK = re.compile(r"^((new_)?(empty|zeros|ones|full)|scalar_tensor|arange|detach|_unsafe_view)(_|$)")
LOOKUPS = frozenset({"embedding", "index", "index_select", "gather"})
"""Operators that read as much of their inputs as they return."""


@dataclass(frozen=True, kw_only=True)
class Flops:
    """A count.

    Args:
        total: Floating-point operations.
        by_operator: Operator to its share of the total.
        not_counted: Operator without a formula to the number of its calls: elementwise work, sums, norms, copies.
        missed: Those among ``not_counted`` that hold matrix products; if there are any, ``total`` is a lower bound.
        traffic_bytes: What the operators read and write if each fetches its inputs from memory and puts its outputs
            there; caches save a part of it.
    """

    total: int
    by_operator: dict[str, int]
    not_counted: dict[str, int]
    missed: tuple[str, ...]
    traffic_bytes: int


class _Bystander(TorchDispatchMode):
    """Notes the operators without a formula, and how many bytes pass through all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.traffic = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.overloadpacket.__name__
        if func.is_view or NO_WORK.search(name):
            return result
        out = sum(_bytes(leaf) for leaf in tree_leaves(result))
        self.traffic += out + (out if name in LOOKUPS else sum(_bytes(leaf) for leaf in tree_leaves((args, kwargs))))
        if func.overloadpacket not in flop_registry:
            self.calls[f"{func.namespace}.{name}"] += 1
        return result


def _bytes(value: object) -> int:
    return value.numel() * value.element_size() if isinstance(value, torch.Tensor) else 0


def count_flops(work: Callable[[], object]) -> Flops:
    """Count what one call takes.

    Args:
        work: The call; runs once.
    """
    bystander, counter = _Bystander(), FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), bystander, counter:
        work()
    counts = {str(operator): count for operator, count in counter.get_flop_counts().get("Global", {}).items()}
    missed = tuple(sorted(name for name in bystander.calls if DISGUISED.search(name)))
    return Flops(
        total=sum(counts.values()),
        by_operator=dict(sorted(counts.items())),
        not_counted=dict(sorted(bystander.calls.items())),
        missed=missed,
        traffic_bytes=bystander.traffic,
    )
