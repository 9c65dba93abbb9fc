from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from underpaint.core.artifact import read_manifest, seal
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError, StorageError
from underpaint.core.progress import silent
from underpaint.learning.seeding import initialized_by
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.pipelines import channel_layout
from underpaint.pipelines.channel_layout import own_layout
from underpaint.pipelines.editing.graph_inputs import AGAINST, NEGATIVE
from underpaint.pipelines.exported import ExportedPipeline, can_draw, load_exported, load_graph
from underpaint.pipelines.exported_folder import EDGE, GUIDANCE, ExportedModel, open_exported
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.export import config
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
DOG = DrawRequest(caption="a dog with sunglasses , red", style="noto", seed=6)
APPLE = DrawRequest(caption="the green apple", style=None, seed=7)
NO_SCALE, NO_STRENGTH = {"guidance_shape": (0.0, 0.0, 0.0)}, {"guidance": 0.0}
"""Settings with which nothing is guided."""


class Made(Config):
    by: str = "the tests"


def levels(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def torch_pictures(folder: Path, requests: list[DrawRequest]) -> list[np.ndarray]:
    return load_pipeline(open_model(folder), torch.device("cpu")).draw(requests)


def test_the_graph_draws_the_pictures_of_torch(tiny_export, tiny_model):
    requests = [CAT, DOG, APPLE, replace(CAT, temperature=0.5), replace(DOG, guidance=4.0), replace(CAT, guidance=0.0)]
    ours, theirs = torch_pictures(tiny_model, requests), load_exported(open_exported(tiny_export)).draw(requests)
    assert [levels(a, b) for a, b in zip(ours, theirs, strict=True)] == pytest.approx([0] * len(requests), abs=1)
    assert len({picture.tobytes() for picture in theirs}) >= 4


def test_temperature_zero_takes_the_likeliest_in_the_graph_too(tiny_export, tiny_model):
    requests = [replace(CAT, temperature=0.0), replace(CAT, temperature=0.0, seed=99)]
    for ours, theirs in zip(
        torch_pictures(tiny_model, requests), load_exported(open_exported(tiny_export)).draw(requests), strict=True
    ):
        assert levels(ours, theirs) <= 1


def test_an_exported_picture_is_the_same_in_whatever_company(tiny_export):
    pipeline = load_exported(open_exported(tiny_export))
    together = pipeline.draw([CAT, DOG, APPLE])
    assert [picture.tobytes() for picture in together] == [pipeline.draw([r])[0].tobytes() for r in (CAT, DOG, APPLE)]


def test_an_export_has_the_identity_of_its_model_and_says_what_it_is(tiny_export, tiny_model):
    model = open_exported(tiny_export)
    assert model.digest == open_model(tiny_model).digest == model.manifest.parents["pipeline"]
    assert model.manifest.kind == "exported" and model.manifest.figures["same_share"] == 1.0
    assert model.styles == ("flat", "noto") and model.edge.steps == 2 and model.edge.guidance == 1.5


def test_the_weights_are_those_of_the_components_and_not_kept_twice(tiny_export, tiny_model):
    model = open_exported(tiny_export)
    named = {source.component for source in model.edge.sources.values()}
    assert {"transformer", "text_encoder", "quantizer", "residual", "autoencoder"} == named
    for component in named:
        weights = f"{component}/model.safetensors"
        assert model.manifest.files[weights] == open_model(tiny_model).manifest.files[weights]
    own = model.manifest.files[f"graphs/{model.edge.graph}/constants.safetensors"].bytes
    assert own < 0.2 * sum(model.manifest.files[f"{name}/model.safetensors"].bytes for name in named)


@pytest.fixture
def unsampled(request: pytest.FixtureRequest, tiny_model: Path, make_tiny_model: Callable[..., Path], tmp_path: Path):
    """A model whose drawing reads no noise for a residual, and the steps that its graph takes."""
    if request.param == "no refiner":
        return make_tiny_model(tmp_path / "model", refined=False), None
    pipeline, steps = load_pipeline(open_model(tiny_model), torch.device("cpu")), None
    if request.param == "mean residual":
        steps = 0
    pipeline.config = pipeline.config.model_copy(update={"residual_steps": steps})
    save_pipeline(pipeline, tmp_path / "model", stage="test", config=Made(), parents={})
    return tmp_path / "model", steps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unsampled", "engine"),
    [
        ("mean residual", "onnx"),
        ("residual left out", "onnx"),
        ("no refiner", "onnx"),
        pytest.param("mean residual", "openvino", marks=pytest.mark.exhaustive),
        pytest.param("residual left out", "openvino", marks=pytest.mark.exhaustive),
        pytest.param("no refiner", "openvino", marks=pytest.mark.exhaustive),
    ],
    indirect=["unsampled"],
)
def test_a_model_that_samples_no_residual_is_exported_draws_and_edits(unsampled, engine, tmp_path):
    folder, steps = unsampled
    export(ExportConfig(engine=engine, edit=True), open_model(folder), tmp_path / "out", silent)
    model = open_exported(tmp_path / "out")
    assert model.edge.steps == steps and {stream.kind for stream in model.edge.streams} == {"gumbel"}
    for figures in (model.manifest.figures, model.manifest.figures["edit"]):
        assert figures["same_share"] == 1.0
    graph = load_exported(model)
    for ours, theirs in zip(torch_pictures(folder, [CAT, DOG]), graph.draw([CAT, DOG]), strict=True):
        assert levels(ours, theirs) <= 1
    with pytest.raises(InputError, match=r"(takes no steps|was unrolled for 0 steps), got 2; leave the steps out"):
        graph.draw([replace(CAT, steps=2)])


