from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from underpaint.adapters.onnx import write_structure
from underpaint.adapters.onnxruntime import load_graph
from underpaint.core.errors import ArtifactError, MissingDependency, StorageError
from underpaint.core.installing import pip_command


def test_a_graph_taken_apart_computes_bit_for_bit_the_same(tiny, tmp_path: Path):
    whole, structure = tiny.write(tmp_path / "whole.onnx"), tmp_path / "graph.onnx"
    weights = write_structure(whole, structure)
    before = load_graph(whole, {}, threads=1, sha256=None).run(tiny.feeds())
    after = load_graph(structure, weights, threads=1, sha256=None).run(tiny.feeds())
    assert all(np.array_equal(before[name], after[name]) for name in ("y", "best"))


def test_large_weights_leave_the_file_and_small_ones_stay(tiny, tmp_path: Path):
    whole, structure = tiny.write(tmp_path / "whole.onnx"), tmp_path / "graph.onnx"
    weights = write_structure(whole, structure)
    assert list(weights) == ["table"] and np.array_equal(weights["table"], tiny.table)
    assert tiny.table.tobytes() not in structure.read_bytes()
    assert tiny.bias.tobytes() in structure.read_bytes()
    assert set(write_structure(whole, structure, least_bytes=1)) == {"table", "bias"}


def test_equal_graphs_give_equal_bytes_whatever_their_weights_are(tiny, another, tmp_path: Path):
    for name, graph in (("a", tiny), ("b", another)):
        write_structure(graph.write(tmp_path / f"{name}-whole.onnx"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_cannot_be_read_or_written_is_named(tiny, tmp_path: Path):
    whole = tiny.write(tmp_path / "whole.onnx")
    with pytest.raises(ArtifactError, match=r"nothing\.onnx is missing; export"):
        write_structure(tmp_path / "nothing.onnx", tmp_path / "graph.onnx")
    with pytest.raises(StorageError, match="cannot write"):
        write_structure(whole, whole / "graph.onnx")
    whole.write_bytes(whole.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="cannot be read as ONNX"):
        write_structure(whole, tmp_path / "graph.onnx")


def test_without_onnx_the_command_that_installs_it_is_said(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = tiny.write(tmp_path / "whole.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependency, match=re.escape(pip_command("optimize"))):
        write_structure(whole, tmp_path / "graph.onnx")
