"""What an exported graph costs: the same numbers as a model in torch, measured as its users pay them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import underpaint
from underpaint.core.artifact import read_manifest, seal
from underpaint.core.errors import SetupError
from underpaint.core.progress import silent
from underpaint.pipelines.exported_folder import open_exported
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.opening import open_model
from underpaint.stages.evaluate.efficiency import compute, latency, memory, session
from underpaint.stages.evaluate.efficiency.measure import measure
from underpaint.stages.evaluate.efficiency.prices import read_prices
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export


@pytest.fixture
def graph(tiny_export: Path) -> Generator:
    return underpaint.load(tiny_export)


def test_every_number_of_a_graph_is_there_or_says_why_not(graph, monkeypatch, requests, tiny_plan):
    monkeypatch.setattr(session.energy, "find_rapl", list)
    result = measure(graph, requests, tiny_plan.model_copy(update={"memory_runs": 1}), read_prices())
    found = {one.metric: one for one in result.measurements}
    assert set(found) == {metric for metrics, _ in session.PARTS.values() for metric in metrics}
    assert {name for name, one in found.items() if one.status == "not_applicable"} == {
        "latency_cold_ms",
        "training_cost",
    }
    assert {name for name, one in found.items() if one.status == "failed"} == set()
    assert set(result.details["latency"]["parts_ms"]) == {"text", "transformer"}
    assert (result.environment["engine"], result.environment["device"]) == ("onnx", "cpu")
    json.dumps(result.details, allow_nan=False)


def test_the_arithmetic_is_that_of_torch(graph, tiny_model, requests):
    ours, flops = compute.count(graph, requests[0])
    theirs, counted = compute.count(underpaint.load(tiny_model), requests[0])
    assert ours.value == theirs.value and flops.traffic_bytes == counted.traffic_bytes > 0
    assert "counted in torch" in ours.message and not theirs.message


def test_an_export_of_an_older_version_does_not_tell_its_arithmetic(tiny_export, tmp_path, requests):
    shutil.copytree(tiny_export, tmp_path / "old")
    manifest = read_manifest(tmp_path / "old")
    (tmp_path / "old" / "manifest.json").unlink()
    seal(tmp_path / "old", kind="exported", stage="optimize", config=ExportConfig(), parents=manifest.parents)
    loaded = underpaint.load(tmp_path / "old")
    with pytest.raises(SetupError, match="export the model again"):
        compute.count(loaded, requests[0])


def test_the_weights_are_all_that_drawing_reads_shared_or_not(graph, tiny_model):
    sizes = memory.files_of(graph.model)
    own = {path.relative_to(graph.model.folder).as_posix() for path in graph.model.folder.rglob("*") if path.is_file()}
    assert set(sizes) == own - {"manifest.json"}
    shipped = open_model("stickers-64-onnx")
    shared = {name for name in memory.files_of(shipped) if name not in shipped.manifest.files}
    assert {"transformer/model.safetensors", "text_encoder/model.safetensors"} <= shared
    assert memory.weights(underpaint.load(tiny_model)).details["weights_in_memory_mb"] > 0.0
    assert memory.weights(graph).details["weights_in_memory_mb"] is None


@pytest.mark.slow
def test_openvino_weights_count_too(tiny_model, tmp_path, requests):
    export(ExportConfig(engine="openvino"), open_model(tiny_model), tmp_path / "vino", silent)
    loaded = underpaint.load(tmp_path / "vino")
    (one,) = memory.weights(loaded).measurements
    sizes = memory.files_of(open_exported(tmp_path / "vino"))
    binary = next(size for name, size in sizes.items() if name.endswith("model.bin"))
    assert one.value is not None and one.value * 1e6 > binary > 0
    (peak,) = memory.measure_memory(loaded, requests, 1).measurements
    assert peak.value is not None and peak.value > 10.0


def test_the_memory_of_a_graph_is_read_where_torch_is_not_even_installed(graph):
    requests = [{"caption": "a cat", "seed": 1}]
    job = {"model": graph.model.address, "engine": "onnx", "device": "cpu", "threads": 1, "requests": requests}
    code = f"""
import json, sys
sys.modules["torch"] = None
from underpaint.stages.evaluate.efficiency.memory_probe import probe
print(json.dumps(probe({job})))
"""
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert 0 < found["imported"] < found["loaded"] <= found["peak"]


def test_a_new_process_draws_with_the_engine_that_is_measured(graph, tiny_model, requests):
    command = latency.cold_command(graph, requests[0], "out")
    assert command[command.index("--engine") + 1] == "onnx" and "--device" not in command
    networks = latency.cold_command(underpaint.load(tiny_model, engine="torch"), requests[0], "out")
    assert networks[networks.index("--engine") + 1] == "torch" and networks[networks.index("--device") + 1] == "cpu"
