from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from underpaint.adapters import onnx_nodes, onnx_static
from underpaint.core.artifact import Manifest
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.progress import Progress, silent
from underpaint.pipelines.channel_layout import own_layout
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import open_exported
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.export.calibration import plan_calibration
from underpaint.stages.optimize.export.config import ExportConfig, Limits
from underpaint.stages.optimize.export.deviation import Yardstick
from underpaint.stages.optimize.export.eight_bits import Told, quantize
from underpaint.stages.optimize.export.run import export
from underpaint.stages.optimize.export.traced import Traced
from underpaint.stages.optimize.export.tracing import component_arrays, trace
from underpaint.stages.optimize.export.workshops import OnnxWorkshop

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
PROMPTS = [PromptRow(prompt=f"a {color} {thing}") for color in ("red", "green", "blue", "smiling") for thing in "abcd"]


@pytest.fixture(scope="module")
def made(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("int8") / "onnx"
    export(ExportConfig(precision="int8"), open_model(tiny_model), out, silent)
    return out


def check_drawn(folder: Path, tiny_model: Path) -> Manifest:
    model = open_exported(folder)
    assert model.digest != open_model(tiny_model).digest and model.edge.precision == "int8"
    (picture,) = load_exported(model).draw([CAT])
    assert picture.shape == (32, 32, 4) and len(np.unique(picture)) > 10
    return model.manifest


def test_an_onnx_graph_in_8_bits_draws_and_says_how_it_was_made(made: Path, tiny_model: Path):
    figures = check_drawn(made, tiny_model).figures["int8"]
    assert figures["method"] == "onnx static" and figures["calibration"]["pictures"] == 64
    assert figures["calibration"]["sha256"] == plan_calibration(open_model(tiny_model), None, None).digest
    assert {"transformer.blocks.0", "residual.blocks.0"} <= {*figures["groups"], *figures["given_back"]}
    assert len(figures["changed_tokens_by_scale"]) == 3 and figures["changed_tokens"] <= figures["limits"]["tokens"]
    assert 0.0 < figures["levels_with_equal_tokens"] <= figures["limits"]["levels"]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_same_export_has_the_same_digest_and_other_prompts_another(made: Path, tiny_model: Path, tmp_path: Path):
    model, config = open_model(tiny_model), ExportConfig(precision="int8")
    again = export(config, model, tmp_path / "again", silent)
    assert again.digest == open_exported(made).manifest.digest
    assert export(config, model, tmp_path / "other", silent, PROMPTS).digest != again.digest


def test_too_few_prompts_are_refused_before_anything_is_made(tiny_model: Path, tmp_path: Path):
    with pytest.raises(InputError, match="at least 16 different prompts, got 15"):
        export(ExportConfig(precision="int8"), open_model(tiny_model), tmp_path / "out", silent, PROMPTS[:15])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def traced(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    pipeline = load_pipeline(open_model(tiny_model), torch.device("cpu"))
    with torch.no_grad():
        for name, value in pipeline.modules["transformer"].named_parameters():
            if name.endswith("_out.weight"):
                value.fill_(1.0)  # blocks begin with hardly any say
            elif name == "head.weight":
                value.mul_(50.0)
    path = tmp_path_factory.mktemp("traced") / "traced.onnx"
    return Traced(pipeline=pipeline, unrolled=trace(pipeline, [CAT], path), path=path, size=1)


def test_8_bits_are_nearer_than_3_and_32_are_exact(traced: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    watched = onnx_nodes.watch_inputs(traced.path, tmp_path / "scored.onnx", "ArgMax")
    feeds = traced.feeds([DrawRequest(caption="a red cat", seed=seed) for seed in range(24)])
    shop = OnnxWorkshop(tmp_path / "scored.onnx", component_arrays(traced.pipeline), tmp_path, feeds)
    yardstick = Yardstick(shop.f32(), feeds, watched, traced.unrolled.streams)
    everything = frozenset(shop.groups)
    same, eight = yardstick.measure(shop.f32()), yardstick.measure(shop.int8(everything))
    monkeypatch.setattr(onnx_static, "WEIGHT_LEVELS", {7: 3})
    three = yardstick.measure(shop.int8(everything))
    assert same.levels == 0.0 and same.changed == (0.0, 0.0, 0.0)
    assert 0.0 < eight.levels < 0.5 * three.levels and eight.tokens < three.tokens


def test_each_round_of_a_calibration_tells_how_many_of_all_inputs_are_read():
    told = list[Progress]()
    feeds = Told([{"noise": np.zeros(1)} for _ in range(3)], told.append)
    for _ in range(2):
        assert len(list(itertools.islice(feeds, len(feeds)))) == 3
    assert [(p.done, p.total, p.note) for p in told] == [
        *((number, 3, "") for number in (1, 2, 3)),
        *((number, 3, "round 2") for number in (1, 2, 3)),
    ]


def test_limits_that_nothing_keeps_are_said(traced: Traced, tiny_model: Path):
    told = list[Progress]()
    calibration = plan_calibration(open_model(tiny_model), PROMPTS, None)
    config, limits = ExportConfig(precision="int8"), Limits(levels=1e-9)
    with pytest.raises(ArtifactError, match=r"none of the .* groups of layers can have 8 bits.*leave --int8 out"):
        quantize(config, traced, calibration, report=told.append, limits=limits)
    assert [(p.done, p.total) for p in told if p.task == "calibrate"] == [(number, 64) for number in range(1, 65)]
    measured = [p.done for p in told if p.task == "measure 8 bits"]
    assert measured == list(range(1, len(measured) + 1)) and len(measured) >= 2


@pytest.mark.exhaustive
@pytest.mark.slow
def test_8_bits_for_one_kind_of_processor_and_two_pictures_at_once(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("underpaint.stages.optimize.export.traced.MEASURED", 4)
    config = ExportConfig(precision="int8", batch=2, native=True)
    export(config, open_model(tiny_model), tmp_path / "out", silent)
    check_drawn(tmp_path / "out", tiny_model)
    model = open_exported(tmp_path / "out")
    assert model.edge.layout == own_layout() and model.edge.batch == 2
    assert len(load_exported(model).draw([CAT] * 3)) == 3


@pytest.mark.exhaustive
@pytest.mark.slow
def test_an_openvino_graph_in_8_bits_draws_and_says_how_it_was_made(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("underpaint.stages.optimize.export.traced.MEASURED", 4)
    export(ExportConfig(engine="openvino", precision="int8"), open_model(tiny_model), tmp_path / "out", silent)
    manifest = check_drawn(tmp_path / "out", tiny_model)
    figures = manifest.figures["int8"]
    assert figures["method"].startswith("nncf") and "nncf" in manifest.versions
    assert figures["changed_tokens"] <= figures["limits"]["tokens"]
    assert 0.0 < figures["levels_with_equal_tokens"] <= figures["limits"]["levels"]
