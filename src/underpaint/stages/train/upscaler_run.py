"""An upscaler for a model's drawings, from a data set of pictures four times as large as the model's.

The workspace holds ``upscaler``, the artifact: the network's settings and weights, and a graph that runs without torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from underpaint.adapters.require import require
from underpaint.core.artifact import Manifest, read_manifest, seal, staging
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.models.component import save_component
from underpaint.models.upscaler import FACTOR
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.upscaling.network import KIND
from underpaint.runtime.device import CPU, threads
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable
from underpaint.stages.train.finish import effort, trained
from underpaint.stages.train.making import made
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.packed_pictures import load_packed
from underpaint.stages.train.starting import open_starting
from underpaint.stages.train.upscaler import UpscalerTrainee
from underpaint.stages.train.upscaler_config import UpscalerTraining
from underpaint.stages.train.upscaler_graph import write_graph
from underpaint.stages.train.workspace import require_apart

FOLDER = "upscaler"
"""The folder inside the workspace that holds the finished upscaler."""


def run(
    recipe: UpscalerTraining,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train an upscaler after a recipe.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact of pictures four times as large as the model's.
        out: The workspace; a finished upscaler in it is kept, a running state is resumed.
        report: Receives progress.
        start: The hybrid model whose drawings will be enlarged, by folder or name; None for the one that comes with
            underpaint.
        num_threads: Threads to compute with; 0 for torch's own choice. Bit-exact resuming needs the same number.
        device: Where to train.

    Returns:
        The manifest of ``out/upscaler``.

    Raises:
        ArtifactError: The data set is none, or the model is damaged.
        DataError: The pictures cannot be trained on, or have another size.
        InputError: The workspace and the data set do not lie apart, or the model has no tokenizer.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        MissingDependency: What writes graphs is not installed.
        TrainingError: The workspace belongs to another recipe, or training failed.
    """
    require("onnx", extra="optimize")
    require_apart(out, dataset)
    model = open_starting(start)
    if "quantizer" not in model.components:
        raise InputError(f"{model.name} draws without tokens, so nothing is drawn again; choose a hybrid model")
    parents = {"dataset": read_manifest(dataset, kind="dataset").digest, "model": model.digest}
    refuse_evaluation_sources(dataset)
    require_trainable(dataset, image_size=model.index.image_size * FACTOR, batch_size=recipe.loop.batch_size)
    with threads(num_threads):
        return made(out / FOLDER, recipe, parents, lambda: _make(recipe, dataset, model, parents, out, report, device))


def _make(
    recipe: UpscalerTraining,
    dataset: Path,
    model: Model,
    parents: dict[str, str],
    out: Path,
    report: Report,
    device: torch.device,
) -> Manifest:
    """Train, and write the artifact."""
    pipeline = load_pipeline(model, CPU)
    assert isinstance(pipeline, HybridPipeline)
    train, held_out = (load_packed(dataset, (split,), report) for split in ("train", "validation"))
    trainee = UpscalerTrainee(recipe, pipeline.autoencoder, pipeline.quantizer, train, held_out, device)
    with trained(trainee, recipe, parents, out / "state" / "upscaler", device=device, report=report) as training:
        figures: dict[str, Any] = {**trainee.validate(), **effort(training, trainee.module)}
        upscaler = trainee.module.cpu()
        with staging(out / FOLDER) as folder:
            save_component(upscaler, upscaler.config, folder, torch.float16)
            write_graph(upscaler, folder)
            return seal(
                folder,
                kind=KIND,
                stage="train",
                config=recipe,
                parents=parents,
                figures=with_credits(figures, dataset),
                packages=("torch", "numpy", "onnx"),
            )
