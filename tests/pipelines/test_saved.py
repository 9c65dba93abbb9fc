from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import MANIFEST, Manifest, list_files, seal
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError, StorageError
from underpaint.pipelines import model_folder
from underpaint.pipelines.model_folder import COMPONENTS, PIPELINES, open_model
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.weights import read_weights, write_weights

CPU = torch.device("cpu")


class Resealed(Config):
    by: str = "the tests"


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def edit(path: Path, change: Callable[[dict], object]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def reseal(folder: Path) -> Manifest:
    """Make the manifest agree again, as somebody would who changes a model on purpose."""
    (folder / MANIFEST).unlink()
    return seal(folder, kind="pipeline", stage="test", config=Resealed(), parents={})


HYBRID = (*PIPELINES["HybridPipeline"].required, *PIPELINES["HybridPipeline"].optional)
NETWORKS = tuple(name for name in HYBRID if name != "text_tokenizer")


def load(folder: Path):
    return load_pipeline(open_model(folder), CPU)


def test_a_pipeline_survives_the_round_trip_whole(tiny_model, tmp_path):
    first = load(tiny_model)
    save_pipeline(first, tmp_path / "again", stage="test", config=Resealed(), parents={})
    second = load(tmp_path / "again")
    assert first.config == second.config
    assert set(first.modules) == set(second.modules) == set(NETWORKS)
    for name, module in first.modules.items():
        state = second.modules[name].state_dict()
        assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())
        assert not second.modules[name].training


def test_the_folder_has_the_layout_of_diffusers(tiny_model):
    index = json.loads((tiny_model / "model_index.json").read_text())
    assert index["_class_name"] == "HybridPipeline"
    assert {name: index[name] for name in HYBRID} == {name: ["underpaint", COMPONENTS[name]] for name in HYBRID}
    files = {path.relative_to(tiny_model).as_posix() for path in tiny_model.rglob("*") if path.is_file()}
    expected = {f"{name}/{file}" for name in NETWORKS for file in ("config.json", "model.safetensors")}
    assert files == expected | {"model_index.json", "manifest.json", "text_tokenizer/tokenizer.json"}


def test_the_same_pipeline_has_the_same_digest(make_tiny_model, tiny_model, tmp_path):
    assert open_model(make_tiny_model(tmp_path / "twin")).digest == open_model(tiny_model).digest
    assert open_model(make_tiny_model(tmp_path / "other", seed=1)).digest != open_model(tiny_model).digest


def test_a_pipeline_without_refiner_stays_without(make_tiny_model, tmp_path):
    folder = make_tiny_model(tmp_path / "plain", refined=False)
    assert json.loads((folder / "model_index.json").read_text())["residual"] == [None, None]
    assert set(load(folder).modules) == set(NETWORKS) - {"residual"}


def test_half_precision_halves_the_trained_weights_and_loads_as_float32(tiny_model, tmp_path):
    pipeline = load(tiny_model)
    save_pipeline(pipeline, tmp_path / "half", stage="test", config=Resealed(), parents={}, dtype=torch.float16)
    path = "transformer/model.safetensors"
    assert (tmp_path / "half" / path).stat().st_size < 0.6 * (tiny_model / path).stat().st_size
    half = load(tmp_path / "half")
    assert {p.dtype for p in half.network.parameters()} == {torch.float32}
    for name, value in pipeline.network.state_dict().items():
        torch.testing.assert_close(half.network.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_nothing_is_overwritten(tiny_model):
    with pytest.raises(StorageError, match="exists already"):
        save_pipeline(load(tiny_model), tiny_model, stage="test", config=Resealed(), parents={})


@pytest.mark.parametrize("name", [*NETWORKS])
def test_cut_off_weights_are_one_clear_error(copy, name):
    path = copy / name / "model.safetensors"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(ArtifactError, match=f"{name}/model.safetensors.*cut off or changed"):
        load(copy)


def test_one_changed_byte_of_the_weights_is_noticed(copy):
    path = copy / "transformer" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="is due: cut off or changed"):
        load(copy)


