from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from underpaint.adapters.openvino import convert, load_graph
from underpaint.core.errors import ArtifactError, InputError, MissingDependency, SetupError, StorageError
from underpaint.core.installing import pip_command
from underpaint.core.progress import Progress
from underpaint.runtime.device import CPU, has_bf16


@pytest.fixture
def xml(tiny, tmp_path: Path) -> Path:
    convert(tiny.write(tmp_path / "whole.onnx"), tmp_path / "graph.xml", half=False)
    return tmp_path / "graph.xml"


def test_it_computes_what_numpy_does(tiny, xml: Path):
    found, due = load_graph(xml, threads=1, cache=None).run(tiny.feeds()), tiny.computed(tiny.feeds())
    assert np.allclose(found["y"], due["y"], atol=1e-5) and np.array_equal(found["best"], due["best"])


def test_half_precision_halves_the_file_and_rounds_the_weights(tiny, xml: Path, tmp_path: Path):
    convert(tmp_path / "whole.onnx", tmp_path / "half.xml", half=True)
    assert (tmp_path / "half.bin").stat().st_size < 0.6 * xml.with_suffix(".bin").stat().st_size
    tiny.table, tiny.bias = (weights.astype(np.float16).astype(np.float32) for weights in (tiny.table, tiny.bias))
    found = load_graph(tmp_path / "half.xml", threads=1, cache=None).run(tiny.feeds())
    assert np.allclose(found["y"], tiny.computed(tiny.feeds())["y"], atol=1e-5)


def test_settings_are_said_to_the_engine(xml: Path):
    cores = min(2, len(os.sched_getaffinity(0)))  # the engine starts no more threads than there are cores
    compiled = load_graph(xml, threads=cores, cache=None)._request.get_compiled_model()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == cores
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert compiled.get_property("PERFORMANCE_HINT") == "LATENCY"
    with pytest.raises(InputError, match="at least 1, got 0"):
        load_graph(xml, threads=0, cache=None)


def test_a_compiled_graph_is_kept_and_used(tiny, another, xml: Path, tmp_path: Path):
    cache = tmp_path / "cache" / "blobs"
    first = load_graph(xml, threads=1, cache=cache)
    (blob,) = cache.iterdir()
    again = load_graph(xml, threads=1, cache=cache)
    assert again.inputs == first.inputs and again.outputs == first.outputs == ("y", "best")
    assert np.array_equal(first.run(tiny.feeds())["y"], again.run(tiny.feeds())["y"])
    convert(another.write(tmp_path / "other.onnx"), tmp_path / "other.xml", half=False)
    load_graph(tmp_path / "other.xml", threads=1, cache=cache)
    (other,) = (path for path in cache.iterdir() if path != blob)
    blob.write_bytes(other.read_bytes())
    planted = load_graph(xml, threads=1, cache=cache).run(tiny.feeds())["y"]
    assert np.allclose(planted, another.computed(tiny.feeds())["y"], atol=1e-5), "the blob was not read"


