"""The hybrid model's rivals from a data set: flow transformer, few-step form and GAN, in the hybrid's workspace.

``text-table``, ``tokenizer`` and ``latents`` are those of the hybrid model; each rival adds its own artifact and a
pipeline that ``underpaint.load`` opens: ``flow`` and ``flow-pipeline``, ``few-step`` and ``few-step-pipeline``,
``gan`` and ``gan-pipeline``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import Manifest
from underpaint.core.config import Config
from underpaint.core.progress import Report, silent
from underpaint.diffusion.guidance import GuidanceInterval
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import require_shares
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.flow import FlowConfig, FlowPipeline
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.processes import present
from underpaint.stages.train import few_step, flow, gan
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.making import made, made_pipeline
from underpaint.stages.train.owed import with_credits
from underpaint.stages.train.rival_recipe import FewStepRecipe, FlowRecipe, GanRecipe
from underpaint.stages.train.shared import Shared, shared_parts

Rival = FlowRecipe | FewStepRecipe | GanRecipe


@dataclass(frozen=True)
class Workshop:
    """Where a rival is made and from what.

    Args:
        out: The workspace.
        dataset: The data set.
        shared: What it shares with the hybrid model.
        report: Receives progress.
        device: Where to train.
        start: Figures of the model to start from, if any.
    """

    out: Path
    dataset: Path
    shared: Shared
    report: Report
    device: torch.device
    start: Mapping[str, Any] | None


def run(
    recipe: Rival,
    dataset: Path,
    out: Path,
    report: Report = silent,
    *,
    start: str | Path | None = None,
    num_threads: int = 0,
    device: torch.device = CPU,
) -> Manifest:
    """Train a rival after a recipe.

    Args:
        recipe: The complete settings.
        dataset: A ``dataset`` artifact.
        out: The workspace; artifacts already in it are kept, running states are resumed.
        report: Receives progress.
        start: A saved hybrid model, by folder or name, whose tokenizer, text table and weights are the start.
        num_threads: Threads to compute with; 0 for torch's own choice.
        device: Where to train.

    Returns:
        The manifest of the rival's pipeline.

    Raises:
        ArtifactError: The data set is none.
        DataError: It cannot be trained on: captions, pictures or whole splits are missing.
        InputError: The workspace and the data set do not lie apart, or the model to start from does not fit the recipe.
        LicenseRefused: The data set holds sources that weights must not be trained on.
        TrainingError: The workspace belongs to another recipe, the processes cannot share the last training's steps, or
            training failed.
    """
    require_shares(_loop_of(recipe), present())
    hybrid = recipe.teacher.shared if isinstance(recipe, FewStepRecipe) else recipe.shared
    with threads(num_threads):
        shared = shared_parts(hybrid, dataset, out, report, start=start, device=device)
        figures = open_model(start).manifest.figures if start else None
        shop = Workshop(out, dataset, shared, report, device, figures)
        if isinstance(recipe, GanRecipe):
            return _gan_pipeline(recipe, shop)
        flow_recipe = recipe.teacher if isinstance(recipe, FewStepRecipe) else recipe
        trained = _flow(flow_recipe, shop)
        if isinstance(recipe, FewStepRecipe):
            return _few_step_pipeline(recipe, trained, shop)
        sampling = flow_recipe.sampling.model_dump(exclude={"interval"})
        interval = GuidanceInterval(low=flow_recipe.sampling.interval[0], high=flow_recipe.sampling.interval[1])
        pipeline = _flow_pipeline(out, "flow", FlowConfig(styles=STYLES, interval=interval, **sampling))
        return _save(pipeline, "flow", recipe, trained, shop)


def _loop_of(recipe: Rival) -> LoopConfig:
    """Return the loop that is trained last."""
    if isinstance(recipe, GanRecipe):
        return recipe.gan.loop
    return recipe.few_step.loop if isinstance(recipe, FewStepRecipe) else recipe.flow.loop


def _flow(recipe: FlowRecipe, shop: Workshop) -> Manifest:
    def make() -> Manifest:
        return flow.run(
            recipe.flow,
            shop.out / "latents",
            shop.out / "tokenizer",
            shop.out / "text-table",
            shop.out / "flow",
            shop.report,
            work=shop.out / "state" / "flow",
            initial=shop.shared.initial,
            device=shop.device,
        )

    return made(shop.out / "flow", recipe.flow, shop.shared.parents, make, by_all=True)


def _few_step_pipeline(recipe: FewStepRecipe, teacher: Manifest, shop: Workshop) -> Manifest:
    def make() -> Manifest:
        return few_step.run(
            recipe.few_step,
            shop.out / "flow",
            shop.out / "latents",
            shop.out / "tokenizer",
            shop.out / "text-table",
            shop.out / "few-step",
            shop.report,
            work=shop.out / "state" / "few-step",
            device=shop.device,
        )

    parents = {**shop.shared.parents, "teacher": teacher.digest}
    trained = made(shop.out / "few-step", recipe.few_step, parents, make, by_all=True)
    config = FlowConfig(
        styles=STYLES, steps=recipe.steps, step_counts=recipe.few_step.step_counts, solver="euler", guidance=0.0
    )
    return _save(_flow_pipeline(shop.out, "few-step", config), "few-step", recipe, trained, shop)


def _gan_pipeline(recipe: GanRecipe, shop: Workshop) -> Manifest:
    def make() -> Manifest:
        return gan.run(
            recipe.gan,
            shop.dataset,
            shop.out / "text-table",
            shop.out / "gan",
            shop.report,
            work=shop.out / "state" / "gan",
            initial=shop.shared.initial,
            device=shop.device,
        )

    parents = {"dataset": shop.shared.dataset, "text-table": shop.shared.text_table.digest}
    trained = made(shop.out / "gan", recipe.gan, parents, make, by_all=True)
    folder = shop.out / "gan"
    pipeline = GanPipeline(
        text_tokenizer=TextTokenizer.from_folder(shop.out / "text-table"),
        text_encoder=load_component(folder / "text_encoder", TextEncoder, TextEncoderConfig),
        generator=load_component(folder / "generator", GanGenerator, GanGeneratorConfig),
        config=GanConfig(styles=STYLES, truncation=recipe.truncation),
    )
    return _save(pipeline, "gan", recipe, trained, shop)


def _flow_pipeline(out: Path, name: str, config: FlowConfig) -> FlowPipeline:
    return FlowPipeline(
        text_tokenizer=TextTokenizer.from_folder(out / "text-table"),
        text_encoder=load_component(out / name / "text_encoder", TextEncoder, TextEncoderConfig),
        autoencoder=load_component(out / "tokenizer" / "autoencoder", Autoencoder, AutoencoderConfig),
        flow_transformer=load_component(out / name / "flow_transformer", FlowTransformer, FlowTransformerConfig),
        config=config,
    )


def _save(pipeline: TextToPicture, name: str, recipe: Config, trained: Manifest, shop: Workshop) -> Manifest:
    parents = {name: trained.digest, **shop.shared.parents, "dataset": shop.shared.dataset}
    del parents["latents"]
    figures = with_credits({name: trained.figures}, shop.dataset, start=shop.start)
    return made_pipeline(shop.out / f"{name}-pipeline", recipe, parents, lambda: pipeline, figures)