def test_a_model_that_samples_no_residual_has_a_graph_of_8_bits_too(tiny_model, tmp_path):
    export(ExportConfig(steps=0, precision="int8"), open_model(tiny_model), tmp_path / "out", silent)
    assert len(load_exported(open_exported(tmp_path / "out")).draw([CAT, DOG])) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "engine"),
    [
        pytest.param(NO_SCALE, "onnx", id="no scale-onnx"),
        pytest.param(NO_STRENGTH, "onnx", id="no strength-onnx"),
        pytest.param(NO_SCALE, "openvino", id="no scale-openvino", marks=pytest.mark.exhaustive),
        pytest.param(NO_STRENGTH, "openvino", id="no strength-openvino", marks=pytest.mark.exhaustive),
    ],
)
def test_a_graph_is_fed_with_what_it_reads_where_nothing_is_guided(settings, engine, tiny_model, tmp_path):
    pipeline: Any = load_pipeline(open_model(tiny_model), torch.device("cpu"))
    pipeline.config = pipeline.config.model_copy(update=settings)
    save_pipeline(pipeline, tmp_path / "model", stage="test", config=Made(), parents={})
    export(ExportConfig(engine=engine, edit=True), open_model(tmp_path / "model"), tmp_path / "out", silent)
    model = open_exported(tmp_path / "out")
    for figures in (model.manifest.figures, model.manifest.figures["edit"]):
        assert figures["same_share"] == 1.0
    graph = load_exported(model)
    assert isinstance(graph, ExportedPipeline) and model.edge.guidance is None
    (planned,) = plan(open_model(tmp_path / "model"), [PromptRow(prompt="a cat")], Options(seed=1))
    assert can_draw(model.edge, planned.steps, planned.guidance)
    assert GUIDANCE not in graph.graph.inputs and GUIDANCE not in graph.feeds([CAT])
    edits = load_graph(model, {}, 1, silent, model.edge.edit)
    assert not [name for name in edits.inputs if name in (GUIDANCE, NEGATIVE) or name.startswith(AGAINST)]
    for ours, theirs in zip(torch_pictures(tmp_path / "model", [CAT, DOG]), graph.draw([CAT, DOG]), strict=True):
        assert levels(ours, theirs) <= 1
    with pytest.raises(InputError, match="knows no guidance, got 4; leave it out, or use --engine torch"):
        graph.draw([replace(CAT, guidance=4.0)])


@pytest.mark.parametrize("few_step", [False, True])
def test_the_flow_model_is_exported_with_its_steps_and_guidance(few_step, make_tiny_flow, tmp_path):
    save_pipeline(make_tiny_flow(few_step=few_step), tmp_path / "flow", stage="test", config=Made(), parents={})
    export(ExportConfig(steps=2), open_model(tmp_path / "flow"), tmp_path / "out", silent)
    model = open_exported(tmp_path / "out")
    assert model.edge.steps == 2 and (model.edge.guidance is None) is few_step
    requests = [replace(CAT, steps=2), replace(DOG, steps=2)]
    for ours, theirs in zip(
        torch_pictures(tmp_path / "flow", requests), load_exported(model).draw(requests), strict=True
    ):
        assert levels(ours, theirs) <= 1


