"""Saving and opening a whole pipeline; the folder's layout is described in ``pipelines.model_folder``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from underpaint import __version__
from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import read_component_config, save_component
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.flow import FlowConfig, FlowPipeline
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.model_folder import COMPONENTS, INDEX, KIND, LIBRARY, PIPELINES, WEIGHTS, Model
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.weights import load_module, skip_initialization

NETWORKS: dict[str, tuple[type[nn.Module], type[Config]]] = {
    "text_encoder": (TextEncoder, TextEncoderConfig),
    "autoencoder": (Autoencoder, AutoencoderConfig),
    "quantizer": (MultiScaleQuantizer, QuantizerConfig),
    "transformer": (ScaleTransformer, TransformerConfig),
    "residual": (ResidualRefiner, ResidualConfig),
    "flow_transformer": (FlowTransformer, FlowTransformerConfig),
    "generator": (GanGenerator, GanGeneratorConfig),
}
"""Component to network and settings."""

PIPELINE_CLASSES: dict[str, tuple[type[TextToPicture], type[Config]]] = {
    "HybridPipeline": (HybridPipeline, HybridConfig),
    "FlowPipeline": (FlowPipeline, FlowConfig),
    "GanPipeline": (GanPipeline, GanConfig),
}
"""Class name in the index to pipeline and sampling settings."""


def index_of(pipeline: TextToPicture) -> dict[str, Any]:
    """Return the contents of a pipeline's ``model_index.json``."""
    layout = PIPELINES[type(pipeline).__name__]
    names = [name for name in (*layout.required, *layout.optional) if name in NETWORKS]
    return {
        "_class_name": type(pipeline).__name__,
        "_underpaint_version": __version__,
        "image_size": pipeline.image_size,
        "sampling": pipeline.config.model_dump(mode="json"),
        "text_tokenizer": [LIBRARY, COMPONENTS["text_tokenizer"]],
        **{name: [LIBRARY, COMPONENTS[name]] if name in pipeline.modules else [None, None] for name in names},
    }


def write_pipeline(pipeline: TextToPicture, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a pipeline's files into a folder, without a manifest.

    Args:
        pipeline: What to save.
        folder: Where to, normally inside ``core.artifact.staging``; must exist.
        dtype: Precision on disk of the trained weights; float16 halves the size.
    """
    (folder / INDEX).write_text(json.dumps(index_of(pipeline), indent=2) + "\n", encoding="utf-8")
    pipeline.text_tokenizer.save(folder / "text_tokenizer")
    for name, module in pipeline.modules.items():
        save_component(module, module.config, folder / name, dtype)  # pyright: ignore[reportArgumentType]


def save_pipeline(
    pipeline: TextToPicture,
    out: Path,
    *,
    stage: str,
    config: Config,
    parents: Mapping[str, str],
    figures: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Manifest:
    """Save a pipeline as an artifact of kind ``pipeline``.

    Args:
        pipeline: What to save.
        out: The new folder; must not exist yet.
        stage: The stage that made it.
        config: The stage's settings.
        parents: Role to digest of what it was made from.
        figures: What was measured on it.
        dtype: Precision on disk of the trained weights.

    Raises:
        StorageError: The folder exists or cannot be written.
    """
    with staging(out) as folder:
        write_pipeline(pipeline, folder, dtype)
        return seal(
            folder, kind=KIND, stage=stage, config=config, parents=parents, figures=figures, packages=("torch", "numpy")
        )


def _build_network(model: Model, name: str) -> Any:
    """Build one network from its settings; its weights are arbitrary."""
    network, config_class = NETWORKS[name]
    try:
        config = read_component_config(model.folder_of(name), config_class, network.__name__)
        with skip_initialization():
            return network.from_config(config)  # pyright: ignore[reportAttributeAccessIssue]
    except (InputError, ValueError, RuntimeError) as error:
        raise ArtifactError(
            f"{model.folder_of(name)}: no network can be built ({error}); make the model again"
        ) from None


def _unchanged(pipeline: TextToPicture) -> TextToPicture:
    return pipeline


def load_pipeline(
    model: Model, device: torch.device, prepare: Callable[[TextToPicture], TextToPicture] = _unchanged
) -> TextToPicture:
    """Load a saved pipeline, ready to draw.

    Args:
        model: What ``model_folder.open_model`` returned.
        device: Where the networks shall lie.
        prepare: Gives networks the form in which their weights were saved, where it is not that of their settings.

    Raises:
        ArtifactError: Weights are missing, cut off, changed, or do not fit their settings; the message names the file.
    """
    pipeline_class, config_class = PIPELINE_CLASSES[model.index.pipeline]
    try:
        config = config_class.parse(model.index.sampling, source=str(model.folder / INDEX))
    except InputError as error:
        raise ArtifactError(f"{error}; make or download the model again") from None
    layout = PIPELINES[model.index.pipeline]
    parts: dict[str, Any] = dict.fromkeys(layout.optional)
    parts |= {name: _build_network(model, name) for name in NETWORKS if name in model.components}
    parts["text_tokenizer"] = TextTokenizer.from_folder(model.folder_of("text_tokenizer"))
    pipeline = prepare(pipeline_class(**parts, config=config))
    for name, module in pipeline.modules.items():
        path, sha256 = model.part(name, WEIGHTS)
        load_module(module, path, sha256=sha256).to(device)
    for what, fits in {**_common_fit(pipeline, model), **pipeline.fit()}.items():
        if not fits:
            raise ArtifactError(f"{model.folder}: the components disagree about {what}; make the model again")
    return pipeline


def _common_fit(pipeline: TextToPicture, model: Model) -> dict[str, bool]:
    """Say what every pipeline's components must agree about, and whether they do."""
    return {
        "the picture size": pipeline.image_size == model.index.image_size,
        "the vocabulary": pipeline.text_tokenizer.vocab_size <= pipeline.text_encoder.config.vocab_size,
    }
