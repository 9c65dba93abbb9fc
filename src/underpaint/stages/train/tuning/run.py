"""A person's style from a few dozen pictures: artifacts in one workspace, each made once.

``text-table`` and ``tokenizer`` are the saved model's; ``own`` holds the latents of the pictures, ``kept`` those of
what the model could do before; ``decoder`` draws the style, ``tuned`` holds the other networks and a preview;
``pipeline`` is what ``underpaint.load`` opens, and with a rank so is ``adapter``, the style as a small file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import Manifest, read_manifest, seal, staging
from underpaint.core.errors import InputError, TrainingError
from underpaint.core.progress import Progress, Report, silent
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, save_component
from underpaint.models.low_rank import adapter_of, merge
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.adapted_model import FILE, AdapterSettings
from underpaint.pipelines.adapter import pieces_of, save_adapter
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.processes import present
from underpaint.runtime.weights import read_weights, write_weights
from underpaint.stages.train.finish import time_taken, trained
from underpaint.stages.train.making import made, made_pipeline
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.start import seed_workspace
from underpaint.stages.train.starting import open_starting
from underpaint.stages.train.tuning import decoder
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.kept import draw_kept, kept_samples
from underpaint.stages.train.tuning.own import encode_pair, own_samples
from underpaint.stages.train.tuning.parts import load_parts
from underpaint.stages.train.tuning.preview import draw_preview
from underpaint.stages.train.tuning.trainee import StyleTrainee
from underpaint.stages.train.tuning.verdict import Point, decoder_verdict, verdict
from underpaint.stages.train.tuning.watch import WatchedRun, curve_of
from underpaint.stages.train.workspace import require_apart

PREVIEW = "preview.png"
PREVIEW_AT = Path("tuned", PREVIEW)
"""Where in the workspace the preview lies."""
NETWORKS: dict[str, tuple[type[torch.nn.Module], type[Any]]] = {
    "text_encoder": (TextEncoder, TextEncoderConfig),
    "transformer": (ScaleTransformer, TransformerConfig),
    "residual": (ResidualRefiner, ResidualConfig),
}


def run(
    recipe: StyleRecipe,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    keep: Path | None = None,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Teach a saved model the style of some pictures.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact with the pictures.
        out: The workspace; artifacts already in it are kept, a running state is resumed.
        report: Receives progress.
        start: The saved hybrid model, by folder or name; None for the one that comes with underpaint.
        keep: A data set of what the model shall not forget; None lets it draw that itself.
        num_threads: Threads to compute with; 0 for torch's own choice. Bit-exact resuming needs the same number.
        device: Where to train.

    Returns:
        The manifest of ``out/pipeline``.

    Raises:
        ArtifactError: A data set is none, or the model is damaged.
        DataError: The pictures are too few, without words or of another size.
        InputError: The workspace and a data set do not lie apart, or the model is no hybrid model.
        LicenseRefused: A data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another training, several processes were started, or training failed.
    """
    if present().count > 1:
        raise TrainingError(f"a style is learned by one process, not by {present().count}; start it without torchrun")
    require_apart(out, *(data for data in (dataset, keep) if data is not None))
    model = open_starting(start)
    if model.index.pipeline != "HybridPipeline":
        raise InputError(f"{model.name} is a {model.index.pipeline}; a style can be taught to a hybrid model only")
    with threads(num_threads):
        parents = _prepare(recipe, model, dataset, keep, out, report, device)
        tuned = made(out / "tuned", recipe, parents, lambda: tune(recipe, model, parents, out, report, device))
    learned_from = (dataset,) if keep is None else (dataset, keep)
    if recipe.rank is not None:
        owed = with_credits({}, *learned_from)
        made(out / "adapter", None, {"tuned": tuned.digest}, lambda: _make_adapter(model, tuned, out, owed))
    lineage = {**parents, "tuned": tuned.digest, "dataset": read_manifest(dataset).digest}
    figures = with_credits({**model.manifest.figures, "style": tuned.figures}, *learned_from)
    return made_pipeline(out / "pipeline", recipe, lineage, lambda: assemble(model, out), figures)


def _prepare(
    recipe: StyleRecipe,
    model: Model,
    dataset: Path,
    keep: Path | None,
    out: Path,
    report: Report,
    device: torch.device,
) -> dict[str, str]:
    """Check all that is given and make what training needs; returns the parents of the training."""
    size, tokens = model.index.image_size, out / "tokenizer"
    from_own = {"dataset": read_manifest(dataset, kind="dataset").digest, "model": model.digest}
    pair = own_samples(recipe, dataset, size)
    from_kept = {"model": model.digest}
    kept = None
    if keep is not None:
        from_kept["dataset"] = read_manifest(keep, kind="dataset").digest
        kept = kept_samples(recipe, keep, model.styles, size)
    seed_workspace(model, out)

    def encode_own() -> Manifest:
        given: dict[str, Any] = {"parents": from_own, "device": device, "report": report}
        return encode_pair(pair, dataset, tokens, recipe, out / "own", mirror=True, **given)

    def make_kept() -> Manifest:
        if keep is None or kept is None:
            captions = [sample.caption for sample in pair[0]]
            pipeline = _load(model, device)
            return draw_kept(recipe, pipeline, captions, out / "kept", model=model.digest, report=report)
        given: dict[str, Any] = {"parents": from_kept, "device": device, "report": report}
        return encode_pair(kept, keep, tokens, recipe, out / "kept", **given)

    own = made(out / "own", recipe, from_own, encode_own)
    shown = made(out / "kept", recipe, from_kept, make_kept)
    if ("dataset" in shown.parents) != (keep is not None):
        raise TrainingError(f"{out / 'kept'} was made with another --keep; choose another --out, or remove that folder")
    parents = {"model": model.digest, "own": own.digest, "kept": shown.digest}
    if (config := recipe.decoder) is None:
        return parents
    given = {**from_own, "kept": shown.digest}
    drawn = made(
        out / "decoder",
        recipe,
        given,
        lambda: decoder.run(recipe, config, pair, dataset, out, report, parents=given, device=device),
    )
    return {**parents, "decoder": drawn.digest}


