"""Networks and drawings as graphs: the same pictures, what stands outside keeps working, and what is refused."""

from __future__ import annotations

import copy
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import underpaint
from underpaint.adapters import openvino
from underpaint.adapters.diffusers.stand_in import StandIn
from underpaint.core.errors import ArtifactError, InputError, OptimizationRefused
from underpaint.core.installing import pip_command
from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines.channel_layout import own_layout
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.pipelines.optimizing.engines import GraphEngine
from underpaint.pipelines.optimizing.graph_part import graph_parts
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import capabilities_of, with_settings
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.export.deviation import Deviation, Yardstick
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, refusals_of, step_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Context, Question

Ask = Callable[..., Any]
PARTS = ("unet", "vae", "text_encoder")
CAT = [DrawRequest(caption="a red cat", seed=3)]
WORDS = ("red", "green", "smiling")
PROMPTS = [
    f"a {one} {other}"
    for one in ("cat", "dog", "apple")
    for other in (*WORDS, *(f"{a} {b}" for a in WORDS for b in WORDS))
]
EVERYWHERE = [step_of("engine.onnx", slot) for slot in ("text_encoder", "denoiser", "decoder")]
OUTSIDE = (
    step_of("steps.solver", "sampler", solver="ddim"),
    step_of("steps.count", "sampler", steps=8),
    step_of("guidance.span", "sampler", high=0.5),
    step_of("cache.output", "sampler"),
)