def test_other_settings_are_another_blob(xml: Path, tmp_path: Path):
    for threads in (1, 2):
        load_graph(xml, threads=threads, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2
    load_graph(xml, threads=1, cache=tmp_path / "cache", bfloat16=True)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_in_bfloat16_a_graph_computes_nearly_the_same(tiny, xml: Path):
    exact, halved = (
        load_graph(xml, threads=1, cache=None, bfloat16=one).run(tiny.feeds())["y"] for one in (False, True)
    )
    assert np.abs(halved - exact).max() < 0.05 * np.abs(exact).max()
    assert not (has_bf16(CPU) and np.array_equal(halved, exact)), "the hint was not heard"


def damage(data: bytes, how: str) -> bytes:
    if how == "flipped":
        return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    if how == "wordless":
        return hashlib.sha256(b"hello").digest() + b"hello"
    if how == "foreign":  # whole, but nothing that this engine made
        return hashlib.sha256(b'[["x"], ["y"]]\nhello').digest() + b'[["x"], ["y"]]\nhello'
    return {"empty": b"", "cut": data[: len(data) // 2]}[how]


@pytest.mark.parametrize("how", ["empty", "cut", "flipped", "foreign", "wordless"])
def test_an_unreadable_blob_is_made_again(tiny, xml: Path, tmp_path: Path, how: str):
    load_graph(xml, threads=1, cache=tmp_path / "cache")
    (blob,) = (tmp_path / "cache").iterdir()
    damaged = damage(blob.read_bytes(), how)
    blob.write_bytes(damaged)
    found = load_graph(xml, threads=1, cache=tmp_path / "cache").run(tiny.feeds())
    assert np.allclose(found["y"], tiny.computed(tiny.feeds())["y"], atol=1e-5)
    assert list((tmp_path / "cache").iterdir()) == [blob] and blob.read_bytes() != damaged


def test_a_cache_that_cannot_be_written_is_named(xml: Path):
    for cache in (xml, xml / "cache"):
        with pytest.raises(StorageError, match=r"cannot be kept in .*graph\.xml.*set UNDERPAINT_CACHE"):
            load_graph(xml, threads=1, cache=cache)


def test_compiling_is_reported_and_reading_the_cache_is_not(xml: Path, tmp_path: Path):
    for due in ([0, 1], []):
        reports: list[Progress] = []
        load_graph(xml, threads=1, cache=tmp_path / "cache", report=reports.append)
        assert [progress.done for progress in reports] == due


def test_a_missing_or_cut_file_is_one_error(xml: Path, tmp_path: Path):
    graph, weights = xml.read_bytes(), xml.with_suffix(".bin").read_bytes()
    for end in range(0, len(graph) - 8, 997):
        xml.write_bytes(graph[:end])
        with pytest.raises(ArtifactError, match=r"graph\.xml.*cut off; export the model again"):
            load_graph(xml, threads=1, cache=None)
    xml.write_bytes(graph)
    xml.with_suffix(".bin").write_bytes(weights[:-100])
    with pytest.raises(ArtifactError, match=r"cannot load .*graph\.xml.*export the model again"):
        load_graph(xml, threads=1, cache=None)
    xml.with_suffix(".bin").unlink()
    with pytest.raises(ArtifactError, match=r"graph\.bin is missing"):
        load_graph(xml, threads=1, cache=None)
    with pytest.raises(ArtifactError, match=r"nothing\.onnx is missing"):
        convert(tmp_path / "nothing.onnx", xml, half=False)


def test_a_graph_that_cannot_be_written_is_named(xml: Path, tmp_path: Path):
    with pytest.raises(StorageError, match=r"cannot write .*graph\.xml/other\.xml"):
        convert(tmp_path / "whole.onnx", xml / "other.xml", half=False)


def test_the_hashes_of_both_files_are_compared(xml: Path):
    right = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in (xml, xml.with_suffix(".bin")))
    load_graph(xml, threads=1, cache=None, sha256=(right[0], right[1]))
    for wrong, name in (((right[1], right[1]), "xml"), ((right[0], right[0]), "bin")):
        with pytest.raises(ArtifactError, match=rf"graph\.{name} has the SHA-256"):
            load_graph(xml, threads=1, cache=None, sha256=wrong)


@pytest.mark.parametrize(
    ("old", "new"), [(b' version="11"', b' version="12"'), (b'"opset1"', b'"opset99"'), (b'"ReLU"', b'"Rely"')]
)
def test_a_graph_from_the_future_asks_for_a_newer_engine(xml: Path, old: bytes, new: bytes):
    assert old in xml.read_bytes()
    xml.write_bytes(xml.read_bytes().replace(old, new))
    with pytest.raises(SetupError, match="pip install --upgrade openvino"):
        load_graph(xml, threads=1, cache=None)


def test_a_shape_must_be_fixed(tiny, tmp_path: Path):
    convert(tiny.write(tmp_path / "free.onnx", rows="batch"), tmp_path / "free.xml", half=False)
    with pytest.raises(ArtifactError, match=r"'x'.*fixed shape"):
        load_graph(tmp_path / "free.xml", threads=1, cache=None)


def test_without_the_engine_the_command_that_installs_it_is_said(xml: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependency, match=re.escape(pip_command("openvino"))):
        load_graph(xml, threads=1, cache=None)


def test_a_signal_is_survived_after_graphs_came_and_went(xml: Path, tmp_path: Path):
    code = f"""
import gc, signal
from pathlib import Path
from underpaint.adapters.openvino import load_graph
signal.signal(signal.SIGINT, lambda *_: print("handled"))
graphs = [load_graph(Path({str(xml)!r}), threads=1, cache=Path({str(tmp_path / "cache")!r})) for _ in range(3)]
signal.raise_signal(signal.SIGINT)
del graphs[0]
gc.collect()
signal.raise_signal(signal.SIGINT)
graphs.clear()
gc.collect()
signal.raise_signal(signal.SIGINT)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, "handled\n" * 3), finished.stderr
