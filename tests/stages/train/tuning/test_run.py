"""A style that a small model never saw, learned from twelve pictures, whole and with adapters."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import underpaint
from underpaint.core.artifact import MANIFEST, read_manifest, verify
from underpaint.core.errors import ArtifactError, DataError, InputError, TrainingError
from underpaint.core.progress import Progress
from underpaint.learning.loop import step_generator
from underpaint.pipelines.adapted_model import AdaptedModel
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.opening import load_networks
from underpaint.pipelines.opening import open_model as open_any
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.stages.train.parts import at_work, has_state, parts_of
from underpaint.stages.train.tuning.parts import load_parts
from underpaint.stages.train.tuning.run import run
from underpaint.stages.train.tuning.trainee import StyleTrainee

NEW = "inverted"


@pytest.fixture(scope="module")
def workspace(parent, own_pictures, style_settings, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "style"
    run(style_settings(), own_pictures, out, start=parent.folder)
    return out


@pytest.fixture(scope="module")
def low_rank(parent, own_pictures, style_settings, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("low") / "style"
    run(style_settings(rank=2), own_pictures, out, start=parent.folder)
    return out


def weights(folder: Path, name: str = "transformer") -> dict[str, torch.Tensor]:
    return load_file(folder / name / "model.safetensors")


def first_of_each(reports: list[Progress]) -> list[Progress]:
    """Return the first report of each task."""
    return list({one.task: one for one in reversed(reports)}.values())[::-1]


def test_the_new_style_can_be_asked_for_and_the_old_ones_still_can(workspace):
    model = open_model(workspace)
    assert model.styles == ("cartoon", "flat", "gradient", "line-art", NEW)
    pictures = [underpaint.load(workspace).generate("red disc", seed=1, style=s) for s in (NEW, "flat", None)]
    assert all(picture[0].size == (32, 32) for picture in pictures)


def test_the_parts_are_those_of_the_plan(workspace, low_rank, style_settings):
    for folder, settings in ((workspace, style_settings()), (low_rank, style_settings(rank=2))):
        assert {path.parent.name for path in folder.glob(f"*/{MANIFEST}")} == {*parts_of(settings)}


def test_every_artifact_names_those_it_was_made_from(workspace, parent, own_pictures):
    digest = {name: verify(workspace / name).digest for name in ("own", "kept", "decoder", "tuned")}
    data = read_manifest(own_pictures).digest
    assert read_manifest(workspace / "own").parents == {"dataset": data, "model": parent.digest}
    assert read_manifest(workspace / "kept").parents == {"model": parent.digest}
    drawn = {"dataset": data, "model": parent.digest, "kept": digest["kept"]}
    assert read_manifest(workspace / "decoder").parents == drawn
    tuned = {"model": parent.digest, **{name: digest[name] for name in ("own", "kept", "decoder")}}
    assert read_manifest(workspace / "tuned").parents == tuned
    assert verify(workspace / "pipeline").parents == {**tuned, "tuned": digest["tuned"], "dataset": data}


def test_training_learns_what_is_shown_and_the_best_weights_are_kept(workspace):
    figures = read_manifest(workspace / "tuned").figures
    curve = figures["curve"]
    assert [point["step"] for point in curve] == [0, 4, 8, 12]
    assert curve[-1]["learned"] < curve[0]["learned"]
    assert figures["verdict"] and figures["pictures"] == {"learned": 10, "held_out": 2}
    assert (workspace / "tuned" / "preview.png").is_file()


def test_only_the_decoder_of_the_tokenizer_changes_and_the_text_table_stays(workspace, parent):
    before, now = ({**weights(folder, "autoencoder")} for folder in (parent.folder, workspace / "pipeline"))
    changed = {name.partition(".")[0] for name, value in now.items() if not torch.equal(value, before[name])}
    assert changed == {"decoder"}
    codes = weights(parent.folder, "quantizer")
    assert all(torch.equal(a, codes[name]) for name, a in weights(workspace / "pipeline", "quantizer").items())
    text = weights(workspace / "pipeline", "text_encoder"), weights(parent.folder, "text_encoder")
    assert torch.equal(text[0]["table"], text[1]["table"])
    assert not torch.equal(text[0]["position_embedding"], text[1]["position_embedding"])


def test_without_settings_for_it_the_decoder_stays(parent, own_pictures, style_settings, tmp_path):
    reports: list[Progress] = []
    run(style_settings(4, draws=False), own_pictures, tmp_path / "out", reports.append, start=parent.folder)
    assert [(one.task, one.done) for one in first_of_each(reports)] == [
        ("encode pictures", 0),
        ("draw what to keep", 0),
        ("measure what the model knows of the style before it learns", 0),
        ("learn the style", 0),
    ]
    before, now = (weights(folder, "autoencoder") for folder in (parent.folder, tmp_path / "out" / "pipeline"))
    assert all(torch.equal(value, before[name]) for name, value in now.items())
    assert not (tmp_path / "out" / "decoder").exists()


def test_adapters_leave_text_encoder_refiner_and_old_styles_as_they_were(low_rank, parent):
    for part in ("text_encoder", "residual"):
        assert all(
            torch.equal(a, weights(parent.folder, part)[k]) for k, a in weights(low_rank / "pipeline", part).items()
        )
    rows = weights(low_rank / "pipeline")["style_embedding.weight"]
    old = weights(parent.folder)["style_embedding.weight"]
    assert torch.equal(rows[[0, 1, 2, 3, 5]], old)
    assert not any(torch.equal(rows[4], row) for row in old)
    changed = weights(low_rank / "pipeline")["head.weight"].float() - weights(parent.folder)["head.weight"].float()
    assert changed.abs().max() > 0


def test_a_style_hands_on_the_credits_of_its_pictures_with_and_without_its_model(low_rank):
    for name in ("pipeline", "adapter"):
        assert read_manifest(low_rank / name).figures["credits"] == ["Ann Lee, CC BY 4.0"]


def test_the_adapter_opened_with_its_model_draws_what_the_saved_model_draws(low_rank, parent):
    folder = low_rank / "adapter"
    opened = open_any(f"{folder}?base={parent.folder}")
    added, saved = load_networks(opened, CPU), load_pipeline(open_model(low_rank), CPU)
    assert isinstance(opened, AdaptedModel) and opened.styles == added.styles == saved.styles
    for part, network in added.modules.items():
        theirs = saved.modules[part].state_dict()
        for name, value in network.state_dict().items():
            torch.testing.assert_close(value, theirs[name], atol=1e-3, rtol=1e-3)
    request = DrawRequest(caption="red disc", style=NEW, seed=3)
    assert np.mean(added.draw([request])[0] != saved.draw([request])[0]) < 0.05
    [picture] = underpaint.load(opened.address).generate("red disc", style=NEW, seed=3)
    assert np.array_equal(np.asarray(picture), added.draw([request])[0])
    again = open_any(opened.address)
    assert again.digest == opened.digest == read_manifest(folder).digest
    whole = sum(path.stat().st_size for path in (low_rank / "pipeline").rglob("*.safetensors"))
    assert (folder / "adapter.safetensors").stat().st_size < whole / 2


def test_an_adapter_is_refused_by_another_model_and_without_its_own(low_rank, workspace):
    folder = low_rank / "adapter"
    with pytest.raises(InputError, match=r"was learned on parent .* name the model that it was learned on"):
        open_any(f"{folder}?base={workspace}")
    with pytest.raises(InputError, match=r"none of the models that come with this version .* name its folder"):
        open_any(folder)
    with pytest.raises(InputError, match="takes the option base=MODEL alone"):
        open_any(f"{folder}?size=32x32")


def test_a_changed_adapter_is_refused(low_rank, parent, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(low_rank / "adapter", folder)
    data = bytearray((folder / "adapter.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "adapter.safetensors").write_bytes(data)
    with pytest.raises(ArtifactError, match=r"adapter\.safetensors"):
        open_any(f"{folder}?base={parent.folder}")


def test_a_style_can_be_taught_to_a_model_that_was_taught_one(workspace, rewrite, style_settings, tmp_path):
    run(style_settings(4), rewrite(tmp_path / "set", style="second"), tmp_path / "out", start=workspace)
    assert open_model(tmp_path / "out").styles[-2:] == (NEW, "second")


@pytest.mark.parametrize("steps", [0, 2, None])
def test_a_refiner_that_adds_the_mean_is_asked_for_the_mean_alone(workspace, parent, style_settings, steps):
    pipeline: Any = load_pipeline(parent, CPU)
    pipeline.config = pipeline.config.model_copy(update={"residual_steps": steps})
    own, kept = (load_parts(workspace / name) for name in ("own", "kept"))
    trainee = StyleTrainee(style_settings(), pipeline, own, kept, workspace)
    times: list[torch.Tensor] = []
    trainee.module.residual.register_forward_pre_hook(lambda _, given: times.append(given[1]))
    trainee.loss(0, step_generator(0, 0))
    assert len(times) == 1 and (not times[0].any()) == (steps == 0)


@pytest.mark.parametrize("rank", [None, 2])
def test_a_style_can_be_taught_to_a_model_without_a_refiner(rank, parent, own_pictures, style_settings, tmp_path):
    tokens: Any = load_pipeline(parent, CPU)
    tokens.residual = None
    made = style_settings(4, draws=False, rank=rank)
    save_pipeline(tokens, tmp_path / "tokens", stage="train", config=made, parents={})
    run(made, own_pictures, tmp_path / "out", start=tmp_path / "tokens")
    assert not any((tmp_path / "out" / name / "residual").exists() for name in ("tuned", "pipeline"))
    [picture] = underpaint.load(tmp_path / "out").generate("red disc", seed=1, style=NEW)
    assert picture.size == (32, 32)


def test_a_finished_workspace_is_left_alone_and_another_recipe_is_refused(
    workspace, parent, own_pictures, shapes, style_settings
):
    reports: list[Progress] = []
    manifest = run(style_settings(), own_pictures, workspace, reports.append, start=parent.folder)
    assert reports == [] and manifest == read_manifest(workspace / "pipeline")
    with pytest.raises(TrainingError, match="other settings or other data"):
        run(style_settings(13), own_pictures, workspace, start=parent.folder)
    with pytest.raises(TrainingError, match="other settings or other data"):
        run(style_settings(), own_pictures, workspace, start=parent.folder, keep=shapes)


def test_training_ends_once_held_out_pictures_get_no_better(parent, own_pictures, style_settings, tmp_path):
    settings = style_settings(60, lr=0.3, validate_every=2, patience=2, warmup=0)
    run(settings, own_pictures, tmp_path / "out", start=parent.folder)
    curve = read_manifest(tmp_path / "out" / "tuned").figures["curve"]
    best = min(range(len(curve)), key=lambda i: curve[i]["held_out"])
    assert len(curve) == best + 3 and curve[-1]["step"] < 60


KILLED = """
import os, signal, sys
from pathlib import Path
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.run import run

