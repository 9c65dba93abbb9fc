from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from underpaint.adapters.onnx import write_structure
from underpaint.adapters.onnx_structure import read_structure
from underpaint.core.errors import ArtifactError
from underpaint.core.tensor_spec import TensorSpec


def read(data: bytes) -> Any:
    return read_structure(data, source="graph.onnx", remedy="export again")


def test_the_outside_of_a_graph_is_what_onnx_itself_reads(tiny, tmp_path: Path):
    write_structure(tiny.write(tmp_path / "whole.onnx"), tmp_path / "graph.onnx")
    data = (tmp_path / "graph.onnx").read_bytes()
    found, model = read(data), onnx.load_model_from_string(data)
    assert found.ir_version == model.ir_version == 8
    assert found.opset == model.opset_import[0].version == 17
    assert list(found.inputs) == [info.name for info in model.graph.input]
    assert list(found.outputs) == [info.name for info in model.graph.output]
    assert found.weights == {"table": TensorSpec((16, 24), "float32")}


def test_only_the_opset_of_onnx_itself_counts(tiny):
    model = tiny.model()
    model.opset_import.insert(0, onnx.helper.make_opsetid("com.example", 3))
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 5))
    assert read(model.SerializeToString()).opset == 17


def test_a_shape_may_be_written_size_by_size(tiny):
    """Older writers do not pack the sizes."""
    tensor = b"\x08\x10\x08\x18\x10\x01\x42\x05table\x70\x01"  # dims 16, dims 24, float32, its name, external
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    assert read(b"\x3a" + bytes([len(graph)]) + graph).weights == {"table": TensorSpec((16, 24), "float32")}


@pytest.mark.parametrize("data", [b"", b"hello world, hello world", b"\x80" * 40, b"\xff" * 40, b"\x08\x08"])
def test_what_is_no_graph_is_refused(data: bytes):
    with pytest.raises(ArtifactError, match=r"graph\.onnx is no ONNX file or was cut off .*; export again"):
        read(data)


def test_a_cut_inside_the_graph_is_noticed(tiny):
    data = tiny.model().SerializeToString()
    for end in range(10, len(data) - 8, 61):
        with pytest.raises(ArtifactError, match="cut off"):
            read(data[:end])