def worst(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


@pytest.fixture(scope="module")
def folder(tiny_diffusers: Callable[[str], Path]) -> Path:
    return tiny_diffusers("sd")


@pytest.fixture(scope="module")
def graphs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    """A pipeline all of whose networks are graphs, with everything outside changed, and its saved form."""
    loaded = underpaint.load(folder)
    applied = apply(loaded.networks, arranged(*EVERYWHERE, *OUTSIDE))
    out = tmp_path_factory.mktemp("graphs") / "saved"
    save_optimized(applied, loaded.model, out)
    return loaded, applied, out


def test_graphs_draw_what_torch_draws_with_everything_outside_them_changed(graphs: tuple[Any, Any, Path]) -> None:
    loaded, applied, _ = graphs
    same = apply(loaded.networks, arranged(*OUTSIDE)).pipeline
    assert set(graph_parts(applied.pipeline)) == set(PARTS)
    assert worst(np.stack(applied.pipeline.draw(CAT)), np.stack(same.draw(CAT))) <= 2


def test_saved_and_opened_they_draw_the_same_to_the_bit(graphs: tuple[Any, Any, Path]) -> None:
    _, applied, out = graphs
    opened = underpaint.load(out)
    assert all(isinstance(opened.networks.modules[name], StandIn) for name in ("text_encoder", "vae"))
    assert np.array_equal(opened.networks.draw(CAT), applied.pipeline.draw(CAT))


def test_no_weights_of_torch_are_kept_where_a_graph_stands(graphs: tuple[Any, Any, Path]) -> None:
    names = {path.relative_to(graphs[2]).as_posix() for path in graphs[2].rglob("*") if path.is_file()}
    assert not any(name in names for name in (f"{part}/model.safetensors" for part in PARTS))
    assert {f"graphs/{part}/graph.json" for part in PARTS} <= names and "unet/config.json" in names


@pytest.mark.parametrize("engine", ["engine.onnx", "engine.openvino"])
def test_a_graph_of_a_network_that_merges_tokens_draws_what_torch_draws(folder: Path, engine: str) -> None:
    merge = step_of("tokens.merge", "denoiser", least_tokens=16)
    networks = underpaint.load(folder).networks
    merged, graph = (apply(networks, arranged(merge, *more)).pipeline for more in ((), (step_of(engine, "denoiser"),)))
    same, found = np.stack(merged.draw(CAT)), np.stack(graph.draw(CAT))
    assert worst(found, same) <= 2
    assert worst(same, np.stack(networks.draw(CAT))) > 2, "merging changes the picture"


def test_a_graph_has_the_threads_that_its_pipeline_has(graphs: tuple[Any, Any, Path]) -> None:
    pipeline = with_settings(graphs[1].pipeline)
    pipeline.threads = 2
    pipeline.draw(CAT)
    runs = graph_parts(pipeline)["unet"].graph_runs
    assert {threads for threads, _ in runs._loaded} == {1, 2}


def test_a_changed_graph_is_named(graphs: tuple[Any, Any, Path], tmp_path: Path) -> None:
    broken = shutil.copytree(graphs[2], tmp_path / "broken")
    path = broken / "graphs/unet/unet/model.onnx"
    path.write_bytes(path.read_bytes()[:-3] + b"abc")
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        underpaint.load(broken)


def test_a_shape_that_no_graph_has_is_refused_with_those_known(graphs: tuple[Any, Any, Path]) -> None:
    pipeline = copy.copy(graphs[1].pipeline)
    pipeline.facts = copy.copy(pipeline.facts)
    object.__setattr__(pipeline.facts, "width", 32)
    with pytest.raises(InputError, match=r"was made for .*\[graph.fixed\]"):
        pipeline.draw(CAT)


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    loaded = underpaint.load(tiny_model, engine="torch")
    steps = (step_of("engine.onnx", "pipeline"), step_of("guidance.span", "sampler", high=0.5))
    applied = apply(loaded.networks, arranged(*steps))
    out = tmp_path_factory.mktemp("whole") / "saved"
    save_optimized(applied, loaded.model, out)
    return loaded, applied, out


def test_a_whole_drawing_takes_its_sampling_in_and_so_comes_last(whole: tuple[Any, Any, Path]) -> None:
    loaded, applied, _ = whole
    assert [step.name for step in applied.recipe.steps] == ["guidance.span", "engine.onnx"]
    assert isinstance(applied.pipeline, ExportedPipeline)
    spanned = apply(loaded.networks, arranged(step_of("guidance.span", "sampler", high=0.5))).pipeline
    assert worst(np.stack(applied.pipeline.draw(CAT)), np.stack(spanned.draw(CAT))) <= 1
    assert np.array_equal(copy.copy(applied).undo().draw(CAT), loaded.networks.draw(CAT))


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_a_drawing_whose_guidance_reaches_no_scale_is_fed_without_it(whole: tuple[Any, Any, Path], engine: str) -> None:
    networks, span = whole[0].networks, step_of("guidance.span", "sampler", low=0.7)
    applied = apply(networks, arranged(step_of(f"engine.{engine}", "pipeline"), span)).pipeline
    assert isinstance(applied, ExportedPipeline) and "guidance" not in applied.graph.inputs
    spanned = apply(networks, arranged(span)).pipeline
    assert worst(np.stack(applied.draw(CAT)), np.stack(spanned.draw(CAT))) <= 1


def test_a_saved_drawing_is_opened_without_networks(whole: tuple[Any, Any, Path]) -> None:
    _, applied, out = whole
    opened, model = underpaint.load(out), open_model(out)
    assert isinstance(opened.pipeline, ExportedPipeline) and opened.pipeline.engine == "onnx"
    assert np.array_equal(opened.pipeline.draw(CAT), applied.pipeline.draw(CAT))
    assert isinstance(model, OptimizedModel) and model.parent == whole[0].model.digest and model.size == "32x32"
    assert model.drawing is not None and model.drawing.edge.graph in {path.name for path in (out / "graphs").iterdir()}
    image = opened.generate("a red cat", seed=3)[0]
    assert image.info["underpaint"].model_sha256 == model.digest and image.info["underpaint"].engine == "onnx"
    with pytest.raises(InputError, match=r"is a graph, which torch does not run.*made from, tiny"):
        underpaint.load(out, engine="torch")


def test_the_same_drawing_made_twice_has_one_digest(whole: tuple[Any, Any, Path], tmp_path: Path) -> None:
    loaded, applied, out = whole
    again = apply(loaded.networks, applied.recipe)
    assert save_optimized(again, loaded.model, tmp_path / "again").digest == open_model(out).digest


def test_nothing_is_changed_inside_a_drawing_that_is_a_graph(refusal: Ask, tiny: Ask, host: Ask) -> None:
    before = arranged(step_of("engine.onnx", "pipeline"))
    found = refusal("hybrid", "steps.count", "sampler", before, steps=1)
    assert found.code == "graph.sampler_inside" and "before the step of the engine" in found.remedy
    recipe = OptimizationRecipe(steps=(*before.steps, step_of("steps.count", "sampler", steps=1)))
    codes = [one.code for _, one in refusals_of(recipe, capabilities_of(tiny("hybrid")), host("avx2"))]
    assert codes == ["graph.sampler_inside"]


REFUSED: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    ("hybrid", "engine.onnx", "transformer", {}, "recipe.slot"),
    ("flow", "engine.onnx", "decoder", {}, "recipe.slot"),
    ("sd", "engine.onnx", "pipeline", {}, "recipe.slot"),
    ("sd", "engine.onnx", "denoiser", {"precision": "int8", "calibration": 15}, "calibration.too_few"),
    ("sd", "engine.openvino", "decoder", {"precision": "int8"}, "quant.no_gain"),
    ("sd", "engine.openvino", "denoiser", {"precision": "fp16"}, "recipe.unknown_param"),
    ("sd", "engine.openvino", "denoiser", {"precision": "bf16"}, "host.bf16"),
    ("hybrid", "engine.openvino", "pipeline", {"precision": "int8_bf16"}, "host.bf16"),
    ("sd", "engine.onnx", "denoiser", {"precision": "bf16"}, "quant.no_kernel"),
    ("sd", "quant.int8_static", "denoiser", {}, "quant.no_graph"),
    ("flow", "quant.int8_static", "pipeline", {}, "quant.no_graph"),
)