settings, data, out, start, threads = sys.argv[1:]

def report(progress):
    if progress.task == "learn the style" and progress.done == 7:
        os.kill(os.getpid(), signal.SIGKILL)

run(StyleRecipe.model_validate_json(settings), Path(data), Path(out), report, start=start, num_threads=int(threads))
"""


@pytest.mark.slow
@pytest.mark.parametrize("rank", [None, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_killed_training_goes_on_bit_for_bit(
    rank, workspace, low_rank, parent, own_pictures, style_settings, tmp_path
):
    settings, whole = style_settings(rank=rank), low_rank if rank else workspace
    arguments = [settings.model_dump_json(), own_pictures, tmp_path / "out", parent.folder, torch.get_num_threads()]
    killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "out" / "tuned").exists()
    run(settings, own_pictures, tmp_path / "out", start=parent.folder)
    assert read_manifest(tmp_path / "out" / "tuned").digest == read_manifest(whole / "tuned").digest
    states = [load_file(folder / "state" / "style" / "state.safetensors") for folder in (tmp_path / "out", whole)]
    assert all(torch.equal(value, states[1][name]) or torch.isnan(value).any() for name, value in states[0].items())


@pytest.mark.parametrize("part", ["decoder", "tuned"])
def test_a_training_that_is_interrupted_leaves_what_it_goes_on_from(
    part, parent, own_pictures, style_settings, tmp_path
):
    settings = style_settings(save_every=1, draws=part == "decoder")

    def report(progress: Progress) -> None:
        if progress.unit == "steps" and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings, own_pictures, tmp_path / "out", report, start=parent.folder)
    assert at_work(tmp_path / "out", parts_of(settings)) == part and has_state(tmp_path / "out", part)


def test_what_cannot_be_learned_is_refused_before_anything_is_written(parent, rewrite, style_settings, tmp_path):
    with pytest.raises(DataError, match="a style needs 8 at least"):
        run(style_settings(), rewrite(tmp_path / "few", count=5), tmp_path / "out", start=parent.folder)
    with pytest.raises(InputError, match="there is no model folder"):
        run(style_settings(), tmp_path / "few", tmp_path / "out", start="stickers-65")
    assert not (tmp_path / "out").exists()


def test_a_data_set_can_be_kept_in_place_of_the_models_own_drawings(
    parent, own_pictures, shapes, style_settings, tmp_path
):
    run(style_settings(4), own_pictures, tmp_path / "out", start=parent.folder, keep=shapes)
    kept = read_manifest(tmp_path / "out" / "kept").parents
    assert kept == {"model": parent.digest, "dataset": read_manifest(shapes).digest}
    shutil.rmtree(tmp_path / "out")
