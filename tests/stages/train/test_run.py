"""The whole chain on drawn shapes; the text table is put there beforehand, since distilling one needs MiniLM."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.artifact import MANIFEST, read_manifest, verify
from underpaint.core.errors import ArtifactError, DataError, InputError, LicenseRefused, TrainingError
from underpaint.core.progress import Progress
from underpaint.core.samples import read_samples, write_samples
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.runtime.processes import Processes
from underpaint.stages.data import notices
from underpaint.stages.train import latents
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.dataset import ATTRIBUTION
from underpaint.stages.train.parts import has_state, parts_of
from underpaint.stages.train.recipe import HybridRecipe
from underpaint.stages.train.resumption import resumption
from underpaint.stages.train.run import run


@pytest.fixture(scope="module")
def recipe(hybrid_recipe: HybridRecipe) -> HybridRecipe:
    return hybrid_recipe


@pytest.fixture(scope="module")
def workspace(recipe, prepared: Path, shapes: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "workspace"
    shutil.copytree(prepared, folder)
    run(recipe, shapes, folder)
    return folder


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "copy"))


def test_every_artifact_names_those_it_was_made_from(workspace, shapes):
    digests = {name: verify(workspace / name, kind=name).digest for name in
               ("text-table", "tokenizer", "latents", "generator", "pipeline")}  # fmt: skip
    digests["dataset"] = read_manifest(shapes).digest
    parents = {
        "tokenizer": ("dataset",),
        "latents": ("dataset", "tokenizer"),
        "generator": ("latents", "tokenizer", "text-table"),
        "pipeline": ("generator", "tokenizer", "text-table", "dataset"),
    }
    for name, roles in parents.items():
        assert read_manifest(workspace / name).parents == {role: digests[role] for role in roles}


def test_the_parts_are_those_of_the_plan_in_its_order(recipe, workspace):
    made = sorted(workspace.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
    assert {path.parent.name for path in made} == {*parts_of(recipe)}
    new = [path.parent.name for path in made if path.parent.name not in ("text-table", "tokenizer")]  # were put there
    assert new == [*parts_of(recipe)[2:]]


def test_the_pipeline_draws(workspace):
    (image,) = underpaint.load(workspace / "pipeline").generate("a red disc", seed=1, style="flat")
    assert image.size == (32, 32) and image.mode == "RGBA"
    assert len(np.unique(np.asarray(image))) > 5


def test_a_finished_workspace_is_left_alone(recipe, workspace, shapes):
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if path.is_file()}
    reports: list[Progress] = []
    manifest = run(recipe, shapes, workspace, reports.append)
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if path.is_file()} == before
    assert reports == [] and manifest == read_manifest(workspace / "pipeline")


def test_encoding_that_is_interrupted_leaves_what_it_goes_on_from(recipe, copy, shapes, monkeypatch):
    for name, value in (("AT_ONCE", 16), ("BATCHES_A_FILE", 1)):
        monkeypatch.setattr(latents, name, value)

    def report(progress: Progress) -> None:
        if progress.task == "encode pictures" and progress.done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe, shapes, copy, report)
    assert has_state(copy, "latents")
    assert resumption(copy) == "run the same command again to go on from the last saved step"
    run(recipe, shapes, copy)
    assert not (copy / "state" / "latents").exists()


def test_what_an_encoding_kept_goes_though_the_process_ended_between_the_artifact_and_that(
    recipe, copy, shapes, monkeypatch
):
    def end(_folder: Path) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("underpaint.stages.train.latents_state.remove", end)
        run(recipe, shapes, copy)
    assert (copy / "latents" / MANIFEST).exists() and has_state(copy, "latents")
    run(recipe, shapes, copy)
    assert not (copy / "state" / "latents").exists()


def test_the_same_recipe_makes_the_same_model(recipe, workspace, copy, shapes):
    assert run(recipe, shapes, copy).digest == read_manifest(workspace / "pipeline").digest


def changed(recipe: HybridRecipe, **values: object) -> HybridRecipe:
    return recipe.model_copy(update=values)


@pytest.mark.parametrize("part", ["tokenizer", "latents", "generator", "pipeline"])
def test_a_workspace_of_another_recipe_is_refused(recipe, workspace, shapes, part, generator_settings):
    changes: dict[str, dict[str, object]] = {
        "tokenizer": {"tokenizer": recipe.tokenizer.model_copy(update={"noise": 0.1})},
        "latents": {"latents": LatentsEncoding(variants=3)},
        "generator": {"generator": generator_settings(13)},
        "pipeline": {"sampling": recipe.sampling.model_copy(update={"top_p": 0.5})},
    }
    with pytest.raises(TrainingError, match=f"{part} was made with other settings or other data"):
        run(changed(recipe, **changes[part]), shapes, workspace)


def test_a_model_without_a_refiner_can_be_put_together(recipe, copy, shapes):
    plain = recipe.sampling.model_copy(update={"residual_steps": None})
    run(changed(recipe, sampling=plain), shapes, copy)
    assert not (copy / "pipeline" / "residual").exists() and (copy / "pipeline" / "transformer").exists()
    assert underpaint.load(copy / "pipeline").generate("a red disc", seed=1)


def test_anything_but_a_data_set_is_refused_before_anything_is_written(recipe, words, tmp_path):
    with pytest.raises(ArtifactError, match="'dataset' artifact is needed"):
        run(recipe, words, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_sources_for_evaluation_only_are_refused_before_anything_is_written(recipe, shapes, tmp_path):
    dataset = Path(shutil.copytree(shapes, tmp_path / "dataset"))
    (dataset / ATTRIBUTION).write_text('{"obligations_on_weights": {"not_for_weights": ["pack@1"]}}')
    with pytest.raises(LicenseRefused, match=r"evaluation only \(pack@1\)"):
        run(recipe, dataset, tmp_path / "out")
    (dataset / ATTRIBUTION).write_text("{}")
    with pytest.raises(DataError, match=ATTRIBUTION):
        run(recipe, dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("bad", ["caption", "picture"])
def test_a_data_set_that_cannot_be_trained_on_is_refused_before_anything_is_written(recipe, shapes, tmp_path, bad):
    dataset = Path(shutil.copytree(shapes, tmp_path / "dataset"))
    if bad == "picture":
        (dataset / "3.png").unlink()
    else:
        samples = read_samples(dataset)
        write_samples(dataset, [samples[0].model_copy(update={"caption": ""}), *samples[1:]])
    with pytest.raises(DataError, match="without a caption" if bad == "caption" else "3.png"):
        run(recipe, dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_processes_that_cannot_share_the_steps_are_refused_before_anything_is_written(
    recipe, shapes, tmp_path, monkeypatch
):
    monkeypatch.setattr("underpaint.stages.train.run.present", lambda: Processes(0, 2))
    with pytest.raises(TrainingError, match="2 processes cannot evenly share 1 micro-batches"):
        run(recipe, shapes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_training_starts_from_a_saved_model_s_parts_and_weights(recipe, workspace, shapes, tmp_path):
    changed_tokenizer = changed(recipe, tokenizer=recipe.tokenizer.model_copy(update={"noise": 0.1}))
    start = workspace / "pipeline"
    manifest = run(changed_tokenizer, shapes, tmp_path / "out", start=start)
    digest = read_manifest(start).digest
    for name in ("text-table", "tokenizer"):
        assert read_manifest(tmp_path / "out" / name).parents["model"] == digest
    assert read_manifest(tmp_path / "out" / "generator").parents["initial"] == digest
    for name in ("autoencoder", "quantizer"):
        weights = [folder / name / "model.safetensors" for folder in (start, tmp_path / "out" / "pipeline")]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    assert manifest.digest != digest
    again = run(changed_tokenizer, shapes, tmp_path / "out", start=start)
    assert again.digest == manifest.digest
    with pytest.raises(TrainingError, match="other settings"):
        run(changed_tokenizer, shapes, tmp_path / "out")


def test_a_workspace_of_its_own_does_not_start_from_a_model(recipe, workspace, copy, shapes):
    with pytest.raises(TrainingError, match="was not taken from workspace"):
        run(recipe, shapes, copy, start=workspace)


def test_a_model_that_does_not_fit_the_recipe_is_no_start(recipe, shapes, tmp_path):
    with pytest.raises(InputError, match="stickers-64 draws 64 px, but this recipe is for 32 px"):
        run(recipe, shapes, tmp_path / "out", start="stickers-64")
    with pytest.raises(InputError, match="there is no model folder 'nothing'"):
        run(recipe, shapes, tmp_path / "out", start="nothing")
    assert not (tmp_path / "out").exists()


def test_a_model_on_other_scales_is_no_start(recipe, workspace, shapes, tmp_path):
    sampling = recipe.sampling.model_copy(update={"guidance_shape": (1.0, 0.0), "temperatures": (1.0, 0.5)})
    tokenizer_settings = recipe.tokenizer.model_copy(update={"schedule": (2, 4)})
    other = changed(recipe, tokenizer=tokenizer_settings, sampling=sampling)
    with pytest.raises(InputError, match="workspace has the scales \\(1, 2, 4\\), but this recipe has \\(2, 4\\)"):
        run(other, shapes, tmp_path / "out", start=workspace)


def test_fewer_scales_have_their_own_codes_and_generator_and_the_saved_autoencoder(recipe, workspace, shapes, tmp_path):
    sampling = recipe.sampling.model_copy(update={"guidance_shape": (1.0, 0.0), "temperatures": (1.0, 0.5)})
    fixed = {"schedule": (2, 4), "fixed_autoencoder": True, "continuous_steps": 0, "joint_share": 1.0}
    loop = recipe.tokenizer.loop.model_copy(update={"steps": 4})
    tokenizer_settings = recipe.tokenizer.model_copy(update={"loop": loop, **fixed})
    fewer = changed(recipe, tokenizer=tokenizer_settings, sampling=sampling)
    run(fewer, shapes, tmp_path / "out", start=workspace)
    made = underpaint.load(tmp_path / "out" / "pipeline").pipeline
    before = underpaint.load(workspace / "pipeline").pipeline
    assert isinstance(made, HybridPipeline) and isinstance(before, HybridPipeline)
    assert made.transformer.config.schedule == made.quantizer.config.schedule == (2, 4)
    kept, moved = (
        {name: torch.equal(value, getattr(before, part).state_dict()[name]) for name, value in state.items()}
        for part, state in (("autoencoder", made.autoencoder.state_dict()), ("quantizer", made.quantizer.state_dict()))
    )
    assert all(kept.values()) and not moved["codes.codebook"] and not moved["phi.0.weight"]
    with pytest.raises(InputError, match="start from a model that has all of these and more"):
        run(fewer, shapes, tmp_path / "again", start=tmp_path / "out" / "pipeline")
    elsewhere = fewer.model_copy(update={"tokenizer": tokenizer_settings.model_copy(update={"schedule": (3, 4)})})
    with pytest.raises(InputError, match=r"workspace has the scales \(1, 2, 4\), but this recipe has \(3, 4\)"):
        run(elsewhere, shapes, tmp_path / "elsewhere", start=workspace)


def test_what_keeps_a_part_of_a_saved_model_needs_one_before_any_work(recipe, shapes, tmp_path):
    alone = recipe.generator.model_copy(update={"trains": "refiner"})
    fixed = {"fixed_autoencoder": True, "continuous_steps": 0, "joint_share": 1.0}
    codes = recipe.tokenizer.model_copy(update=fixed)
    for wanting in (changed(recipe, generator=alone), changed(recipe, tokenizer=codes)):
        with pytest.raises(InputError, match="needs one to start from: --from stickers-64"):
            run(wanting, shapes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_name_of_the_attribution_is_that_of_the_data_stage():
    assert ATTRIBUTION == notices.ATTRIBUTION