@pytest.mark.parametrize(("pipeline", "name", "slot", "params", "code"), REFUSED)
def test_what_cannot_be_is_refused(refusal: Ask, pipeline: str, name: str, slot: str, params: Any, code: str) -> None:
    assert refusal(pipeline, name, slot, **params).code == code


def test_a_missing_engine_is_refused_with_the_line_that_brings_it(
    refusal: Ask, tiny: Ask, host: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "openvino" else real(name, *rest)
    )
    found = refusal("sd", "engine.openvino", "denoiser")
    assert found.code == "engine.missing" and pip_command("openvino") in found.remedy
    assert refusal("sd", "engine.onnx", "denoiser") is None
    assert space(tiny("sd"), "engine.openvino", "denoiser", host("avx2")) == {}


def test_eight_bits_of_weights_are_refused_where_sums_overflow(refusal: Ask, host: Ask) -> None:
    wide = {"precision": "int8", "weight_bits": 8}
    assert refusal("sd", "engine.onnx", "denoiser", on=host("avx2"), **wide).code == "host.saturation"
    assert refusal("sd", "engine.onnx", "denoiser", on=host("avx2", "avx512_vnni"), **wide) is None


def test_steps_that_do_not_go_together_are_refused(refusal: Ask) -> None:
    def before(name: str, **params: Any) -> OptimizationRecipe:
        return OptimizationRecipe(steps=(step_of(name, "denoiser", **params),))

    exact, rounded = before("engine.onnx"), before("engine.openvino", precision="int8")
    halved = before("engine.openvino", precision="bf16")
    assert refusal("sd", "quant.int8_static", "denoiser", halved).code == "quant.twice"
    for name, remedy in (("quant.bf16", "precision='bf16'"), ("quant.mixed", "'int8'"), ("engine.compile", "compiles")):
        found = refusal("sd", "engine.onnx", "denoiser", before(name))
        assert found.code == "engine.torch_only" and remedy in found.remedy
    assert refusal("sd", "engine.openvino", "denoiser", exact).code == "engine.twice"
    assert refusal("sd", "engine.onnx", "denoiser", before("quant.int8_dynamic")).code == "engine.torch_only"
    assert refusal("sd", "quant.int8_static", "denoiser", rounded).code == "quant.twice"
    assert refusal("sd", "quant.int8_static", "denoiser", exact) is None
    assert refusal("sd", "tokens.merge", "denoiser", exact, least_tokens=16).code == "recipe.order"


