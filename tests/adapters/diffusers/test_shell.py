"""A pipeline without its networks draws what the whole one draws, if something computes what they would."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from underpaint.adapters.diffusers.calls import Call, answered, entry_of
from underpaint.adapters.diffusers.shell import read_shell, write_shell
from underpaint.adapters.diffusers.stand_in import Run
from underpaint.core.errors import ArtifactError
from underpaint.pipelines.diffusers_model import DiffusersModel, open_diffusers
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline, load_diffusers
from underpaint.pipelines.settings import DrawRequest

Tiny = Callable[[str], Path]
REQUESTS = [DrawRequest(caption="a dog", seed=3, steps=2), DrawRequest(caption="a cat", seed=4, steps=2, guidance=1.0)]
NAMES = ["sd", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sdxl", "sd3", "pixart"))]


def opened(folder: Path, options: str = "") -> tuple[DiffusersModel, DiffusersPipeline]:
    model = open_diffusers(f"{folder}{options}")
    return model, load_diffusers(model, torch.device("cpu"))


def computed_by(pipeline: DiffusersPipeline, *left: str) -> dict[str, Run]:
    """Return what computes networks with the weights of a loaded pipeline."""

    def run_of(name: str) -> Run:
        def run(call: Call) -> dict[str, torch.Tensor]:
            return answered(getattr(pipeline.modules[name], entry_of(name))(*call.bound.args, **call.bound.kwargs))

        return run

    return {name: run_of(name) for name in pipeline.modules if name not in left}


def reread(pipeline: DiffusersPipeline, model: DiffusersModel, folder: Path, *left: str) -> DiffusersPipeline:
    computed = computed_by(pipeline, *left)
    folder.mkdir()
    write_shell(pipeline.pipeline, model.facts, list(computed), folder)
    inner, facts = read_shell(folder, computed, width=model.facts.width, height=model.facts.height)
    return DiffusersPipeline(inner, facts, pipeline.config)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_those_of_the_whole_pipeline(tiny_diffusers: Tiny, tmp_path: Path, name: str):
    model, pipeline = opened(tiny_diffusers(name))
    again = reread(pipeline, model, tmp_path / "shell")
    for ours, theirs in zip(again.draw(REQUESTS), pipeline.draw(REQUESTS), strict=True):
        assert np.array_equal(ours, theirs)
    assert not list((tmp_path / "shell").rglob("*.safetensors"))


@pytest.mark.parametrize("name", ["unipc", "ddim"])
def test_the_scheduler_that_was_chosen_is_the_one_that_is_kept(tiny_diffusers: Tiny, tmp_path: Path, name: str):
    """Stable Diffusion changes the settings of a scheduler like ddim as it is put together."""
    model, pipeline = opened(tiny_diffusers("sd"), f"?scheduler={name}")
    again = reread(pipeline, model, tmp_path / "shell")
    assert type(again.pipeline.scheduler) is type(pipeline.pipeline.scheduler)
    assert np.array_equal(again.draw(REQUESTS)[0], pipeline.draw(REQUESTS)[0])


@pytest.fixture(scope="module")
def written(tiny_diffusers: Tiny, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Run]]:
    model, pipeline = opened(tiny_diffusers("sd"))
    folder = tmp_path_factory.mktemp("written") / "shell"
    reread(pipeline, model, folder)
    return folder, computed_by(pipeline)


def test_tokenizers_are_kept_byte_for_byte(tiny_diffusers: Tiny, written: tuple[Path, dict[str, Run]]):
    kept = {path.name: path.read_bytes() for path in (written[0] / "tokenizer").iterdir()}
    assert kept == {path.name: path.read_bytes() for path in (tiny_diffusers("sd") / "tokenizer").iterdir()}


def test_a_safety_checker_stays_and_goes_on_checking(tiny_diffusers: Tiny, tmp_path: Path):
    model, pipeline = opened(tiny_diffusers("sd-checked"))
    again = reread(pipeline, model, tmp_path / "shell", "safety_checker")
    assert again.pipeline.safety_checker is not None
    with pytest.raises(Exception, match="safety checker"):
        again.draw(REQUESTS[:1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"unet": ["os", "system"]}, "code of a model is never run"),
        ({"tokenizer": ["subprocess", "run"]}, "code of a model is never run"),
        ({"_class_name": ["mine", "Pipeline"]}, "code of a model is never run"),
        ({"custom_pipeline": "mine.py"}, "code of a model is never run"),
        ({"unet": ["diffusers", "NoSuchNetwork"]}, "NoSuchNetwork"),
        ({"_class_name": "NoSuchPipeline"}, "has no pipeline"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_folder_that_asks_for_foreign_code_is_refused(
    written: tuple[Path, dict[str, Run]], tmp_path: Path, values: dict[str, Any], message: str
):
    folder = shutil.copytree(written[0], tmp_path / "shell")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | values))
    with pytest.raises(ArtifactError, match=message):
        read_shell(folder, written[1], width=16, height=16)


def test_missing_settings_are_named(written: tuple[Path, dict[str, Run]], tmp_path: Path):
    folder = shutil.copytree(written[0], tmp_path / "shell")
    shutil.rmtree(folder / "unet")
    with pytest.raises(ArtifactError, match=r"unet: no UNet2DConditionModel can be built.*export the model again"):
        read_shell(folder, written[1], width=16, height=16)
