from __future__ import annotations

import argparse
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import underpaint
from underpaint.cli import generate
from underpaint.core.errors import InputError, MissingDependency
from underpaint.core.installing import pip_command
from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.warning import PerformanceWarning
from underpaint.pipelines import engine_choice
from underpaint.pipelines.engine_choice import bfloat16_elsewhere, choose, engine_again
from underpaint.pipelines.exported_folder import ExportedModel, open_exported, shipped_exports
from underpaint.pipelines.generator import load_opened
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.optimized_folder import OptimizedModel, OptimizedSettings
from underpaint.pipelines.settings import Settings
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.transforms.checking import step_of

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture(scope="module")
def shipped() -> Model:
    return open_model()


@pytest.fixture(scope="module")
def exported() -> ExportedModel:
    folder = shipped_exports()["stickers-64-onnx"]
    return open_exported(folder)


@pytest.fixture(scope="module")
def drawn() -> Settings:
    return underpaint.load(engine="onnx").generate("a red apple", seed=1)[0].info["underpaint"]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Engines that are not installed."""
    names: set[str] = set()
    monkeypatch.setattr(engine_choice, "is_installed", lambda engine: engine not in names)
    return names


def test_the_engines_of_the_command_line_are_those_that_can_be_asked_for():
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    assert engine_choice.ENGINES == ("auto", "torch", "onnx", "openvino")
    assert parser.parse_args(["a cat", "--engine", "openvino"]).engine in engine_choice.ENGINES
    (offered,) = (action.choices for action in parser._actions if action.dest == "engine")
    assert tuple(offered or ()) == engine_choice.ENGINES
    assert set(engine_choice.MODULES) == set(engine_choice.EXTRAS) == set(engine_choice.ENGINES) - {"auto"}


@pytest.mark.parametrize("engine", engine_choice.EXTRAS)
def test_the_extra_of_an_engine_brings_its_package(engine):
    project = tomllib.loads(PROJECT.read_text())["project"]
    extra = engine_choice.EXTRAS[engine]
    brought = project["optional-dependencies"][extra] if extra else project["dependencies"]
    assert any(re.match(rf"{engine_choice.MODULES[engine]}\b", one) for one in brought)


def test_where_bfloat16_is_not_multiplied_it_is_said_how_a_model_made_for_it_is_computed(
    shipped, exported, monkeypatch
):
    flags = ["avx2"]
    monkeypatch.setattr(engine_choice, "read_processor", lambda: Processor(family="x86", flags=tuple(flags)))
    halved = replace(exported, edge=exported.edge.model_copy(update={"precision": "bf16"}))
    settings = OptimizedSettings(base="sd", recipe="")
    recipes = (
        step_of("quant.bf16", "denoiser"),
        step_of("engine.openvino", "denoiser", precision="int8_bf16"),
        step_of("engine.openvino", "denoiser", precision="int8"),
    )
    made = [
        OptimizedModel(**vars(shipped), recipe=OptimizationRecipe(steps=(one,)), settings=settings) for one in recipes
    ]
    said = [bfloat16_elsewhere(one) or "" for one in (exported, halved, *made)]
    assert (said[0], said[4]) == ("", "") and ": it is made for bfloat16, and this processor is not known" in said[1]
    assert [one.partition(": ")[0] for one in said[1:4]] == [
        "stickers-64 is drawn in 32 bits here",
        "stickers-64 takes two to three times as long here as in 32 bits",
        "stickers-64 is drawn in 32 bits here",
    ]
    flags.append("amx_bf16")
    assert not any(bfloat16_elsewhere(one) for one in (halved, *made))


def test_who_loads_a_model_made_for_bfloat16_is_warned_where_it_is_loaded(exported, monkeypatch):
    flags = ["avx2"]
    monkeypatch.setattr(engine_choice, "read_processor", lambda: Processor(family="x86", flags=tuple(flags)))
    halved = replace(exported, edge=exported.edge.model_copy(update={"precision": "bf16"}))
    monkeypatch.setattr("underpaint.pipelines.generator.open_model", lambda _model: halved)
    with pytest.warns(PerformanceWarning) as warned:
        underpaint.load()
    assert [str(one.message) for one in warned] == [bfloat16_elsewhere(halved)]
    assert warned[0].filename == __file__
    engine_choice.warn_of_bfloat16(halved, "cuda", stacklevel=1)
    flags.append("avx512_bf16")
    underpaint.load()


def test_the_graph_of_the_shipped_model_is_taken(shipped, exported):
    for model in (shipped, exported):
        choice = choose(model)
        assert choice.name == "onnx" and isinstance(choice.model, ExportedModel)


def test_torch_is_taken_if_asked_for_or_if_the_graph_cannot(shipped, drawn, absent):
    assert choose(shipped, "torch").name == "torch"
    assert "the device cuda" in choose(shipped, device="cuda").why
    assert "unrolled for 2 steps, not for 8" in choose(shipped, settings=[drawn.model_copy(update={"steps": 8})]).why
    absent.add("onnx")
    assert "onnxruntime is not installed" in choose(shipped).why


def test_a_model_without_a_graph_is_drawn_by_torch(tiny_model: Path):
    choice = choose(open_model(tiny_model))
    assert choice.name == "torch" and "has no exported graph" in choice.why


def test_an_engine_that_was_asked_for_and_cannot_draw_is_an_error(shipped, exported, tiny_model: Path, absent):
    with pytest.raises(InputError, match=r"--engine openvino cannot be used.*underpaint export"):
        choose(shipped, "openvino")
    with pytest.raises(InputError, match=r"--engine onnx cannot be used.*no exported graph for onnx"):
        choose(open_model(tiny_model), "onnx")
    folder = re.escape(str(tiny_model))
    with pytest.raises(
        InputError, match=f"{folder} has no exported graph for onnx; .*'underpaint export {folder} --engi"
    ):
        choose(open_model(tiny_model), "onnx")
    with pytest.raises(InputError, match=r"torch does not run.*stickers-64"):
        choose(exported, "torch")
    absent.update(("onnx", "torch"))
    with pytest.raises(
        MissingDependency, match=r"torch is needed.*onnxruntime is not installed.*" + re.escape(pip_command("train"))
    ):
        choose(shipped)


def test_of_a_graph_for_another_engine_the_model_that_it_was_made_from_is_named(exported):
    told = r"is a graph for onnx; leave --engine out, or make one of the model that it was made from, "
    with pytest.raises(
        InputError, match=told + "stickers-64, with 'underpaint export stickers-64 --engine openvino --"
    ):
        choose(exported, "openvino")
    elsewhere = replace(exported, edge=exported.edge.model_copy(update={"model": "mine"}))
    with pytest.raises(InputError, match=told + "mine, with 'underpaint export MODEL --engine.* MODEL is its folder"):
        choose(elsewhere, "openvino")
    changed = replace(exported, edge=exported.edge.model_copy(update={"model_sha256": "0" * 64}))
    with pytest.raises(InputError, match=told + "stickers-64, with 'underpaint export MODEL --engine openvino"):
        choose(changed, "openvino")


@pytest.mark.parametrize(
    ("edge", "settings", "said"),
    [
        ({"steps": 4, "guidance": None}, {"steps": None, "guidance": 2.0}, "knows no guidance"),
        ({"steps": 4, "guidance": None}, {"steps": 4, "guidance": 2.0}, "knows no guidance"),
        ({"steps": None}, {"steps": 8}, "takes no steps, and 8 were asked for"),
    ],
)
def test_what_a_graph_cannot_draw_is_named(exported, drawn, edge, settings, said):
    other = replace(exported, edge=exported.edge.model_copy(update=edge))
    with pytest.raises(InputError, match=f"--engine onnx cannot be used: the graph of stickers-64 {said}"):
        choose(other, "onnx", settings=[drawn.model_copy(update=settings)])


def test_the_engine_that_was_asked_for_is_not_passed_over_for_an_exported_folder(exported):
    assert load_opened(exported).pipeline.engine == "onnx"
    with pytest.raises(InputError, match=r"torch does not run.*stickers-64"):
        load_opened(exported, engine="torch")
    with pytest.raises(InputError, match=r"--engine openvino cannot be used"):
        load_opened(exported, engine="openvino")


def test_a_picture_is_drawn_again_by_the_engine_that_drew_it(shipped, exported, drawn, absent):
    assert drawn.engine == "onnx" and engine_again(shipped, drawn) == "onnx"
    of_old = drawn.model_copy(update={"engine": None})
    assert engine_again(shipped, of_old) == "torch" and engine_again(exported, of_old) == "auto"
    assert engine_again(shipped, drawn.model_copy(update={"engine": "openvino"})) == "auto"
    absent.add("onnx")
    assert engine_again(shipped, drawn) == "auto"