def test_a_graph_is_not_looked_into(graphs: tuple[Any, Any, Path], refusal: Ask) -> None:
    pipeline = apply(graphs[0].networks, arranged(step_of("engine.onnx", "denoiser"))).pipeline
    for name, slot in (
        ("quant.weight_only", "denoiser"),
        ("layout.channels_last", "denoiser"),
        ("cache.blocks", "sampler"),
    ):
        assert refusal(pipeline, name, slot).code == "graph.opaque"
    assert refusal(pipeline, "cache.output", "sampler") is None


def space(pipeline: Any, name: str, slot: str, on: Any) -> Any:
    transform = TRANSFORMS[f"{name}@1"]
    nothing = OptimizationRecipe()
    question = Question(capabilities=capabilities_of(pipeline), slot=slot, params=None, before=nothing, host=on)
    return transform.space(question)


def test_a_search_may_vary_what_the_machine_can_do(tiny: Ask, host: Ask) -> None:
    both = {"precision": ["f32", "int8"]}
    assert space(tiny("sd"), "engine.onnx", "denoiser", host("avx2")) == {**both, "weight_bits": [7]}
    assert space(tiny("hybrid"), "engine.openvino", "pipeline", host("avx512_vnni")) == {**both, "weight_bits": [8]}
    laid_out = {**both, "weight_bits": [7], "native": [False, True]}
    assert space(tiny("hybrid"), "engine.onnx", "pipeline", host("avx2")) == laid_out
    assert space(tiny("sd"), "engine.onnx", "decoder", host("avx2")) == {"precision": ["f32"]}
    wide = host("avx512_vnni", "avx512_bf16")
    every = {"precision": ["f32", "bf16", "int8", "int8_bf16"], "weight_bits": [8]}
    assert space(tiny("sd"), "engine.openvino", "denoiser", wide) == every
    assert space(tiny("sd"), "engine.openvino", "decoder", wide) == {"precision": ["f32", "bf16"]}
    assert space(tiny("sd"), "engine.onnx", "denoiser", wide) == {**both, "weight_bits": [8]}
    assert space(tiny("sd"), "quant.int8_static", "denoiser", host("avx2")) == {}


def test_a_layout_is_for_a_whole_drawing_in_the_engine_that_has_none_of_its_own(
    refusal: Ask, host: Ask, tiny: Ask
) -> None:
    assert refusal("hybrid", "engine.onnx", "pipeline", on=host("avx2"), native=True) is None
    assert refusal("hybrid", "engine.openvino", "pipeline", on=host("avx2"), native=True).code == "engine.native"
    assert refusal("sd", "engine.onnx", "denoiser", on=host("avx2"), native=True).code == "engine.native"
    unknown = host("avx2", family="riscv")
    found = refusal("hybrid", "engine.onnx", "pipeline", on=unknown, native=True)
    assert found.code == "engine.native" and "this processor is not known" in found.reason
    assert "native" not in space(tiny("hybrid"), "engine.onnx", "pipeline", unknown)


