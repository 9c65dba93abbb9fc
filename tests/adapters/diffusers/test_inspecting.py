"""What a folder says about itself, and what is refused before a weight is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.adapters.diffusers.inspecting import inspect_model
from underpaint.adapters.diffusers.options import Options
from underpaint.core.errors import ArtifactError, InputError, UnderpaintError

Tiny = Callable[[str], Path]


@pytest.fixture
def copy(tiny_diffusers: Tiny, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_diffusers("sd"), tmp_path / "model"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_facts_of_a_model(tiny_diffusers: Tiny) -> None:
    facts = inspect_model(tiny_diffusers("sd"), Options())
    assert (facts.class_name, facts.network, facts.flow) == ("StableDiffusionPipeline", "unet", False)
    assert (facts.width, facts.height) == (16, 16)
    assert facts.parameters["num_inference_steps"] == 50
    assert {"model_index.json", "unet/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json"} <= {
        *facts.files
    }


def refused(folder: Path, message: str, kind: type[UnderpaintError] = ArtifactError, **options: Any) -> None:
    with pytest.raises(kind, match=message):
        inspect_model(folder, Options(**options))


def test_code_of_the_folder_is_refused_with_what_it_was(copy: Path) -> None:
    index = copy / "model_index.json"
    kept = index.read_text()
    edit(index, _class_name=["pipeline", "MyPipeline"])
    refused(copy, "MyPipeline.*never run")
    index.write_text(kept)
    edit(index, custom_pipeline="owner/code")
    refused(copy, "custom_pipeline = 'owner/code'")
    index.write_text(kept)
    edit(index, unet=["my_unet", "Net"])
    refused(copy, "'unet' is a class of 'my_unet'")
    index.write_text(kept)
    (copy / "unet" / "diffusers.py").write_text("raise SystemExit")
    refused(copy, "'unet' is a class of 'diffusers'")
    (copy / "unet" / "diffusers.py").unlink()
    edit(copy / "text_encoder" / "config.json", auto_map={"AutoModel": "code.Net"})
    refused(copy, "auto_map = .*code.Net")


def test_a_pickle_is_refused_unless_it_is_allowed(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    refused(copy, "only diffusion_pytorch_model.bin; a pickle can run code.*--allow-pickle")
    assert "unet/diffusion_pytorch_model.bin" in inspect_model(copy, Options(allow_pickle=True)).files


def test_missing_parts_are_named(copy: Path) -> None:
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    refused(copy, "unet has no weights")
    shutil.rmtree(copy / "unet")
    refused(copy, r"unet is missing, but model_index\.json lists it")
    (copy / "model_index.json").unlink()
    refused(copy, r"model_index\.json is missing")


def test_missing_classes_are_named_with_the_version_at_hand(copy: Path) -> None:
    edit(copy / "model_index.json", unet=["diffusers", "UNet9Model"])
    refused(copy, "UNet9Model.*does not have: pip install -U diffusers")
    edit(copy / "model_index.json", _class_name="FuturePipeline")
    refused(copy, "no pipeline 'FuturePipeline'.*pip install -U diffusers")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("StableDiffusionImg2ImgPipeline", "'image'"),
        ("StableDiffusionControlNetPipeline", "'image'"),
        ("DDPMPipeline", "'prompt'"),
    ],
)
def test_what_draws_from_something_else_than_words_is_refused(copy: Path, name: str, why: str) -> None:
    edit(copy / "model_index.json", _class_name=name)
    refused(copy, f"{name} is no text-to-image pipeline.*{why}", InputError)


def test_variants_are_found(copy: Path) -> None:
    for file in copy.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    facts = inspect_model(copy, Options())
    assert facts.variant == "fp16"
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in facts.files
    refused(copy, "choose one of fp16", InputError, variant="bf16")


def test_options_that_do_not_fit_are_refused(tiny_diffusers: Tiny) -> None:
    folder = tiny_diffusers("sd")
    refused(folder, "no scheduler 'magic'; choose one of ddim", InputError, scheduler="magic")
    refused(folder, "no file of low-rank weights", InputError, lora=("nowhere.safetensors",))
    refused(tiny_diffusers("sd3"), "'lcm' does not fit this model, which learned a flow", InputError, scheduler="lcm")
