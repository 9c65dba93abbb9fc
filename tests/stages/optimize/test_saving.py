"""A saved optimized model opens like any other, draws what was drawn before it was saved, and names its parent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import underpaint
from underpaint.core.artifact import seal, verify
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.optimization import OptimizationRecipe, Step
from underpaint.core.progress import silent
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import KIND, OptimizedModel, is_optimized
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.drawing.subjects import open_subject
from underpaint.stages.evaluate.opening import is_model
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import Applied, apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

CAT = [DrawRequest(caption="a red cat", seed=3)]
NATIVE = (
    step_of("quant.int8_dynamic", "transformer", weight_bits=7),
    step_of("quant.weight_only", "decoder"),
    step_of("steps.count", "sampler", steps=1),
)
FOREIGN = (
    step_of("quant.mixed", "denoiser", rules=[{"layers": "mid_block.*", "precision": "int8_weights"}]),
    step_of("steps.solver", "sampler", solver="ddim"),
    step_of("steps.count", "sampler", steps=8),
    step_of("guidance.span", "sampler", high=0.5),
    step_of("cache.output", "sampler"),
)


def optimized(folder: Path, out: Path, *steps: Step) -> Applied:
    generator = underpaint.load(folder, engine="torch")
    applied = apply(generator.networks, arranged(*steps))
    save_optimized(applied, generator.model, out, figures={"ratio": 2.0})
    return applied


@pytest.fixture(scope="module")
def saved(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Applied]:
    out = tmp_path_factory.mktemp("optimized") / "small"
    return out, optimized(tiny_model, out, *NATIVE)


def test_it_draws_what_was_drawn_before_it_was_saved(saved: tuple[Path, Applied]) -> None:
    loaded = underpaint.load(saved[0])
    assert np.array_equal(loaded.networks.draw(CAT), saved[1].pipeline.draw(CAT))
    image = loaded.generate("a red cat", seed=3)[0]
    assert image.info["underpaint"].steps == 1 and image.info["underpaint"].model_sha256 == loaded.model.digest


def test_it_is_whole_and_names_its_parent_and_its_recipe(saved: tuple[Path, Applied], tiny_model: Path) -> None:
    manifest = verify(saved[0], kind=KIND)
    model = open_model(saved[0])
    assert isinstance(model, OptimizedModel) and is_optimized(saved[0]) and not is_optimized(tiny_model)
    assert model.parent == open_model(tiny_model).digest and model.digest == manifest.digest
    assert model.recipe == saved[1].recipe and model.settings.base == "tiny"
    assert manifest.figures["ratio"] == 2.0


def test_the_same_work_twice_has_one_digest(saved: tuple[Path, Applied], tiny_model: Path, tmp_path: Path) -> None:
    optimized(tiny_model, tmp_path / "again", *NATIVE)
    assert open_model(tmp_path / "again").digest == open_model(saved[0]).digest


def test_the_command_line_draws_with_it(
    saved: tuple[Path, Applied], underpaint: Callable[..., Any], tmp_path: Path
) -> None:
    done = underpaint("generate", "a red cat", "-m", saved[0], "--seed", 3, "--out", tmp_path)
    assert done.code == 0, done.stderr
    assert len([*tmp_path.glob("*.png")]) == 1


def test_an_evaluation_takes_it_as_a_model_of_its_own(saved: tuple[Path, Applied], tiny_model: Path) -> None:
    assert is_model(saved[0])
    optimized_one, before = open_subject(saved[0]), open_subject(tiny_model)
    assert optimized_one.identity != before.identity
    assert optimized_one.record().lineage["pipeline"] == open_model(tiny_model).digest


def test_it_is_not_exported_and_the_model_before_is_named(saved: tuple[Path, Applied], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="export the model before it, tiny"):
        export(ExportConfig(), open_model(saved[0]), tmp_path / "graph", silent)


def test_stored_weights_are_smaller_on_the_disk(saved: tuple[Path, Applied], tiny_model: Path) -> None:
    sizes = [(folder / "transformer/model.safetensors").stat().st_size for folder in (saved[0], tiny_model)]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize("file", ["recipe.json", "transformer/model.safetensors"])
def test_a_changed_file_is_named(saved: tuple[Path, Applied], tmp_path: Path, file: str) -> None:
    broken = shutil.copytree(saved[0], tmp_path / "broken")
    data = bytearray((broken / file).read_bytes())
    data[-2] ^= 1
    (broken / file).write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match=Path(file).name):
        underpaint.load(broken)


def test_a_transform_of_a_newer_version_is_named(saved: tuple[Path, Applied], tmp_path: Path) -> None:
    newer = shutil.copytree(saved[0], tmp_path / "newer")
    recipe = json.loads((newer / "recipe.json").read_text())
    recipe["steps"][0]["op"] = "quant.int8_dynamic@99"
    (newer / "recipe.json").write_text(json.dumps(recipe))
    settings = open_model(saved[0]).settings  # pyright: ignore[reportAttributeAccessIssue]
    digest = OptimizationRecipe.model_validate(recipe).digest()
    (newer / "manifest.json").unlink()
    config = settings.model_copy(update={"recipe": digest})
    seal(newer, kind=KIND, stage="optimize", config=config, parents={"pipeline": "0" * 64})
    with pytest.raises(ArtifactError, match="int8_dynamic@99 is unknown here; update underpaint"):
        underpaint.load(newer)


def test_an_optimized_model_is_not_optimized_again(saved: tuple[Path, Applied], tmp_path: Path) -> None:
    generator = underpaint.load(saved[0])
    applied = apply(generator.networks, arranged(step_of("steps.count", "sampler", steps=0)))
    with pytest.raises(InputError, match="apply the steps of both recipes to the model before it"):
        save_optimized(applied, generator.model, tmp_path / "twice")


@pytest.mark.parametrize("name", ["sd", pytest.param("pixart", marks=pytest.mark.slow)])
def test_a_pipeline_of_diffusers_comes_back_as_it_was(
    tiny_diffusers: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    steps = FOREIGN if name == "sd" else (step_of("quant.int8_dynamic", "denoiser", weight_bits=7), *FOREIGN[2:])
    applied = optimized(tiny_diffusers(name), tmp_path / "out", *steps)
    loaded = underpaint.load(tmp_path / "out")
    assert np.array_equal(loaded.networks.draw(CAT), applied.pipeline.draw(CAT))
    assert loaded.model.size == "16x16" and loaded.model.index.sampling["steps"] == 8
    verify(tmp_path / "out", kind=KIND)
