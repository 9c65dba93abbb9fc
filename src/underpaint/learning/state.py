"""The state of a training run on disk: everything that a bit-for-bit resume needs, in one safetensors file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import TrainingError
from underpaint.learning.ema import WeightAverage


def save_state(
    path: Path,
    *,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: WeightAverage,
    step: int,
    identity: str,
    extra: dict[str, Any],
) -> None:
    """Write the state to ``path`` in one atomic replacement.

    Args:
        path: The file.
        module: The module that is trained, buffers included.
        optimizer: Its optimizer, with one parameter group or more over the module's parameters.
        average: Its weight average.
        step: Optimizer steps done.
        identity: Digest of the settings and inputs; a resume under another identity is refused.
        extra: Small JSON values to keep (curves, seconds spent).
    """
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    tensors: dict[str, Tensor] = {f"module.{k}": v.contiguous().clone() for k, v in module.state_dict().items()}
    tensors |= {f"average.{k}": v.contiguous().clone() for k, v in average.average.items()}
    for parameter, slots in optimizer.state.items():
        for slot, value in slots.items():
            tensors[f"optimizer.{slot}.{names[id(parameter)]}"] = value.contiguous().clone()
    metadata = {"step": str(step), "identity": identity, "extra": json.dumps(extra)}
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        save_file(tensors, temporary, metadata=metadata)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)


def load_state(
    path: Path, *, module: nn.Module, optimizer: torch.optim.Optimizer, average: WeightAverage, identity: str
) -> tuple[int, dict[str, Any]]:
    """Restore what ``save_state`` wrote, in place.

    Args:
        path: The file.
        module: A module of the same architecture.
        optimizer: A fresh optimizer over it.
        average: A fresh weight average of it.
        identity: Digest of the present settings and inputs.

    Returns:
        The step reached and the ``extra`` values.

    Raises:
        TrainingError: The file is damaged or belongs to other settings or data.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path} is damaged ({error}); delete it to start this run again") from None
    if metadata.get("identity") != identity:
        raise TrainingError(
            f"{path} belongs to a run with other settings or other data; choose another --out, or delete the folder "
            "to start again"
        )
    module.load_state_dict({k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")})
    for name, value in average.average.items():
        value.copy_(tensors[f"average.{name}"])
    parameters = dict(module.named_parameters())
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            slot, _, name = rest.partition(".")
            optimizer.state[parameters[name]][slot] = value.to(parameters[name].device)
    return int(metadata["step"]), json.loads(metadata["extra"])
