"""A hybrid model from a data set: five artifacts in one workspace, each made once.

``text-table`` and ``tokenizer`` come first, ``latents`` from the tokenizer, ``generator`` from all three, and
``pipeline`` is what ``underpaint.load`` opens. The states of running training lie in ``state/``; the same call goes on
from whatever is there. Where several processes train, they share the generator's steps; the first does the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import Manifest
from underpaint.core.progress import Report, silent
from underpaint.learning.loop import require_shares
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.model_folder import open_model
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.processes import present
from underpaint.stages.train import generator
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.making import made, made_pipeline
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.shared import shared_parts


def run(
    recipe: HybridRecipe,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train a hybrid model after a recipe.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact.
        out: The workspace; artifacts already in it are kept, running states are resumed.
        report: Receives progress.
        start: A saved model, by folder or name, whose parts and weights are the start.
        num_threads: Threads to compute with; 0 for torch's own choice. Bit-exact resuming needs the same number.
        device: Where to train.

    Returns:
        The manifest of ``out/pipeline``.

    Raises:
        ArtifactError: The data set is none.
        DataError: It cannot be trained on: captions, pictures or whole splits are missing.
        InputError: The workspace and the data set do not lie apart, or the model to start from does not fit the recipe.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, the processes cannot share the generator's steps, or
            training failed.
    """
    require_shares(recipe.generator.loop, present())
    with threads(num_threads):
        shared = shared_parts(recipe, dataset, out, report, start=start, device=device)
        generated = made(
            out / "generator",
            recipe.generator,
            shared.parents,
            lambda: generator.run(
                recipe.generator,
                out / "latents",
                out / "tokenizer",
                out / "text-table",
                out / "generator",
                report,
                work=out / "state" / "generator",
                initial=shared.initial,
                device=device,
            ),
            by_all=True,
        )
    parents = {"generator": generated.digest, **shared.parents, "dataset": shared.dataset}
    del parents["latents"]
    figures = {"tokenizer": shared.tokenizer.figures, "generator": generated.figures}
    figures = with_credits(figures, dataset, start=open_model(start).manifest.figures if start else None)
    return made_pipeline(out / "pipeline", recipe, parents, lambda: assemble(out, recipe.sampling), figures)


def assemble(workspace: Path, sampling: Sampling) -> HybridPipeline:
    """Put the parts of a workspace together.

    Args:
        workspace: A folder with ``text-table``, ``tokenizer`` and ``generator``.
        sampling: How the pipeline draws.
    """
    parts: dict[str, Any] = {
        "text_tokenizer": TextTokenizer.from_folder(workspace / "text-table"),
        "text_encoder": load_component(workspace / "generator" / "text_encoder", TextEncoder, TextEncoderConfig),
        "autoencoder": load_component(workspace / "tokenizer" / "autoencoder", Autoencoder, AutoencoderConfig),
        "quantizer": load_component(workspace / "tokenizer" / "quantizer", MultiScaleQuantizer, QuantizerConfig),
        "transformer": load_component(workspace / "generator" / "transformer", ScaleTransformer, TransformerConfig),
    }
    refined = sampling.residual_steps is not None
    refiner = load_component(workspace / "generator" / "residual", ResidualRefiner, ResidualConfig) if refined else None
    config = HybridConfig(styles=STYLES, **sampling.model_dump())
    return HybridPipeline(**parts, residual=refiner, config=config)
