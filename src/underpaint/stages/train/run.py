"""A hybrid model from a data set: five artifacts in one workspace, each made once.

``text-table`` and ``tokenizer`` come first, ``latents`` from the tokenizer, ``generator`` from all three, and
``pipeline`` is what ``underpaint.load`` opens. The states of running training lie in ``state/``; the same call goes on
from whatever is there. Where several processes train, they share the generator's steps; the first does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from underpaint.adapters import minilm
from underpaint.core.artifact import MANIFEST, Manifest, read_manifest
from underpaint.core.config import Config
from underpaint.core.errors import InputError, TrainingError
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
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.saved import save_pipeline
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.processes import by_first, first_says, present, together
from underpaint.stages.train import generator, latents, text_table, tokenizer
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable
from underpaint.stages.train.finer_scales import continues, saved_schedule
from underpaint.stages.train.initial import initial_parent
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.start import seed_text_table, seed_workspace
from underpaint.stages.train.workspace import require_apart


@dataclass(frozen=True)
class Shared:
    """What all models of a workspace are made from.

    Args:
        dataset: Digest of the data set.
        text_table: The ``text-table`` artifact.
        tokenizer: The ``tokenizer`` artifact.
        latents: The ``latents`` artifact.
        initial: Folder of the saved model that the workspace starts from, if any.
    """

    dataset: str
    text_table: Manifest
    tokenizer: Manifest
    latents: Manifest
    initial: Path | None

    @property
    def parents(self) -> dict[str, str]:
        """Role to digest of what a model on latents is trained from."""
        return {
            "latents": self.latents.digest,
            "tokenizer": self.tokenizer.digest,
            "text-table": self.text_table.digest,
        }


def made(
    folder: Path,
    config: Config | None,
    parents: Mapping[str, str],
    make: Callable[[], object],
    *,
    by_all: bool = False,
) -> Manifest:
    """Return the artifact in a folder, made now if it is not there.

    Where several processes train, the first one makes it alone while the others wait, unless all can share the work.

    Args:
        folder: Where it lies or shall lie.
        config: The settings it must have; None for any.
        parents: The parents it must have; those it has beyond them are not compared.
        make: Makes it.
        by_all: Whether ``make`` is a training whose steps all processes share.

    Raises:
        TrainingError: Another artifact lies there.
    """
    if not first_says((folder / MANIFEST).exists):
        (together if by_all else by_first)(make)
    manifest = read_manifest(folder)
    settings_differ = config is not None and manifest.config_digest != config.digest()
    if settings_differ or any(manifest.parents.get(k) != v for k, v in parents.items()):
        raise TrainingError(
            f"{folder} was made with other settings or other data; choose another --out, or remove that folder"
        )
    return manifest


def made_pipeline(
    folder: Path,
    config: Config,
    parents: Mapping[str, str],
    put_together: Callable[[], TextToPicture[Any]],
    figures: Mapping[str, Any],
) -> Manifest:
    """Return the pipeline in a folder, saved now in half precision if it is not there.

    Args:
        folder: Where it lies or shall lie.
        config: The settings it must have.
        parents: The parents it must have.
        put_together: Makes it from its parts.
        figures: What its training measured.

    Raises:
        TrainingError: Another artifact lies there.
    """
    told = {"stage": "train", "config": config, "parents": parents, "figures": figures}
    return made(folder, config, parents, lambda: save_pipeline(put_together(), folder, **told, dtype=torch.float16))


def open_start(start: str | Path, recipe: HybridRecipe) -> Model:
    """Open the saved model that a training starts from.

    Args:
        start: Its folder, or the name of a shipped model.
        recipe: What is to be trained.

    Raises:
        InputError: There is no such model, it draws larger pictures than the recipe, or its scales are not the
            recipe's, or the first of them where pictures become larger.
        ArtifactError: It is incomplete or damaged.
    """
    model = open_model(start)
    saved, wanted = saved_schedule(model.folder), recipe.tokenizer.schedule
    if model.index.image_size > recipe.image_size:
        raise InputError(
            f"{model.name} draws {model.index.image_size} px, but this recipe is for {recipe.image_size} px; choose a "
            "recipe for the same size or a larger one, or train without --from"
        )
    grows = model.index.image_size < recipe.image_size
    if saved is not None and not (continues(wanted, saved) if grows else len(saved) == len(wanted)):
        raise InputError(
            f"{model.name} has the scales {saved}, but this recipe has {wanted}; choose another recipe, or train "
            "without --from"
        )
    return model


def shared_parts(
    recipe: HybridRecipe,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    device: torch.device = CPU,
) -> Shared:
    """Make text table, tokenizer and latents of a workspace, or find them there.

    Args:
        recipe: The complete settings; with ``start``, those of the text table are not used, nor those of the
            tokenizer, unless the model draws smaller pictures: then its tokenizer is trained on for larger ones.
        dataset: A ``dataset`` artifact.
        out: The workspace.
        report: Receives progress.
        start: A saved model, by folder or name, whose text table and tokenizer are taken; None trains them afresh.
        device: Where to train.

    Raises:
        ArtifactError: The data set is none.
        DataError: It cannot be trained on.
        InputError: The workspace and the data set do not lie apart, or the model to start from does not fit.
        LicenseRefused: It holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, or training failed.
    """
    require_apart(out, dataset)
    data = read_manifest(dataset, kind="dataset").digest
    refuse_evaluation_sources(dataset)
    loops = [recipe.generator.loop] if start is not None else [recipe.tokenizer.loop, recipe.generator.loop]
    batch_size = max(loop.batch_size for loop in loops)
    require_trainable(dataset, image_size=recipe.image_size, batch_size=batch_size, styles=STYLES)
    model = None if start is None else open_start(start, recipe)
    if model is None:
        table = _trained_text_table(recipe, out, report)
        tokens = _trained_tokenizer(recipe, dataset, data, out, report, device)
    elif model.index.image_size < recipe.image_size:
        by_first(lambda: seed_text_table(model, out))
        table = read_manifest(out / "text-table")
        tokens = _trained_tokenizer(recipe, dataset, data, out, report, device, initial=model.folder)
    else:
        by_first(lambda: seed_workspace(model, out))
        table, tokens = read_manifest(out / "text-table"), read_manifest(out / "tokenizer")
    encoded = made(
        out / "latents",
        recipe.latents,
        {"dataset": data, "tokenizer": tokens.digest},
        lambda: latents.run(recipe.latents, dataset, out / "tokenizer", out / "latents", report, device=device),
    )
    return Shared(data, table, tokens, encoded, None if model is None else model.folder)


def _trained_text_table(recipe: HybridRecipe, out: Path, report: Report) -> Manifest:
    """Make the text table after the recipe."""
    return made(
        out / "text-table",
        recipe.text_table,
        {},
        lambda: text_table.run(
            recipe.text_table, {"minilm": minilm.fetch(out / "state" / "minilm", report)}, out / "text-table", report
        ),
    )


def _trained_tokenizer(
    recipe: HybridRecipe,
    dataset: Path,
    data: str,
    out: Path,
    report: Report,
    device: torch.device,
    initial: Path | None = None,
) -> Manifest:
    """Make the tokenizer after the recipe, from a smaller one's weights if there is an initial pipeline."""
    return made(
        out / "tokenizer",
        recipe.tokenizer,
        {"dataset": data} | initial_parent(initial),
        lambda: tokenizer.run(
            recipe.tokenizer,
            dataset,
            out / "tokenizer",
            report,
            work=out / "state" / "tokenizer",
            device=device,
            initial=initial,
        ),
    )


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