@pytest.mark.parametrize("name", ["model_index.json", "transformer/config.json", "text_tokenizer/tokenizer.json"])
def test_a_changed_small_file_is_noticed(copy, name):
    with (copy / name).open("a") as file:
        file.write(" ")
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        load(copy)


@pytest.mark.parametrize(
    "name", ["model_index.json", "manifest.json", "transformer/config.json", "transformer/model.safetensors"]
)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ArtifactError, match=name.rpartition("/")[2]):
        load(copy)


@pytest.mark.parametrize("name", ["transformer/config.json", "transformer/model.safetensors"])
def test_a_file_that_the_manifest_does_not_list_is_not_read(copy, name):
    hidden = (copy / name).read_bytes()
    (copy / name).unlink()
    reseal(copy)
    (copy / name).write_bytes(hidden)
    with pytest.raises(ArtifactError, match="list"):
        load(copy)


def index_without(component: str) -> Callable[[dict], object]:
    return lambda values: values.update({component: [None, None]})


CHANGES: dict[str, tuple[str, Callable[[dict], object], str]] = {
    "missing component": ("model_index.json", index_without("autoencoder"), "lacks the component 'autoencoder'"),
    "unknown class": (
        "model_index.json",
        lambda v: v.update(transformer=["underpaint", "OtherTransformer"]),
        "only ScaleTransformer of underpaint",
    ),
    "class of another library": ("model_index.json", lambda v: v.update(transformer=["os", "system"]), "'os'"),
    "unknown pipeline": ("model_index.json", lambda v: v.update(_class_name="FluxPipeline"), "HybridPipeline"),
    "unknown key": ("model_index.json", lambda v: v.update(safety_checker=1), "safety_checker"),
    "unknown sampling key": ("model_index.json", lambda v: v["sampling"].update(magic=1), "magic"),
    "no size": ("model_index.json", lambda v: v.pop("image_size"), "image_size"),
    "other size": ("model_index.json", lambda v: v.update(image_size=64), "disagree about the picture size"),
    "guidance of other scales": (
        "model_index.json",
        lambda v: v["sampling"].update(guidance_shape=[1.0]),
        "disagree about the guidance",
    ),
    "styles": ("model_index.json", lambda v: v["sampling"].update(styles=["a"]), "disagree about the number of styles"),
    "unknown setting": ("transformer/config.json", lambda v: v.update(magic=1), "magic"),
    "other class": ("transformer/config.json", lambda v: v.update(_class_name="Other"), "ScaleTransformer"),
    "other width": ("transformer/config.json", lambda v: v.update(width=64), "its config asks for"),
    "more blocks": ("transformer/config.json", lambda v: v.update(depth=3), "weights are missing: blocks.2"),
    "fewer blocks": ("transformer/config.json", lambda v: v.update(depth=1), "unexpected weights: blocks.1"),
    "impossible width": ("transformer/config.json", lambda v: v.update(width=-1), "transformer"),
    "broken tokenizer": ("text_tokenizer/tokenizer.json", lambda v: v.pop("model"), "tokenizer.json is damaged"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_model_that_does_not_fit_together_is_one_clear_error(copy, case):
    name, change, message = CHANGES[case]
    edit(copy / name, change)
    reseal(copy)
    with pytest.raises(ArtifactError, match=message):
        load(copy)


def test_weights_of_another_type_are_refused(copy):
    path = copy / "transformer" / "model.safetensors"
    write_weights(path, {name: value.to(torch.int32) for name, value in read_weights(path).items()})
    reseal(copy)
    with pytest.raises(ArtifactError, match="dtype"):
        load(copy)


def test_a_pickle_is_refused_even_if_the_manifest_lists_it(copy):
    (copy / "transformer" / "model.safetensors").write_bytes(b"\x80\x04\x95" + b"\0" * 99)
    reseal(copy)
    with pytest.raises(ArtifactError, match="pickle"):
        load(copy)


def test_loading_draws_no_random_number(tiny_model):
    state = torch.get_rng_state()
    load(tiny_model)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_folder_that_is_no_model_says_so(tmp_path):
    with pytest.raises(
        ArtifactError, match=r"is no model of underpaint: .*'underpaint train' or 'underpaint export' wrote"
    ):
        open_model(tmp_path)
    with pytest.raises(InputError, match="there is no model folder"):
        open_model(tmp_path / "none")


@pytest.mark.parametrize("begun", ["state", "text-table", "tokenizer"])
def test_an_unfinished_training_is_to_be_gone_on_with(tmp_path, begun):
    (tmp_path / begun).mkdir()
    with pytest.raises(ArtifactError, match=r"training there is not finished; run the same .* command again"):
        open_model(tmp_path)


def test_a_workspace_with_a_rival_alone_names_its_folder(tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "gan-pipeline")
    (tmp_path / "state").mkdir()
    with pytest.raises(ArtifactError, match=r"choose one: .*gan-pipeline$"):
        open_model(tmp_path)


def test_an_artifact_of_another_kind_says_so(tmp_path):
    seal(tmp_path, kind="dataset", stage="data", config=Resealed(), parents={})
    with pytest.raises(ArtifactError, match="is a 'dataset' artifact"):
        open_model(tmp_path)


def test_shipped_models_are_found_by_name(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path)
    with pytest.raises(ArtifactError, match="missing from this installation"):
        open_model()
    shutil.copytree(tiny_model, tmp_path / "stickers-64")
    assert open_model().name == open_model("stickers-64").name == "stickers-64"
    assert open_model().digest == open_model(tiny_model).digest
    with pytest.raises(InputError, match="did you mean 'stickers-64'"):
        open_model("sticker-64")


def test_what_lies_beside_the_shipped_models_and_is_no_pipeline_is_not_one(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path)
    shutil.copytree(tiny_model, tmp_path / "stickers-64")
    (tmp_path / "evaluator-64").mkdir()
    seal(tmp_path / "evaluator-64", kind="evaluator", stage="train", config=Resealed(), parents={})
    assert list(model_folder.shipped_models()) == ["stickers-64"]
    with pytest.raises(InputError, match="there is no model folder 'evaluator-64'"):
        open_model("evaluator-64")


def test_a_workspace_of_a_training_is_opened_by_its_own_name(tiny_model, tmp_path):
    workspace = tmp_path / "my-run"
    shutil.copytree(tiny_model, workspace / "pipeline")
    assert open_model(workspace).folder == workspace / "pipeline"
    assert open_model(workspace).name == open_model(workspace / "pipeline").name == "my-run"


def test_the_digest_covers_every_file(tiny_model):
    assert set(open_model(tiny_model).manifest.files) == set(list_files(tiny_model))


@pytest.mark.parametrize("few_step", [False, True])
def test_a_flow_pipeline_survives_the_round_trip_and_draws_the_same(make_tiny_flow, tmp_path, few_step):
    first = make_tiny_flow(few_step=few_step)
    save_pipeline(first, tmp_path / "flow", stage="test", config=Resealed(), parents={})
    model = open_model(tmp_path / "flow")
    assert (model.index.pipeline, model.steps, model.styles) == ("FlowPipeline", "steps", ("flat", "noto"))
    second = load(tmp_path / "flow")
    assert first.config == second.config and set(first.modules) == set(second.modules)
    request = DrawRequest(caption="a red apple", style="flat", seed=3)
    assert (first.draw([request])[0] == second.draw([request])[0]).all()


def test_a_pipeline_has_no_component_of_another_kind(make_tiny_flow, tiny_model, tmp_path):
    save_pipeline(make_tiny_flow(), tmp_path / "flow", stage="test", config=Resealed(), parents={})
    index = json.loads((tmp_path / "flow" / "model_index.json").read_text())
    index["quantizer"] = ["underpaint", "MultiScaleQuantizer"]
    (tmp_path / "flow" / "model_index.json").write_text(json.dumps(index))
    reseal(tmp_path / "flow")
    with pytest.raises(ArtifactError, match="a FlowPipeline has no component 'quantizer'"):
        open_model(tmp_path / "flow")