def test_the_gan_is_exported(make_tiny_flow: Callable[..., Any], tmp_path):
    words = make_tiny_flow().text_tokenizer
    with initialized_by(0):
        encoder = TextEncoder(TextEncoderConfig(vocab_size=words.vocab_size, width=16, depth=1, heads=2))
        sizes = {"widths": (16, 8), "blocks": (1, 1), "num_styles": 2, "text_width": 16, "condition_width": 16}
        network = GanGenerator(GanGeneratorConfig(**sizes))
    pipeline = GanPipeline(
        text_tokenizer=words,
        text_encoder=encoder.eval(),
        generator=network.eval(),
        config=GanConfig(styles=("flat", "noto")),
    )
    save_pipeline(pipeline, tmp_path / "gan", stage="test", config=Made(), parents={})
    export(ExportConfig(), open_model(tmp_path / "gan"), tmp_path / "out", silent)
    exported = load_exported(open_exported(tmp_path / "out"))
    for ours, theirs in zip(torch_pictures(tmp_path / "gan", [CAT, DOG]), exported.draw([CAT, DOG]), strict=True):
        assert levels(ours, theirs) <= 1
    with pytest.raises(InputError, match="takes no steps"):
        exported.draw([replace(CAT, steps=4)])
    with pytest.raises(InputError, match="knows no guidance"):
        exported.draw([replace(CAT, guidance=2.0)])


def test_a_batch_is_filled_up_and_cut_off_again(tiny_model, tmp_path):
    export(ExportConfig(batch=4), open_model(tiny_model), tmp_path / "out", silent)
    pipeline = load_exported(open_exported(tmp_path / "out"))
    requests = [CAT, DOG, APPLE, replace(CAT, seed=8), replace(DOG, seed=9), replace(CAT, guidance=3.0)]
    for ours, theirs in zip(torch_pictures(tiny_model, requests), pipeline.draw(requests), strict=True):
        assert levels(ours, theirs) <= 1


def test_other_steps_and_unknown_styles_are_refused(tiny_export):
    pipeline = load_exported(open_exported(tiny_export))
    with pytest.raises(InputError, match=r"unrolled for 2 steps, got 8.*--engine torch"):
        pipeline.draw([replace(CAT, steps=8)])
    with pytest.raises(InputError, match=r"unknown style 'oil'.*flat, noto"):
        pipeline.draw([replace(CAT, style="oil")])


WIDE = Processor(family="x86", model="A Wide One", flags=("avx2", "avx512f"), flags_known=True)
NARROW = Processor(family="x86", model="A Narrow One", flags=("avx2",), flags_known=True)


def test_a_graph_runs_on_any_processor_unless_it_is_laid_out_for_one(tiny_export, tiny_model, tmp_path, monkeypatch):
    model = export_native(tiny_model, tmp_path / "native")
    assert open_exported(tiny_export).edge.layout is None
    assert model.edge.layout == own_layout() and model.digest == open_exported(tiny_export).digest
    for ours, theirs in zip(torch_pictures(tiny_model, [CAT, DOG]), load_exported(model).draw([CAT, DOG]), strict=True):
        assert levels(ours, theirs) <= 1
    other = NARROW if own_layout().lanes == 16 else WIDE
    monkeypatch.setattr(channel_layout, "read_processor", lambda: other)
    load_exported(open_exported(tiny_export))
    with pytest.raises(InputError, match=r"native was laid out for .* One\) is x86.*'underpaint export tiny --native"):
        load_exported(open_exported(tmp_path / "native"))


def export_native(folder: Path, out: Path) -> ExportedModel:
    export(ExportConfig(native=True), open_model(folder), out, silent)
    return open_exported(out)


