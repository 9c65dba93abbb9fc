"""An evaluator from a data set: trained, calibrated, checked, and sealed with its card.

The workspace holds ``evaluator``, the artifact, and ``state/``, from which the same call goes on after an interruption.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import Manifest, hash_file, read_manifest, seal, staging
from underpaint.core.extractor_card import write_card
from underpaint.core.progress import Report, silent
from underpaint.models.component import WEIGHTS
from underpaint.models.evaluator import load_evaluator, save_evaluator
from underpaint.runtime.device import CPU, threads
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable
from underpaint.stages.train.evaluator import EvaluatorTrainee
from underpaint.stages.train.evaluator_calibrate import decorrelate, settle_norms, temperatures_of
from underpaint.stages.train.evaluator_card import card_of
from underpaint.stages.train.evaluator_check import SPLITS, check
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.evaluator_labels import split_pictures
from underpaint.stages.train.evaluator_words import choose_words
from underpaint.stages.train.finish import time_taken, trained
from underpaint.stages.train.making import made
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.pictures import Pictures, load_pictures, require_size
from underpaint.stages.train.workspace import require_apart

KIND = "evaluator"
FOLDER = "evaluator"
"""The folder inside the workspace that holds the finished evaluator."""


def run(
    recipe: EvaluatorRecipe,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train an evaluator after a recipe.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact.
        out: The workspace; a finished evaluator in it is kept, a running state is resumed.
        report: Receives progress.
        num_threads: Threads to compute with; 0 for torch's own choice. Bit-exact resuming needs the same number.
        device: Where to train.

    Returns:
        The manifest of ``out/evaluator``.

    Raises:
        ArtifactError: The data set is none.
        DataError: It cannot be trained on: captions, pictures or whole splits are missing, or of another size.
        InputError: The workspace and the data set do not lie apart.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, or training failed.
    """
    require_apart(out, dataset)
    parents = {"dataset": read_manifest(dataset, kind="dataset").digest}
    refuse_evaluation_sources(dataset)
    require_trainable(dataset, image_size=recipe.image_size, batch_size=recipe.loop.batch_size)
    with threads(num_threads):
        return made(
            out / FOLDER,
            recipe,
            parents,
            lambda: _make(recipe, dataset, parents["dataset"], out, report, device),
        )


def _make(
    recipe: EvaluatorRecipe, dataset: Path, data: str, out: Path, report: Report, device: torch.device
) -> Manifest:
    """Train, calibrate and check an evaluator, and seal it."""
    everything = load_pictures(dataset, ("train",), report)
    require_size(everything, recipe.image_size, dataset)
    train, tuning = split_pictures(everything, recipe)
    held_out = {"tuning": tuning, "validation": load_pictures(dataset, ("validation",), report)}
    captions = [sample.caption for sample in train.samples]
    words = choose_words(recipe.text_model, captions, rows=recipe.text_rows, width=recipe.text_width)
    parents = {"dataset": data, "text-table": words.origin}
    trainee = EvaluatorTrainee(recipe, train, {k: v for k, v in held_out.items() if len(v)}, words, device)
    with trained(trainee, recipe, parents, out / "state" / KIND, device=device, report=report) as training:
        figures: dict[str, Any] = time_taken(training) | {
            "parameters": sum(p.numel() for p in trainee.evaluator.parameters()),
            "trained_pictures": len(train),
        }
        settle_norms(trainee)
        decorrelate(trainee.evaluator, train)
        return _seal(trainee, recipe, dataset, parents, with_credits(figures, dataset), out / FOLDER, report)


def _seal(
    trainee: EvaluatorTrainee,
    recipe: EvaluatorRecipe,
    dataset: Path,
    parents: dict[str, str],
    figures: dict[str, Any],
    out: Path,
    report: Report,
) -> Manifest:
    """Write the artifact; what the card says is measured on the weights as stored."""
    network = trainee.evaluator
    temperatures = temperatures_of(network, list(trainee.held_out.values()))
    network.config = network.config.model_copy(update={"temperatures": temperatures})
    with staging(out) as folder:
        save_evaluator(network, folder)
        stored = load_evaluator(folder)
        found = check(stored, _held_out(dataset, report), report)
        origin = f"underpaint train, fold {recipe.fold} of {recipe.folds}, seed {recipe.loop.seed}"
        card = card_of(
            stored.config,
            name=name_of(recipe),
            weights_sha256=hash_file(folder / WEIGHTS),
            source=origin,
            trained_on=tuple(parents.values()),
            validation=found,
        )
        write_card(card, folder)
        return seal(
            folder,
            kind=KIND,
            stage="train",
            config=recipe,
            parents=parents,
            figures={**figures, "ships": found["ships"], "card": card.identity},
            packages=("torch", "numpy", "tokenizers"),
        )


def _held_out(dataset: Path, report: Report) -> Pictures:
    return load_pictures(dataset, SPLITS, report)


def name_of(recipe: EvaluatorRecipe) -> str:
    """Return the name that stands in metric ids; folds and seeds other than the shipped one's are named."""
    name = f"evaluator-{recipe.image_size}"
    plain = recipe.folds == 1 and recipe.loop.seed == 0
    return name if plain else f"{name}-s{recipe.loop.seed}-f{recipe.fold}of{recipe.folds}"
