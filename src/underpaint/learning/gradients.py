"""Gradients of several processes, added up as if one process had computed them all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from underpaint.runtime.processes import Processes


def share_gradients(parameters: Sequence[nn.Parameter], processes: Processes) -> None:
    """Replace each gradient by its sum over all processes, in one message.

    A parameter that has no gradient anywhere keeps none, so that the optimizer passes it over as in one process.

    Args:
        parameters: The trained parameters, in the same order in every process.
        processes: Who shares the training.
    """
    if processes.count == 1 or not parameters:
        return
    device = parameters[0].device
    there = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
    pieces = [torch.zeros(p.numel(), device=device) if p.grad is None else p.grad.flatten() for p in parameters]
    flat = processes.add_up(torch.cat([there, *pieces]))
    seen, *pieces = flat.split([len(parameters), *(p.numel() for p in parameters)])
    for parameter, somewhere, piece in zip(parameters, seen.tolist(), pieces, strict=True):
        parameter.grad = piece.view_as(parameter) if somewhere else None


def mean_figures(parts: Sequence[dict[str, float]], total: int, processes: Processes) -> dict[str, float]:
    """Average the figures of the micro-batches of a step over all processes.

    Args:
        parts: Those of this process; at least one, and all with the same names.
        total: Number of micro-batches over all processes.
        processes: Who shares the training.
    """
    names = list(parts[0])
    if total == 1:
        return dict(parts[0])
    sums = torch.tensor([[part[name] for name in names] for part in parts], dtype=torch.float64).sum(dim=0)
    means = processes.add_up(sums) / total
    return dict(zip(names, means.tolist(), strict=True))
