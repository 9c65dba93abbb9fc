"""The state of a training run on disk: everything that a bit-for-bit resume needs, in one safetensors file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from underpaint.core.artifact import fsync, storage_errors
from underpaint.core.errors import TrainingError
from underpaint.learning.ema import WeightAverage
from underpaint.runtime.weights import write_weights


def previous_of(path: Path) -> Path:
    """Return where the state before the last one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def saved_state(path: Path) -> Path | None:
    """Return the newest whole state: the file itself, or the one before it if saving was cut short in between."""
    return next((file for file in (path, previous_of(path)) if file.exists()), None)


@contextlib.contextmanager
def replacing(path: Path, *, keep: Path | None = None) -> Iterator[Path]:
    """Give a path to write to; after the ``with`` block the file stands at ``path``, whole and on the disk.

    Args:
        path: The file.
        keep: Where the file that was there goes; None if it is not kept.

    Raises:
        StorageError: The file cannot be written, as on a full disk; what was there is kept.
    """
    temporary = path.with_suffix(".partial")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            fsync(temporary)
            if keep is not None and path.exists():
                path.replace(keep)
            temporary.replace(path)
            fsync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
    """Write the state to ``path``; the one that was there becomes the previous one, which is kept too.

    Nothing that was whole is touched before the new file is whole and on the disk.

    Args:
        path: The file.
        module: The module that is trained, buffers included.
        optimizer: Its optimizer, with one parameter group or more over the module's parameters.
        average: Its weight average.
        step: Optimizer steps done.
        identity: Digest of the settings and inputs; a resume under another identity is refused.
        extra: Small JSON values to keep (curves, seconds spent).

    Raises:
        StorageError: The file cannot be written, as on a full disk; the states before it are kept.
    """
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    tensors: dict[str, Tensor] = {f"module.{k}": v for k, v in module.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.average.items()}
    for parameter, slots in optimizer.state.items():
        for slot, value in slots.items():
            tensors[f"optimizer.{slot}.{names[id(parameter)]}"] = value
    metadata = {"step": str(step), "identity": identity, "extra": json.dumps(extra)}
    with replacing(path, keep=previous_of(path)) as temporary:
        write_weights(temporary, tensors, metadata)


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
        previous = previous_of(path)
        goal = f"go on from {previous}" if previous.exists() and previous != path else "start this run again"
        raise TrainingError(f"{path} is damaged ({error}); delete it to {goal}") from None
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
