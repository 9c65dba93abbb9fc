"""What an exported pipeline of diffusers costs: measured like any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import underpaint
from underpaint.core.progress import silent
from underpaint.pipelines.diffusers_model import open_diffusers
from underpaint.pipelines.exported_loop import ExportedLoop
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.drawing.running import batch_of, engine_of, name_of
from underpaint.stages.evaluate.drawing.subjects import Sampling, loaded_subject, open_subject
from underpaint.stages.evaluate.efficiency import compute, memory, session
from underpaint.stages.evaluate.efficiency.measure import measure
from underpaint.stages.evaluate.efficiency.prices import read_prices
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.loop_export import export_loop

DOG = DrawRequest(caption="a dog", seed=1, steps=2)


@pytest.fixture(scope="module")
def graph(tiny_diffusers: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Generator:
    out = tmp_path_factory.mktemp("exports") / "pixart"
    export_loop(ExportConfig(), open_diffusers(str(tiny_diffusers("pixart"))), out, silent)
    return underpaint.load(out)


def test_it_is_a_graph_and_says_so(graph: Generator):
    assert isinstance(graph.pipeline, ExportedLoop)
    assert (engine_of(graph), batch_of(graph), name_of(graph.model)) == ("onnx", 1, "pixart onnx f32")
    assert loaded_subject(graph).identity == open_subject(graph.model.folder).identity


@pytest.mark.parametrize("steps", [2, 5])
def test_the_arithmetic_is_that_of_torch_whatever_the_steps(
    graph: Generator, tiny_diffusers: Callable[[str], Path], steps: int
):
    request = replace(DOG, steps=steps)
    ours, flops = compute.count(graph, request)
    theirs, counted = compute.count(underpaint.load(tiny_diffusers("pixart")), request)
    assert ours.value == theirs.value and flops.traffic_bytes == pytest.approx(counted.traffic_bytes, rel=0.01)


def test_its_weights_are_those_of_the_graphs(graph: Generator):
    stored = sum(path.stat().st_size for path in graph.model.folder.rglob("*.safetensors"))
    assert memory.weights(graph).measurements[0].value == stored / 1e6 > 0


def test_steps_can_be_swept(graph: Generator):
    for steps in (1, 7):
        open_subject(graph.model.folder, Sampling(steps=steps)).check()


@pytest.mark.exhaustive
@pytest.mark.slow
def test_every_number_is_there_or_says_why_not(
    graph: Generator, monkeypatch: pytest.MonkeyPatch, tiny_plan: session.EfficiencyPlan
):
    monkeypatch.setattr(session.energy, "find_rapl", list)
    requests = [replace(DOG, seed=seed) for seed in range(8)]
    result = measure(graph, requests, tiny_plan.model_copy(update={"memory_runs": 1}), read_prices())
    assert {one.metric for one in result.measurements if one.status == "failed"} == set()
    assert set(result.details["latency"]["parts_ms"]) == {"text", "transformer", "decoder"}
    assert (result.environment["engine"], result.environment["device"]) == ("onnx", "cpu")