def test_for_a_processor_that_is_not_known_nothing_is_laid_out(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(channel_layout, "read_processor", lambda: Processor(family="x86"))
    with pytest.raises(InputError, match="leave --native out"):
        export_native(tiny_model, tmp_path / "native")
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_is_not_measured_where_the_processor_would_not_compute_it(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "read_processor", lambda: NARROW)
    wanted = ExportConfig(engine="openvino", precision="bf16")
    with pytest.raises(InputError, match=r"not known to multiply bfloat16 .*; leave bf16 out"):
        export(wanted, open_model(tiny_model), tmp_path / "fast", silent)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_half_done_stays(tiny_export, tiny_model, tmp_path):
    shutil.copytree(tiny_export, tmp_path / "copy")
    with pytest.raises(StorageError):
        export(ExportConfig(), open_model(tiny_model), tmp_path / "copy", silent)
    shutil.rmtree(tmp_path / "copy")
    with pytest.raises(InputError, match="exported already"):
        export(ExportConfig(), open_exported(tiny_export), tmp_path / "again", silent)
    with pytest.raises(InputError, match="comes with underpaint"):
        export(ExportConfig(share_weights=True), open_model(tiny_model), tmp_path / "thin", silent)
    assert list(tmp_path.iterdir()) == []


def changed(exported: Path, out: Path, **values: Any) -> Path:
    """Copy an export with other values in ``edge.json``, and a manifest that agrees with it."""
    shutil.copytree(exported, out)
    edge = json.loads((out / EDGE).read_text())
    (out / EDGE).write_text(json.dumps({**edge, **values}))
    manifest = read_manifest(out)
    (out / "manifest.json").unlink()
    seal(out, kind="exported", stage="optimize", config=ExportConfig(), parents=manifest.parents)
    return out


def test_a_folder_of_another_version_is_refused(tiny_export, tmp_path):
    with pytest.raises(ArtifactError, match=r"has the version 9.*update underpaint.*underpaint export"):
        open_exported(changed(tiny_export, tmp_path / "other", schema_version=9))


def test_a_truncated_graph_is_refused(tiny_export, tmp_path):
    shutil.copytree(tiny_export, tmp_path / "cut")
    graph = next((tmp_path / "cut").rglob("model.onnx"))
    graph.write_bytes(graph.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match=r"model.onnx .* cut off or changed; .*underpaint export MODEL --out DIR"):
        load_exported(open_exported(tmp_path / "cut"))


def test_changed_weights_are_refused(tiny_export, tmp_path):
    shutil.copytree(tiny_export, tmp_path / "changed")
    weights = tmp_path / "changed" / "transformer" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match=r"transformer/model.safetensors"):
        load_exported(open_exported(tmp_path / "changed"))


def test_an_export_without_its_weights_needs_the_shipped_model(tiny_export, tmp_path):
    thin = changed(tiny_export, tmp_path / "thin", model="stickers-64")
    for component in ("text_encoder", "text_tokenizer", "transformer", "quantizer", "residual", "autoencoder"):
        shutil.rmtree(thin / component)
    (thin / "manifest.json").unlink()
    seal(thin, kind="exported", stage="optimize", config=ExportConfig(), parents={})
    with pytest.raises(ArtifactError, match=r"draws with the weights of stickers-64.*does not have"):
        open_exported(thin)


def test_it_draws_where_there_is_no_torch(tiny_export, tmp_path):
    absent = ["torch", "safetensors", "tokenizers", "transformers", "diffusers", "onnx"]
    command = ["generate", "a smiling cat", "--seed", "5", "-m", str(tiny_export), "--out", str(tmp_path)]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent}))
from underpaint.cli.app import main
sys.exit(main({command}))
"""
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_model_of_an_export_is_known_by_its_digest(tiny_export):
    assert isinstance(open_exported(tiny_export), ExportedModel)


def test_what_is_no_saved_pipeline_of_ours_is_refused_before_any_work(tiny_model, tmp_path):
    class Foreign(Model):
        """As a model of diffusers or an adapted one: more than a saved pipeline."""

    foreign = Foreign(**vars(open_model(tiny_model)))
    with pytest.raises(InputError, match=r"only saved pipelines of underpaint can be exported.*--engine torch"):
        export(ExportConfig(), foreign, tmp_path / "out", silent)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
def test_a_thousand_pictures_do_not_grow_the_process(tiny_export):
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    pipeline = load_exported(open_exported(tiny_export))
    requests = [replace(CAT, seed=seed) for seed in range(100)]
    pipeline.draw(requests)
    before = resident()
    for _ in range(10):
        pipeline.draw(requests)
    assert resident() - before < 8e6


def test_weights_that_are_halves_do_not_round_the_rest_in_openvino(tiny_model, tmp_path):
    pipeline = load_pipeline(open_model(tiny_model), torch.device("cpu"))
    for module in pipeline.modules.values():
        module.load_state_dict({name: value.half().to(value.dtype) for name, value in module.state_dict().items()})
    save_pipeline(pipeline, tmp_path / "halves", stage="test", config=Made(), parents={})
    export(ExportConfig(engine="openvino"), open_model(tmp_path / "halves"), tmp_path / "out", silent)
    assert open_exported(tmp_path / "out").manifest.figures["same_share"] == 1.0
