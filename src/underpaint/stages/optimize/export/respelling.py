"""Operations that the tracer cannot write down, said in ones that it can; the numbers stay the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


def squeeze(x: Tensor, *dims: int) -> Tensor:
    """Leave out axes of size 1: the tracer asks for the size only when the graph runs, and ends in an ``If``."""
    if not dims:
        return x.squeeze()
    for dim in sorted((dim % x.ndim for dim in dims), reverse=True):
        x = x.select(dim, 0) if x.shape[dim] == 1 else x
    return x


def permute(x: Tensor, *dims: Any) -> Tensor:
    """Order axes: the tracer writes axes that count from the end down as they are."""
    order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return x.permute([dim % x.ndim for dim in order])


def movedim(x: Tensor, source: int, destination: int) -> Tensor:
    """Move an axis."""
    order = [dim for dim in range(x.ndim) if dim != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return x.permute(order)


def rms_norm(x: Tensor, shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the last axes, which is no operation of the graph's version."""
    least = torch.finfo(x.dtype).eps if eps is None else eps
    axes = list(range(-len(shape), 0))
    normalized = x * torch.rsqrt(x.pow(2).mean(axes, keepdim=True) + least)
    return normalized if weight is None else normalized * weight


RESPELLED: dict[Any, Callable[..., Tensor]] = {
    Tensor.squeeze: squeeze,
    torch.squeeze: squeeze,
    Tensor.permute: permute,
    torch.permute: permute,
    Tensor.movedim: movedim,
    torch.movedim: movedim,
    functional.rms_norm: rms_norm,
    torch.rms_norm: rms_norm,
}
"""Operation to what stands for it."""


class Respelling(TorchFunctionMode):
    """A context in which every operation of the table is replaced."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call what stands for an operation, or the operation itself."""
        return RESPELLED.get(func, func)(*args, **(kwargs or {}))
