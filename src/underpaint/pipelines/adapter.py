"""A learned style as one small file: what is added to the model that it was learned on.

The file holds the low-rank adapters of the transformer's linear maps, the new styles' rows, and the decoder where that
was trained too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.errors import ArtifactError
from underpaint.models.autoencoder import Autoencoder
from underpaint.models.low_rank import add_adapter
from underpaint.models.style_rows import with_styles
from underpaint.pipelines.adapted_model import FILE, KIND, AdaptedModel, AdapterSettings
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.weights import expected_of, fit, read_weights, write_weights

ROWS = "styles"
MAPS, DECODER = "transformer.", "decoder."


def pieces_of(adapter: Mapping[str, Tensor], rows: Tensor, decoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what the file of a learned style holds.

    Args:
        adapter: From ``low_rank.adapter_of``.
        rows: The new styles' rows ``[N, W]``.
        decoder: The decoder's weights, stored in half precision; empty where it was not trained.
    """
    maps = {f"{MAPS}{name}": tensor for name, tensor in adapter.items()}
    return {ROWS: rows, **maps, **{f"{DECODER}{name}": tensor.to(torch.float16) for name, tensor in decoder.items()}}


def save_adapter(
    pieces: Mapping[str, Tensor],
    out: Path,
    *,
    settings: AdapterSettings,
    parents: Mapping[str, str],
    figures: Mapping[str, Any] | None = None,
) -> Manifest:
    """Save a learned style as an artifact of kind ``adapter``.

    Args:
        pieces: From ``pieces_of``.
        out: The new folder; must not exist yet.
        settings: What it says about itself.
        parents: Role to digest of what it was made from, ``model`` among them.
        figures: What else is to be known of it, such as the credits to hand on.
    """
    with staging(out) as folder:
        write_weights(folder / FILE, pieces)
        return seal(
            folder, kind=KIND, stage="train", config=settings, parents=parents, figures=figures, packages=("torch",)
        )


def load_adapted(model: AdaptedModel, device: torch.device) -> HybridPipeline:
    """Load a model with the style added that was learned on it.

    Args:
        model: What ``adapted_model.open_adapted`` returned.
        device: Where the networks shall lie.

    Raises:
        ArtifactError: Weights are missing, changed, or do not fit; the message names the file.
    """
    file = model.adapter / FILE
    pieces = {name: tensor.to(device) for name, tensor in read_weights(file).items()}
    pipeline = load_pipeline(model.base, device)
    if not isinstance(pipeline, HybridPipeline) or ROWS not in pieces:
        raise ArtifactError(f"{file} holds no style for a hybrid model; train it again with 'underpaint train --from'")
    rows = pieces.pop(ROWS)
    if len(rows):
        pipeline.transformer = with_styles(pipeline.transformer, rows)
    add_adapter(pipeline.transformer, _part(pieces, MAPS), source=str(file))
    if decoder := _part(pieces, DECODER):
        _put_decoder(pipeline.autoencoder, decoder, str(file))
    pipeline.config = pipeline.config.model_copy(update={"styles": model.styles})
    return pipeline


def _part(pieces: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in pieces.items() if name.startswith(prefix)}


def _put_decoder(autoencoder: Autoencoder, weights: Mapping[str, Tensor], source: str) -> None:
    decoder = autoencoder.decoder
    decoder.load_state_dict(fit(weights, expected_of(decoder), source=source))
