from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from underpaint.adapters import onnx_offline
from underpaint.adapters.onnxruntime import load_graph
from underpaint.core.errors import ArtifactError, SetupError, StorageError


@pytest.mark.parametrize("fuse", [False, True])
def test_an_optimized_graph_computes_the_same(tiny, tmp_path: Path, fuse: bool):
    whole = tiny.write(tmp_path / "whole.onnx")
    onnx_offline.optimize(whole, tmp_path / "optimized.onnx", fuse=fuse)
    found = load_graph(tmp_path / "optimized.onnx", {}, threads=1, sha256=None).run(tiny.feeds())
    assert np.allclose(found["y"], tiny.computed(tiny.feeds())["y"], atol=1e-5)


def test_operators_that_one_engine_alone_knows_are_used_only_where_they_may_be(tiny, tmp_path: Path):
    def domains(path: Path) -> set[str]:
        return {node.domain for node in onnx.load(path).graph.node}

    whole = tiny.write(tmp_path / "whole.onnx")
    onnx_offline.optimize(whole, tmp_path / "basic.onnx")
    onnx_offline.optimize(whole, tmp_path / "fused.onnx", fuse=True)
    assert domains(tmp_path / "basic.onnx") == {""} and "com.microsoft.nchwc" not in domains(tmp_path / "fused.onnx")


def test_a_file_may_be_optimized_in_place(tiny, tmp_path: Path):
    whole = tiny.write(tmp_path / "whole.onnx")
    onnx_offline.optimize(whole, tmp_path / "beside.onnx")
    onnx_offline.optimize(whole, whole)
    assert whole.read_bytes() == (tmp_path / "beside.onnx").read_bytes()


def test_what_cannot_be_read_is_named(tiny, tmp_path: Path):
    whole, target = tiny.write(tmp_path / "whole.onnx"), tmp_path / "out.onnx"
    with pytest.raises(ArtifactError, match=r"none\.onnx is missing; export or download"):
        onnx_offline.optimize(tmp_path / "none.onnx", target)
    (tmp_path / "cut.onnx").write_bytes(whole.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match=r"cut\.onnx"):
        onnx_offline.optimize(tmp_path / "cut.onnx", target)
    with pytest.raises(SetupError, match="pip install --upgrade onnxruntime"):
        onnx_offline.optimize(tiny.write(tmp_path / "new.onnx", ir_version=99), target)
    assert not target.exists()


@pytest.mark.parametrize("place", ["no such folder/out.onnx", "/dev/full"])
def test_what_cannot_be_written_is_named(tiny, tmp_path: Path, place: str):
    with pytest.raises(StorageError, match=r"cannot write .*(out\.onnx|full); choose another place or free some space"):
        onnx_offline.optimize(tiny.write(tmp_path / "whole.onnx"), tmp_path / place)
