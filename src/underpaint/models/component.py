"""A network on disk: a folder with ``config.json`` and ``model.safetensors``, as in the diffusers layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from underpaint.core.artifact import storage_errors
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError
from underpaint.runtime.weights import load_module, write_weights

C = TypeVar("C", bound=Config)
M = TypeVar("M", bound=nn.Module)

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def save_component(module: nn.Module, config: Config, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a network's settings and weights.

    Args:
        module: The network.
        config: Its settings.
        folder: Where to; created if needed.
        dtype: Stored precision of floating-point tensors; buffers that hold a codebook or statistics stay float32.

    Raises:
        StorageError: The folder cannot be written.
    """
    buffers = {name for name, _ in module.named_buffers()}
    tensors = {
        name: value.to(dtype) if value.is_floating_point() and name not in buffers else value
        for name, value in module.state_dict().items()
    }
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        values = {"_class_name": type(module).__name__, **config.model_dump(mode="json")}
        (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n")
        write_weights(folder / WEIGHTS, tensors)


def read_component_config(folder: Path, config_class: type[C], class_name: str) -> C:
    """Read a component's settings.

    Args:
        folder: Where ``save_component`` wrote it.
        config_class: The class of the settings.
        class_name: Name of the network's class, which the file must name too.

    Raises:
        ArtifactError: The file is missing or broken, or belongs to another class.
    """
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}); make or download the model again") from None
    if not isinstance(values, dict) or values.pop("_class_name", None) != class_name:
        raise ArtifactError(f"{path} does not describe a {class_name}; make or download the model again")
    try:
        return config_class.parse(values, source=str(path))
    except InputError as error:
        raise ArtifactError(f"{error}; make or download the model again") from None


def load_component(
    folder: Path, module_class: type[M], config_class: type[Config], device: str | torch.device = "cpu"
) -> M:
    """Build a network from its folder, in evaluation mode.

    Args:
        folder: Where ``save_component`` wrote it.
        module_class: Its class; must offer ``from_config``.
        config_class: The class of its settings.
        device: Where to put it.

    Raises:
        ArtifactError: Settings or weights are missing, damaged, or do not fit each other.
    """
    config = read_component_config(folder, config_class, module_class.__name__)
    module: M = module_class.from_config(config)  # pyright: ignore[reportAttributeAccessIssue]
    load_module(module, folder / WEIGHTS)
    return module.to(device).eval()
