"""A saved model with a finer decoder: its tokenizer's decoder trained on, everything else as it was.

``tokenizer`` is taken from the model, ``finer-tokenizer`` made from it; ``pipeline`` is the model with the new decoder.
"""

from __future__ import annotations

from pathlib import Path

import torch

from underpaint.core.artifact import Manifest, read_manifest
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.core.samples import read_samples
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, read_component_config
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.processes import by_first
from underpaint.stages.train import decoder, drawn_latents
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.drawn_latents import DrawnLatents
from underpaint.stages.train.making import made, made_pipeline
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.pictures import variant_weights
from underpaint.stages.train.start import seed_workspace
from underpaint.stages.train.starting import open_starting
from underpaint.stages.train.workspace import require_apart

FOLDER = "pipeline"
FINER = "finer-tokenizer"
KEPT = ("generator", "text-table")
"""Parents of the model that its finer form still has."""


def run(
    recipe: DecoderTraining,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train a model's decoder on and save the model with it.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact.
        out: The workspace; artifacts already in it are kept, running states are resumed.
        report: Receives progress.
        start: The saved hybrid model, by folder or name; None for the one that comes with underpaint.
        num_threads: Threads to compute with; 0 for torch's own choice.
        device: Where to train.

    Returns:
        The manifest of ``out/pipeline``.

    Raises:
        ArtifactError: The data set is none, or the model is damaged.
        DataError: The data set cannot be trained on.
        InputError: The workspace and the data set do not lie apart, or the model has no tokenizer.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another model, or training failed.
    """
    require_apart(out, dataset)
    model = open_starting(start)
    if "quantizer" not in model.components:
        raise InputError(f"{model.name} draws without tokens, so there is no decoder to refine; choose a hybrid model")
    data = read_manifest(dataset, kind="dataset").digest
    refuse_evaluation_sources(dataset)
    require_trainable(dataset, image_size=_painted(recipe, model), batch_size=recipe.loop.batch_size)
    with threads(num_threads):
        by_first(lambda: seed_workspace(model, out))
        tokens = read_manifest(out / "tokenizer")
        parents = {"dataset": data, "tokenizer": tokens.digest}
        drawn = _drawn(recipe, model, dataset, out / "drawn", report) if recipe.drawn else None
        finer = made(
            out / FINER,
            recipe,
            parents,
            lambda: decoder.run(
                recipe,
                dataset,
                out / "tokenizer",
                out / FINER,
                report,
                work=out / "state" / "decoder",
                device=device,
                drawn=drawn,
            ),
            by_all=True,
        )
    kept = {role: model.manifest.parents[role] for role in KEPT if role in model.manifest.parents}
    parents = {**kept, "model": model.digest, "tokenizer": finer.digest, "dataset": data}
    figures = with_credits({**model.manifest.figures, "tokenizer": finer.figures}, dataset)
    return made_pipeline(out / FOLDER, recipe, parents, lambda: _with_decoder(model, out / FINER), figures)


def _painted(recipe: DecoderTraining, model: Model) -> int:
    """Return the side in pixels of what the new decoder paints."""
    settings = read_component_config(model.folder_of("autoencoder"), AutoencoderConfig, Autoencoder.__name__)
    return model.index.image_size * (1 if recipe.new_end(settings.doubling) is None else 2)


def _drawn(recipe: DecoderTraining, model: Model, dataset: Path, out: Path, report: Report) -> Path:
    """Return the folder of latents that the model drew for captions of the training pictures."""
    settings = DrawnLatents(count=recipe.drawn, seed=recipe.loop.seed)
    parents = {"model": model.digest, "dataset": read_manifest(dataset).digest}

    def make() -> None:
        pipeline = load_pipeline(model, CPU)
        assert isinstance(pipeline, HybridPipeline)
        samples = [sample for sample in read_samples(dataset) if sample.split == "train"]
        drawn_latents.run(settings, pipeline, samples, variant_weights(samples), out, report, parents=parents)

    made(out, settings, parents, make)
    return out


def _with_decoder(model: Model, tokenizer: Path) -> HybridPipeline:
    """Load a model and put another autoencoder of the same latents into it."""
    pipeline = load_pipeline(model, CPU)
    assert isinstance(pipeline, HybridPipeline)
    pipeline.autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)
    return pipeline
