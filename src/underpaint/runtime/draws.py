"""Random tensors that are the same on every device: drawn on the CPU by a given generator, then moved."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rand(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Return uniform numbers in [0, 1)."""
    return torch.rand(*shape, generator=generator).to(device)


def randn(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(*shape, generator=generator).to(device)


def randint(high: int, shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Return integers in [0, high)."""
    return torch.randint(high, tuple(shape), generator=generator).to(device)
