"""What all models of a workspace are made from: text table, tokenizer and latents.

They are trained afresh, or come from the saved model that the workspace starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from underpaint.adapters import minilm
from underpaint.core.artifact import Manifest, read_manifest
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.pipelines.model_folder import Model
from underpaint.runtime.device import CPU
from underpaint.runtime.processes import by_first
from underpaint.stages.train import latents, latents_state, text_table, tokenizer
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable
from underpaint.stages.train.initial import initial_parent
from underpaint.stages.train.making import made
from underpaint.stages.train.other_scales import can_follow, saved_schedule
from underpaint.stages.train.recipe import HybridRecipe
from underpaint.stages.train.start import seed_text_table, seed_workspace
from underpaint.stages.train.starting import open_starting
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


def open_start(start: str | Path, recipe: HybridRecipe) -> Model:
    """Open the saved model that a training starts from.

    Args:
        start: Its folder, or the name of a shipped model.
        recipe: What is to be trained.

    Raises:
        InputError: There is no such model, it draws larger pictures than the recipe, or its scales are not the
            recipe's: as many, the first of them where pictures become larger, or all of them and others where the
            recipe fits the codes to fewer.
        ArtifactError: It is incomplete or damaged.
    """
    model = open_starting(start)
    saved, wanted = saved_schedule(model.folder), recipe.tokenizer.schedule
    if model.index.image_size > recipe.image_size:
        raise InputError(
            f"{model.name} draws {model.index.image_size} px, but this recipe is for {recipe.image_size} px; choose a "
            "recipe for the same size or a larger one, or train without --from"
        )
    trains = _trains_tokenizer(model, recipe)
    if saved is not None and not (can_follow(wanted, saved) if trains else len(saved) == len(wanted)):
        remedy = "start from a model that has all of these and more" if recipe.needs_start else "train without --from"
        raise InputError(
            f"{model.name} has the scales {saved}, but this recipe has {wanted}; choose another recipe, or {remedy}"
        )
    if recipe.generator.trains == "refiner" and model.index.image_size < recipe.image_size:
        raise InputError(
            f"{model.name} draws {model.index.image_size} px, and tokens for {recipe.image_size} px are learned anew, "
            "which a recipe for the refiner alone does not; choose one that trains all"
        )
    return model


def _trains_tokenizer(model: Model, recipe: HybridRecipe) -> bool:
    """Tell whether a saved model's tokenizer is trained on: for larger pictures, or for fewer scales."""
    return model.index.image_size < recipe.image_size or recipe.tokenizer.fixed_autoencoder


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
            tokenizer, unless the model draws smaller pictures or the recipe has fewer scales: then its tokenizer is
            trained on for those.
        dataset: A ``dataset`` artifact.
        out: The workspace.
        report: Receives progress.
        start: A saved model, by folder or name, whose text table and tokenizer are taken; None trains them afresh.
        device: Where to train.

    Raises:
        ArtifactError: The data set is none.
        DataError: It cannot be trained on.
        InputError: The workspace and the data set do not lie apart, or the model to start from does not fit or is
            missing.
        LicenseRefused: It holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, or training failed.
    """
    recipe.check_start(start)
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
    elif _trains_tokenizer(model, recipe):
        by_first(lambda: seed_text_table(model, out))
        table = read_manifest(out / "text-table")
        tokens = _trained_tokenizer(recipe, dataset, data, out, report, device, initial=model.folder)
    else:
        by_first(lambda: seed_workspace(model, out))
        table, tokens = read_manifest(out / "text-table"), read_manifest(out / "tokenizer")
    encoded = _encoded(recipe, dataset, {"dataset": data, "tokenizer": tokens.digest}, out, report, device)
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
    """Make the tokenizer after the recipe, from a saved one's weights if there is an initial pipeline."""
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


def _encoded(
    recipe: HybridRecipe, dataset: Path, parents: dict[str, str], out: Path, report: Report, device: torch.device
) -> Manifest:
    """Encode the data set after the recipe; what an encoding kept on the way goes once the whole is there."""
    work = out / "state" / "latents"
    encoded = made(
        out / "latents",
        recipe.latents,
        parents,
        lambda: latents.run(
            recipe.latents, dataset, out / "tokenizer", out / "latents", report, work=work, device=device
        ),
    )
    by_first(lambda: latents_state.remove(work))
    return encoded
