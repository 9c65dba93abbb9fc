from __future__ import annotations

import gc
import hashlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from underpaint.adapters.onnx import write_structure
from underpaint.adapters.onnxruntime import LEVELS, Level, OnnxGraph, load_graph
from underpaint.core.errors import ArtifactError, InputError, MissingDependency, SetupError
from underpaint.core.installing import pip_command


@pytest.fixture
def structure(tiny, tmp_path: Path) -> Path:
    write_structure(tiny.write(tmp_path / "whole.onnx"), tmp_path / "graph.onnx")
    return tmp_path / "graph.onnx"


def load(path: Path, table: np.ndarray, *, threads: int = 1, level: Level = "none") -> OnnxGraph:
    return load_graph(path, {"table": table}, threads=threads, sha256=None, level=level)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_computes_what_numpy_does(tiny, structure: Path, level: Level):
    found, due = load(structure, tiny.table, level=level).run(tiny.feeds()), tiny.computed(tiny.feeds())
    assert np.allclose(found["y"], due["y"], atol=1e-5) and np.array_equal(found["best"], due["best"])


def test_the_weights_are_those_that_were_given(another, structure: Path):
    found = load(structure, another.table).run(another.feeds())
    assert np.allclose(found["y"], another.computed(another.feeds())["y"], atol=1e-5)


def test_weights_may_be_strided_or_read_only_and_forgotten(tiny, structure: Path):
    """The engine shares their memory; whoever runs the graph need not know."""
    frozen = tiny.table.copy()
    frozen.flags.writeable = False
    graphs = [load(structure, weights) for weights in (np.asfortranarray(tiny.table), frozen, tiny.table.copy())]
    del frozen
    gc.collect()
    trash = [np.full_like(tiny.table, 7) for _ in range(50)]
    due = tiny.computed(tiny.feeds())["y"]
    assert all(np.allclose(graph.run(tiny.feeds())["y"], due, atol=1e-5) for graph in graphs)
    del trash


def test_one_file_of_weights_serves_several_graphs(tiny, structure: Path):
    weights = {"table": tiny.table, "of another graph": np.zeros(3, np.float32)}
    graph = load_graph(structure, weights, threads=1, sha256=None)
    assert np.array_equal(graph.run(tiny.feeds())["best"], tiny.computed(tiny.feeds())["best"])


def test_weights_that_do_not_fit_are_named(tiny, structure: Path):
    with pytest.raises(ArtifactError, match=r"'table' is missing, float32 \[16, 24\].*export"):
        load_graph(structure, {}, threads=1, sha256=None)
    with pytest.raises(ArtifactError, match=r"'table' is float32 \[24, 16\] where float32 \[16, 24\] is due"):
        load(structure, tiny.table.T)
    with pytest.raises(ArtifactError, match=r"'table' is float64 \[16, 24\] where"):
        load(structure, tiny.table.astype(np.float64))


def test_weights_never_come_from_a_file_that_lies_around(tiny, structure: Path, monkeypatch: pytest.MonkeyPatch):
    (structure.parent / "given-when-loaded").write_bytes(tiny.table.tobytes())
    monkeypatch.chdir(structure.parent)
    with pytest.raises(ArtifactError, match="'table' is missing"):
        load_graph(structure, {}, threads=1, sha256=None)


def test_the_hash_is_compared(tiny, structure: Path):
    digest = hashlib.sha256(structure.read_bytes()).hexdigest()
    load_graph(structure, {"table": tiny.table}, threads=1, sha256=digest)
    structure.write_bytes(structure.read_bytes().replace(b"positive", b"positivE"))
    with pytest.raises(ArtifactError, match=r"SHA-256 .* cut off or changed; export"):
        load_graph(structure, {"table": tiny.table}, threads=1, sha256=digest)


def test_every_cut_is_one_error(tiny, structure: Path):
    data = structure.read_bytes()
    for end in range(0, len(data) - 1, 29):
        structure.write_bytes(data[:end])
        with pytest.raises(ArtifactError, match=r"graph\.onnx.*; export the model again"):
            load(structure, tiny.table)


@pytest.mark.parametrize(("change", "said"), [({"ir_version": 99}, "IR version 99"), ({"opset": 99}, "opset 99")])
def test_a_graph_from_the_future_asks_for_a_newer_engine(tiny, tmp_path: Path, change: dict[str, int], said: str):
    path = tiny.write(tmp_path / "graph.onnx", **change)
    with pytest.raises(SetupError, match=rf"too old for .*{said}.*pip install --upgrade onnxruntime"):
        load(path, tiny.table)


def test_an_operator_that_nobody_knows_asks_for_a_newer_engine(tiny, tmp_path: Path):
    model = tiny.model()
    model.graph.node[2].op_type = "Rely"
    (tmp_path / "graph.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SetupError, match=r"Rely.*pip install --upgrade onnxruntime"):
        load(tmp_path / "graph.onnx", tiny.table)


def test_a_shape_must_be_fixed(tiny, tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"'x'.*fixed shape"):
        load(tiny.write(tmp_path / "graph.onnx", rows="batch"), tiny.table)


def test_threads_are_as_many_as_asked_for(tiny, structure: Path):
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = count()
    alone = load(structure, tiny.table)
    assert count() == before
    crowd = load(structure, tiny.table, threads=3)
    assert count() == before + 2
    assert np.array_equal(alone.run(tiny.feeds())["y"], crowd.run(tiny.feeds())["y"])
    with pytest.raises(InputError, match="at least 1, got 0"):
        load(structure, tiny.table, threads=0)


def test_without_the_engine_the_command_that_installs_it_is_said(
    tiny, structure: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match=re.escape(f"'onnxruntime'; install it with: {pip_command(None)}")):
        load(structure, tiny.table)
