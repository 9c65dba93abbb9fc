"""The rivals' chains on drawn shapes, all in one workspace of the hybrid model's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import underpaint
from underpaint.core.artifact import read_manifest, verify
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Progress
from underpaint.learning.config import LoopConfig
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.gan import GanPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.device import CPU
from underpaint.stages.train import rivals
from underpaint.stages.train.flow_config import FewStepTraining, FlowTraining
from underpaint.stages.train.gan_config import GanTraining
from underpaint.stages.train.parts import finished, parts_of
from underpaint.stages.train.recipe import HybridRecipe
from underpaint.stages.train.rival_recipe import FewStepRecipe, FlowRecipe, FlowSampling, GanRecipe


@pytest.fixture(scope="module")
def recipes(hybrid_recipe: HybridRecipe) -> dict[str, rivals.Rival]:
    loop = LoopConfig(steps=3, batch_size=4, lr=1e-3, warmup=1, precision="f32", validate_every=3, sample_every=3)
    flow = FlowRecipe(
        shared=hybrid_recipe,
        flow=FlowTraining(loop=loop, width=32, depth=2, heads=2, text_depth=1),
        sampling=FlowSampling(steps=3, solver="heun", guidance=1.25, interval=(0.25, 0.75), shift=1.5),
    )
    few_step = FewStepRecipe(teacher=flow, few_step=FewStepTraining(loop=loop, finest=4), steps=2)
    networks = {"widths": (16, 16, 8), "blocks": (1, 1, 1), "judge_widths": (8, 16, 16), "judge_blocks": (1, 1, 1)}
    gan = GanTraining.model_validate({"loop": loop, **networks, "condition_width": 32, "penalty_every": 2})
    return {"flow": flow, "few-step": few_step, "gan": GanRecipe(shared=hybrid_recipe, gan=gan, truncation=0.75)}


@pytest.fixture(scope="module")
def workspace(recipes, prepared: Path, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with all three, the few-step form first, which makes its teacher."""
    folder = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("rivals") / "workspace"))
    for name in ("few-step", "flow", "gan"):
        rivals.run(recipes[name], shapes, folder)
    return folder


def pipeline_of(workspace: Path, name: str) -> TextToPicture:
    return load_pipeline(open_model(workspace / f"{name}-pipeline"), CPU)


@pytest.mark.parametrize("name", ["flow", "few-step", "gan"])
def test_every_pipeline_names_what_it_was_made_from_and_draws(workspace, shapes, name):
    manifest = verify(workspace / f"{name}-pipeline", kind="pipeline")
    parts = ("text-table", "tokenizer", name)
    assert manifest.parents == {part: read_manifest(workspace / part).digest for part in parts} | {
        "dataset": read_manifest(shapes).digest
    }
    assert manifest.figures == {name: read_manifest(workspace / name).figures}
    (image,) = underpaint.load(workspace / f"{name}-pipeline").generate("a red disc", seed=1, style="flat")
    assert image.size == (32, 32) and len(np.unique(np.asarray(image))) > 2


def test_pipelines_draw_as_their_recipes_say(workspace):
    flow, few, gan = (pipeline_of(workspace, name) for name in ("flow", "few-step", "gan"))
    assert isinstance(flow, FlowPipeline) and isinstance(few, FlowPipeline) and isinstance(gan, GanPipeline)
    assert (flow.config.steps, flow.config.solver, flow.config.guidance, flow.config.shift) == (3, "heun", 1.25, 1.5)
    assert (flow.config.interval.low, flow.config.interval.high) == (0.25, 0.75)
    assert (few.config.steps, few.config.step_counts, few.config.guidance) == (2, (4, 2, 1), 0.0)
    assert gan.config.truncation == 0.75


def test_the_few_step_form_and_the_flow_share_one_teacher(workspace):
    teacher = read_manifest(workspace / "flow").digest
    assert read_manifest(workspace / "few-step").parents["teacher"] == teacher
    assert read_manifest(workspace / "flow-pipeline").parents["flow"] == teacher


def test_a_finished_workspace_is_left_alone(recipes, workspace, shapes):
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if path.is_file()}
    reports: list[Progress] = []
    for name, recipe in recipes.items():
        assert rivals.run(recipe, shapes, workspace, reports.append) == read_manifest(workspace / f"{name}-pipeline")
        assert finished(workspace, parts_of(recipe)) == [*parts_of(recipe)]
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if path.is_file()} == before
    assert reports == []


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [("flow", {"flow": {"time_mean": 0.0}}, "flow"), ("flow", {"sampling": {"steps": 9}}, "flow-pipeline"),
     ("few-step", {"few_step": {"guidance": 1.0}}, "few-step"), ("gan", {"truncation": 0.5}, "gan-pipeline")],
)  # fmt: skip
def test_a_workspace_of_another_recipe_is_refused(recipes, workspace, shapes, name, change, what):
    values = recipes[name].model_dump(mode="json")
    for key, inner in change.items():
        values[key] = values[key] | inner if isinstance(inner, dict) else inner
    other = type(recipes[name]).model_validate(values)
    with pytest.raises(TrainingError, match=f"/{what} was made with other settings or other data"):
        rivals.run(other, shapes, workspace)
