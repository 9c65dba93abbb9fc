"""A workspace that starts from a saved model: its text table and its tokenizer become artifacts of the workspace.

So a rival, a finer decoder or a fine-tuned model shares what the model was trained with, to the bit.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from underpaint.core.artifact import MANIFEST, read_manifest, seal, staging
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, TrainingError
from underpaint.models.component import WEIGHTS
from underpaint.models.text_tokenizer import FILE
from underpaint.pipelines.model_folder import Model, verify_whole
from underpaint.runtime.weights import read_weights, write_weights

TOKENIZER_PARTS = ("autoencoder", "quantizer")


class Start(Config):
    """Settings of an artifact that is a part of a saved model.

    Args:
        model: Name of the model.
        part: What was taken from it.
    """

    model: str
    part: str


def seed_workspace(model: Model, out: Path) -> None:
    """Make ``text-table`` and ``tokenizer`` of a workspace from a saved model; what is there already is kept.

    Args:
        model: What ``model_folder.open_model`` returned.
        out: The workspace.

    Raises:
        ArtifactError: The model lacks the parts, or its files are damaged.
        TrainingError: The workspace was started from another model, or trained by itself.
    """
    seed_text_table(model, out)
    if not _is_there(out / "tokenizer", model):
        _take_tokenizer(model, out / "tokenizer")


def seed_text_table(model: Model, out: Path) -> None:
    """Make the ``text-table`` of a workspace from a saved model; one that is there already is kept.

    Args:
        model: What ``model_folder.open_model`` returned.
        out: The workspace, which will have a tokenizer of its own.

    Raises:
        ArtifactError: The model lacks the parts of a hybrid model, or its files are damaged.
        TrainingError: The workspace was started from another model, or trained by itself.
    """
    verify_whole(model)
    for name in ("text_encoder", *TOKENIZER_PARTS):
        if name not in model.components:
            raise ArtifactError(f"{model.folder} has no {name}, so nothing can start from it; choose a hybrid model")
    if not _is_there(out / "text-table", model):
        _take_text_table(model, out / "text-table")


def _is_there(folder: Path, model: Model) -> bool:
    """Tell whether an artifact is there and comes from the model, itself or through one that was made from it."""
    if not (folder / MANIFEST).exists():
        return False
    if read_manifest(folder).parents.get("model") != model.digest:
        raise TrainingError(
            f"{folder} was not taken from {model.name} ({model.digest[:12]}); choose another --out, or remove it"
        )
    return True


def _take_text_table(model: Model, out: Path) -> None:
    tensors = read_weights(model.folder_of("text_encoder") / WEIGHTS)
    with staging(out) as folder:
        write_weights(folder / WEIGHTS, {name: tensors[name] for name in ("table", "weight")})
        shutil.copyfile(model.folder_of("text_tokenizer") / FILE, folder / FILE)
        _seal(folder, "text-table", model)


def _take_tokenizer(model: Model, out: Path) -> None:
    with staging(out) as folder:
        for name in TOKENIZER_PARTS:
            shutil.copytree(model.folder_of(name), folder / name)
        _seal(folder, "tokenizer", model)


def _seal(folder: Path, kind: str, model: Model) -> None:
    config = Start(model=model.name, part=kind)
    figures = model.manifest.figures.get("tokenizer", {}) if kind == "tokenizer" else {}
    seal(folder, kind=kind, stage="train", config=config, parents={"model": model.digest}, figures=figures)
