"""A hybrid model from a data set: five artifacts in one workspace, each made once.

``text-table`` and ``tokenizer`` come first, ``latents`` from the tokenizer, ``generator`` from all three, and
``pipeline`` is what ``underpaint.load`` opens. The states of running training lie in ``state/``; the same call goes on
from whatever is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from underpaint.adapters import minilm
from underpaint.core.artifact import MANIFEST, Manifest, read_manifest
from underpaint.core.config import Config
from underpaint.core.errors import DataError, LicenseRefused, TrainingError
from underpaint.core.progress import Report, silent
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.hybrid import HybridConfig, HybridPipeline
from underpaint.pipelines.saved import save_pipeline
from underpaint.runtime.device import CPU, threads
from underpaint.stages.train import generator, latents, text_table, tokenizer
from underpaint.stages.train.generator import STYLES
from underpaint.stages.train.recipe import HybridRecipe, Sampling

ATTRIBUTION = "attribution.json"
"""The paper of a data set that says what its licenses ask of weights."""


def refuse_evaluation_sources(dataset: Path) -> None:
    """Refuse a data set with sources that weights must not be trained on.

    Args:
        dataset: A ``dataset`` artifact; one without an attribution names no such source.

    Raises:
        DataError: Its attribution cannot be read.
        LicenseRefused: It holds such a source.
    """
    path = dataset / ATTRIBUTION
    if not path.is_file():
        return
    try:
        refused = json.loads(path.read_text(encoding="utf-8"))["obligations_on_weights"]["not_for_weights"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None
    if refused:
        names = ", ".join(map(str, refused))
        raise LicenseRefused(
            f"{dataset} holds sources for evaluation only ({names}), but weights may be trained on none of them; "
            "build a data set without these sources"
        )


def made(folder: Path, config: Config, parents: Mapping[str, str], make: Callable[[], Manifest]) -> Manifest:
    """Return the artifact in a folder, made now if it is not there.

    Args:
        folder: Where it lies or shall lie.
        config: The settings it must have.
        parents: The parents it must have; those it has beyond them are not compared.
        make: Makes it.

    Raises:
        TrainingError: Another artifact lies there.
    """
    if not (folder / MANIFEST).exists():
        return make()
    manifest = read_manifest(folder)
    if manifest.config_digest != config.digest() or any(manifest.parents.get(k) != v for k, v in parents.items()):
        raise TrainingError(
            f"{folder} was made with other settings or other data; choose another --out, or remove that folder"
        )
    return manifest


def run(
    recipe: HybridRecipe,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train a hybrid model after a recipe.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact.
        out: The workspace; artifacts already in it are kept, running states are resumed.
        report: Receives progress.
        num_threads: Threads to compute with; 0 for torch's own choice. Bit-exact resuming needs the same number.
        device: Where to train.

    Returns:
        The manifest of ``out/pipeline``.

    Raises:
        ArtifactError: The data set is none.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, or training failed.
    """
    data = read_manifest(dataset, kind="dataset").digest
    refuse_evaluation_sources(dataset)
    table_dir, tokenizer_dir, latents_dir = out / "text-table", out / "tokenizer", out / "latents"
    generator_dir, pipeline_dir, state = out / "generator", out / "pipeline", out / "state"
    with threads(num_threads):
        table = made(
            table_dir,
            recipe.text_table,
            {},
            lambda: text_table.run(
                recipe.text_table, {"minilm": minilm.fetch(state / "minilm", report)}, table_dir, report
            ),
        )
        tokens = made(
            tokenizer_dir,
            recipe.tokenizer,
            {"dataset": data},
            lambda: tokenizer.run(
                recipe.tokenizer, dataset, tokenizer_dir, report, work=state / "tokenizer", device=device
            ),
        )
        encoded = made(
            latents_dir,
            recipe.latents,
            {"dataset": data, "tokenizer": tokens.digest},
            lambda: latents.run(recipe.latents, dataset, tokenizer_dir, latents_dir, report, device=device),
        )
        parents = {"latents": encoded.digest, "tokenizer": tokens.digest, "text-table": table.digest}
        generated = made(
            generator_dir,
            recipe.generator,
            parents,
            lambda: generator.run(
                recipe.generator,
                latents_dir,
                tokenizer_dir,
                table_dir,
                generator_dir,
                report,
                work=state / "generator",
                device=device,
            ),
        )
    parents = {"generator": generated.digest, "tokenizer": tokens.digest, "text-table": table.digest, "dataset": data}
    figures = {"tokenizer": tokens.figures, "generator": generated.figures}
    return made(
        pipeline_dir,
        recipe,
        parents,
        lambda: save_pipeline(
            assemble(out, recipe.sampling),
            pipeline_dir,
            stage="train",
            config=recipe,
            parents=parents,
            figures=figures,
            dtype=torch.float16,
        ),
    )


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
