"""A learned style as one small file: the adapters and the new styles' rows, to be applied to the model before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.low_rank import add_adapter
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU
from underpaint.runtime.weights import parse_weights, read_bytes, write_weights
from underpaint.stages.train.tuning.styles import with_styles

FILE = "adapter.safetensors"
STYLES = "styles"
KNOWN = ("model", "styles")


def write_adapter(
    file: Path, adapter: Mapping[str, Tensor], rows: Tensor, *, styles: tuple[str, ...], model: str
) -> None:
    """Write a learned style.

    Args:
        file: The file.
        adapter: From ``low_rank.adapter_of``.
        rows: The new styles' rows ``[N, W]``.
        styles: Their names.
        model: Digest of the model that it was learned on.
    """
    write_weights(file, {**adapter, STYLES: rows}, {"model": model, "styles": json.dumps(styles)})


def with_adapter(model: Model, file: Path, device: torch.device = CPU) -> HybridPipeline:
    """Load a model with a learned style added to it.

    Args:
        model: The model that the style was learned on.
        file: From ``write_adapter``.
        device: Where to put the networks.

    Raises:
        ArtifactError: The file is damaged, or model or file is of another kind.
        InputError: The style was learned on another model.
    """
    tensors, metadata = parse_weights(read_bytes(file), source=str(file))
    if set(metadata) != set(KNOWN) or STYLES not in tensors:
        raise ArtifactError(f"{file} holds no learned style; name an {FILE} that 'underpaint train' wrote")
    if metadata["model"] != model.digest:
        raise InputError(
            f"{file} was learned on the model {metadata['model'][:12]}, but {model.name} is {model.digest[:12]}; apply "
            "it to the model that it was learned on"
        )
    pipeline, rows = load_pipeline(model, device), tensors.pop(STYLES)
    if not isinstance(pipeline, HybridPipeline):
        raise ArtifactError(f"{model.folder} is no hybrid model, so {file} cannot be added to it")
    if len(rows):
        pipeline.transformer = with_styles(pipeline.transformer, rows.to(device))
    add_adapter(pipeline.transformer, {k: v.to(device) for k, v in tensors.items()}, source=str(file))
    styles = (*pipeline.styles, *json.loads(metadata["styles"]))
    pipeline.config = pipeline.config.model_copy(update={"styles": styles})
    return pipeline