def _load(model: Model, device: torch.device) -> HybridPipeline:
    pipeline = load_pipeline(model, device)
    assert isinstance(pipeline, HybridPipeline)
    return pipeline


def tune(
    recipe: StyleRecipe, model: Model, parents: dict[str, str], out: Path, report: Report, device: torch.device
) -> Manifest:
    """Train and write a ``tuned`` artifact with the weights of the best step.

    Args:
        recipe: The settings.
        model: The saved model.
        parents: Role to digest of what it is trained from.
        out: The workspace.
        report: Receives progress.
        device: Where to train.

    Raises:
        TrainingError: The loss diverged, or the running state belongs to another training.
    """
    report(Progress(task="measure what the model knows of the style before it learns", done=0))
    own, kept = load_parts(out / "own"), load_parts(out / "kept")
    trainee = StyleTrainee(recipe, _load(model, device), own, kept, out, device)
    if "decoder" in parents:
        trainee.autoencoder = _load_decoder(out, device)
    work = out / "state" / "style"
    with trained(trainee, recipe, parents, work, device=device, report=report, kind=WatchedRun) as training:
        trainee.watch.restore(trainee.module)
        figures = figures_of(trainee) | time_taken(training) | {"seen_images": training.step * recipe.loop.batch_size}
        if "decoder" in parents:
            figures |= _with_decoder(figures, read_manifest(out / "decoder").figures)
        with staging(out / "tuned") as folder:
            _write(trainee, model, folder, device)
            given: dict[str, Any] = {"config": recipe, "parents": parents, "figures": figures}
            return seal(folder, kind="tuned", stage="train", packages=("torch",), **given)


def _write(trainee: StyleTrainee, model: Model, folder: Path, device: torch.device) -> None:
    """Write the networks, what both models draw, and with a rank the learned style by itself."""
    if trainee.recipe.rank is not None:
        decoder_too = trainee.autoencoder.decoder.state_dict() if trainee.recipe.decoder is not None else {}
        pieces = pieces_of(adapter_of(trainee.module.transformer), trainee.new_rows(), decoder_too)
        write_weights(folder / FILE, pieces)
        merge(trainee.module.transformer)
    now = trainee.pipeline()
    for name in (name for name in NETWORKS if name in now.modules):
        network = now.modules[name]
        save_component(network, network.config, folder / name)  # pyright: ignore[reportArgumentType]
    draw_preview([_load(model, device), now], trainee.held_out, trainee.autoencoder, folder / PREVIEW)


def _load_decoder(workspace: Path, device: torch.device) -> Autoencoder:
    return load_component(workspace / "decoder" / "autoencoder", Autoencoder, AutoencoderConfig, device)


def _make_adapter(model: Model, tuned: Manifest, workspace: Path, figures: dict[str, Any]) -> Manifest:
    """Write the learned style as an artifact that can be handed on without the model."""
    settings = AdapterSettings(base=model.name, styles=tuple(tuned.figures["started_from"]))
    parents, pieces = {"model": model.digest, "tuned": tuned.digest}, read_weights(workspace / "tuned" / FILE)
    return save_adapter(pieces, workspace / "adapter", settings=settings, parents=parents, figures=figures)


def _with_decoder(figures: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    said = decoder_verdict([Point(**point) for point in drawn["curve"]])
    return {"decoder": drawn, "verdict": f"{figures['verdict']} {said}"}


def figures_of(trainee: StyleTrainee) -> dict[str, Any]:
    """Return what a finished training says about itself: counts, curve, verdict, and where new styles started."""
    points = trainee.watch.points
    names = (*trainee.styles[: len(trainee.styles) - len(trainee.nearest)], "none")
    return {
        "verdict": verdict(points),
        "pictures": {"learned": len(trainee.train), "held_out": len(trainee.held_out)},
        "started_from": {style: names[row] for style, row in trainee.nearest.items()},
        "trained_parameters": trainee.watch.num_weights,
        "curve": curve_of(points),
    }


def assemble(model: Model, workspace: Path) -> HybridPipeline:
    """Put a saved model and the networks that were trained together.

    Args:
        model: The saved model.
        workspace: A folder with ``tuned``, and ``decoder`` where that was trained.
    """
    pipeline = _load(model, CPU)
    if (workspace / "decoder").exists():
        pipeline.autoencoder = _load_decoder(workspace, CPU)
    for name, (network, settings) in NETWORKS.items():
        if name in pipeline.modules:
            setattr(pipeline, name, load_component(workspace / "tuned" / name, network, settings))
    added = tuple(read_manifest(workspace / "tuned").figures["started_from"])
    pipeline.config = pipeline.config.model_copy(update={"styles": (*pipeline.styles, *added)})
    return pipeline
