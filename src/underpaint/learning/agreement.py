"""Whether the processes of a training still hold the same network, bit for bit.

They start from the same weights and take the same steps, so they do, unless the network learns something from each
process's own pictures that no gradient carries: batch statistics, or the counts of a codebook.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import torch
from torch import Tensor

from underpaint.core.errors import TrainingError
from underpaint.runtime.processes import Processes


def fingerprints(tensors: Mapping[str, Tensor]) -> Tensor:
    """Return one number a tensor, ``[N]`` int64, equal for equal bytes."""
    raw = (value.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8) for value in tensors.values())
    return torch.tensor([zlib.crc32(data.numpy().data) for data in raw], dtype=torch.int64)


def require_agreement(tensors: Mapping[str, Tensor], step: int, processes: Processes) -> None:
    """Check that every process holds the same tensors.

    Args:
        tensors: Name to tensor, the same names in every process.
        step: Optimizer steps done.
        processes: Who shares the training.

    Raises:
        TrainingError: Some differ; the message names the first.
    """
    if processes.count == 1:
        return
    own = torch.cat([torch.tensor([step]), fingerprints(tensors)])  # [1 + N]
    most, least = processes.largest(own.clone()), -processes.largest(-own)
    names = ["the number of steps", *tensors]
    others = [name for name, differs in zip(names, (most != least).tolist(), strict=True) if differs]
    if others:
        raise TrainingError(
            f"after step {step} the {processes.count} processes disagree about {others[0]} (and {len(others) - 1} more "
            "of the network's tensors): it learns from each process's own pictures; train it with one process"
        )