def test_a_drawing_that_is_laid_out_for_this_processor_draws_the_same(tiny: Ask) -> None:
    plain, own = (
        apply(tiny("hybrid"), arranged(step_of("engine.onnx", "pipeline", native=native))).pipeline
        for native in (False, True)
    )
    assert np.abs(np.stack(own.draw(CAT)).astype(int) - np.stack(plain.draw(CAT))).max() <= 1
    assert isinstance(plain, ExportedPipeline) and isinstance(own, ExportedPipeline)
    assert plain.edge.layout is None and own.edge.layout in (None, own_layout())


def test_too_few_captions_are_refused_before_anything_is_drawn(tiny: Ask) -> None:
    step = step_of("engine.onnx", "denoiser", precision="int8", calibration=40)
    with pytest.raises(
        OptimizationRefused, match=r"40 different prompts here, and 36 are at hand.*give 4 more"
    ) as caught:
        apply(tiny("sd"), arranged(step), Context(prompts=PROMPTS))
    assert caught.value.code == "calibration.too_few"


def hints(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that fills with whether graphs that are loaded from now on are computed in bfloat16."""
    asked: list[bool] = []
    real = openvino.load_graph

    def load_graph(*args: Any, bfloat16: bool = False, **kwargs: Any) -> Any:
        asked.append(bfloat16)
        return real(*args, bfloat16=bfloat16, **kwargs)

    monkeypatch.setattr(openvino, "load_graph", load_graph)
    return asked


def processor(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    known = Processor(family="x86", flags=flags, flags_known=True)
    for module in ("exported", "engine_choice"):
        monkeypatch.setattr(f"underpaint.pipelines.{module}.read_processor", lambda: known)


BFLOAT16 = step_of("engine.openvino", "denoiser", precision="bf16")
WIDE = ("avx512_vnni", "avx512_bf16")


def test_a_network_in_bfloat16_says_how_far_a_call_is_off_and_is_computed_in_32_bits_elsewhere(
    tiny: Ask, host: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, sampled = hints(monkeypatch), arranged(*OUTSIDE[1:])
    exact = np.stack(apply(tiny("sd"), sampled).pipeline.draw(CAT)).astype(int)
    for flags, most in ((WIDE, 20.0), (("avx2",), 0.5)):
        processor(monkeypatch, *flags)
        made = apply(tiny("sd"), arranged(BFLOAT16, *OUTSIDE[1:]), host=host(*WIDE)).pipeline
        assert np.abs(np.stack(made.draw(CAT)) - exact).mean() < most
        figures = graph_parts(made)["unet"].graph_runs.graphs.figures
        assert figures is not None and figures.keys() == {"error"} and figures["error"] < 0.1
    assert {*asked[: len(asked) // 2]} == {True} and not any(asked[len(asked) // 2 :])


def test_a_whole_drawing_in_bfloat16_is_measured_and_opened_as_such(
    tiny_model: Path, host: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, *WIDE)
    loaded = underpaint.load(tiny_model, engine="torch")
    step = step_of("engine.openvino", "pipeline", precision="bf16")
    applied = apply(loaded.networks, arranged(step), host=host(*WIDE))
    assert isinstance(applied.pipeline, ExportedPipeline) and applied.pipeline.edge.precision == "bf16"
    save_optimized(applied, loaded.model, tmp_path / "saved")
    asked = hints(monkeypatch)
    assert np.array_equal(underpaint.load(tmp_path / "saved").pipeline.draw(CAT), applied.pipeline.draw(CAT))
    assert asked == [True]


def test_a_whole_drawing_that_loses_too_much_in_bfloat16_is_refused(
    tiny: Ask, host: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Deviation(changed=(0.3, 0.1), levels=1.0)
    monkeypatch.setattr(Yardstick, "measure", lambda *_: far)
    step = step_of("engine.openvino", "pipeline", precision="bf16")
    with pytest.raises(
        ArtifactError, match=r"20% of the tokens fall otherwise \(10% may\).*leave --bf16 out, or take --int8"
    ):
        apply(tiny("hybrid"), arranged(step), host=host(*WIDE))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_eight_bits_may_have_the_rest_in_bfloat16(tiny: Ask, host: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *WIDE)
    asked, context = hints(monkeypatch), Context(prompts=PROMPTS)
    step = step_of("engine.openvino", "denoiser", precision="int8_bf16")
    made = apply(tiny("sd"), arranged(step, *OUTSIDE[1:]), context, host=host(*WIDE)).pipeline
    figures = graph_parts(made)["unet"].graph_runs.graphs.figures
    assert asked and all(asked) and figures is not None
    assert figures["calibration"] == {"prompts": 16, "states": 64} and 0.0 < figures["error"] < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_eight_bits_draw_nearly_the_same_and_say_how_far_a_call_is_off(tiny: Ask, engine: str) -> None:
    pipeline = tiny("sd")
    sampled = arranged(*OUTSIDE[1:])
    one = arranged(step_of(f"engine.{engine}", "denoiser", precision="int8"), *OUTSIDE[1:])
    context = Context(prompts=PROMPTS)
    rounded = apply(pipeline, one, context).pipeline
    exact = np.stack(apply(pipeline, sampled).pipeline.draw(CAT)).astype(int)
    pictures = np.stack(rounded.draw(CAT))
    assert 0 < np.abs(pictures - exact).mean() < 20
    figures = graph_parts(rounded)["unet"].graph_runs.graphs.figures
    assert figures is not None and 0.0 < figures["error"] < 0.2
    assert figures["calibration"] == {"prompts": 16, "states": 64}


@pytest.mark.exhaustive
@pytest.mark.slow
def test_both_ways_to_ask_for_eight_bits_give_the_same_graph_and_are_taken_back_to_the_bit(tiny: Ask) -> None:
    before = tiny("sd").draw(CAT)
    context, short = Context(prompts=PROMPTS), step_of("steps.count", "sampler", steps=2)
    one = arranged(step_of("engine.onnx", "denoiser", precision="int8"), short)
    two = arranged(step_of("engine.onnx", "denoiser"), step_of("quant.int8_static", "denoiser"), short)
    applied = [apply(tiny("sd"), recipe, context) for recipe in (one, two)]
    drawn = [made.pipeline.draw(CAT) for made in applied]
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], before)
    assert all(made.undo() is tiny("sd") and np.array_equal(made.pipeline.draw(CAT), before) for made in applied)


@pytest.mark.slow
def test_a_whole_drawing_in_eight_bits_is_calibrated_and_nearly_the_same(tiny: Ask) -> None:
    step = step_of("engine.onnx", "pipeline", precision="int8")
    rounded = apply(tiny("hybrid"), arranged(step), Context(prompts=PROMPTS[:16])).pipeline
    assert isinstance(rounded, ExportedPipeline) and rounded.edge.precision == "int8"
    apart = np.abs(np.stack(rounded.draw(CAT)).astype(int) - np.stack(tiny("hybrid").draw(CAT)))
    assert 0 < apart.mean() < 40


def test_a_saved_drawing_opens_and_draws_in_a_process_without_torch(whole: tuple[Any, Any, Path]) -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "safetensors", "tokenizers", "transformers", "diffusers", "onnx", "scipy"]))
import underpaint
sys.stdout.buffer.write(underpaint.load({str(whole[2])!r}).generate("a red cat", seed=3)[0].tobytes())
"""
    program = [sys.executable, "-W", "error", "-c", code]
    finished = subprocess.run(program, capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr.decode()
    assert finished.stdout == underpaint.load(whole[2]).generate("a red cat", seed=3)[0].tobytes()


def test_defaults_are_written_out_but_for_what_is_newer_than_recipes_that_are_kept() -> None:
    assert step_of("engine.onnx", "denoiser").params == {"calibration": 16, "precision": "f32", "weight_bits": 7}
    assert GraphEngine(precision="int8").calibration == 16
    assert step_of("engine.onnx", "pipeline", native=True).params["native"] is True
