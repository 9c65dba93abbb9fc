from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from underpaint.adapters import onnx_nodes, onnx_offline
from underpaint.adapters.onnxruntime import LEVELS, Level, load_graph
from underpaint.core.errors import ArtifactError, SetupError, StorageError


@pytest.mark.parametrize("level", LEVELS)
def test_an_optimized_graph_computes_the_same(tiny, tmp_path: Path, level: Level):
    whole = tiny.write(tmp_path / "whole.onnx")
    onnx_offline.optimize(whole, tmp_path / "optimized.onnx", level=level)
    found = load_graph(tmp_path / "optimized.onnx", {}, threads=1, sha256=None).run(tiny.feeds())
    assert np.allclose(found["y"], tiny.computed(tiny.feeds())["y"], atol=1e-5)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A convolution, as ``y`` of ``x``."""
    kernel = np.random.default_rng(0).standard_normal((16, 16, 3, 3)).astype(np.float32)
    sides = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 16, 8, 8]) for name in ("x", "y")]
    node = onnx.helper.make_node("Conv", ["x", "k"], ["y"], pads=[1, 1, 1, 1])
    graph = onnx.helper.make_graph(
        [node], "painting", sides[:1], sides[1:], [onnx.numpy_helper.from_array(kernel, "k")]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "painting.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "painting.onnx"


def test_channels_are_laid_out_for_one_kind_of_processor_only_where_all_is_asked_for(painting: Path, tmp_path: Path):
    feeds = {"x": np.random.default_rng(1).standard_normal((1, 16, 8, 8)).astype(np.float32)}
    found, due = {}, load_graph(painting, {}, threads=1, sha256=None).run(feeds)["y"]
    for level in LEVELS:
        onnx_offline.optimize(painting, tmp_path / "optimized.onnx", level=level)
        found[level] = onnx_nodes.is_laid_out(tmp_path / "optimized.onnx")
        graph = load_graph(tmp_path / "optimized.onnx", {}, threads=1, sha256=None)
        assert np.allclose(graph.run(feeds)["y"], due, atol=1e-4)
    assert found == {"none": False, "basic": False, "extended": False, "all": True}


def test_a_file_may_be_optimized_in_place(tiny, tmp_path: Path):
    whole = tiny.write(tmp_path / "whole.onnx")
    onnx_offline.optimize(whole, tmp_path / "beside.onnx")
    onnx_offline.optimize(whole, whole)
    assert whole.read_bytes() == (tmp_path / "beside.onnx").read_bytes()


def test_what_cannot_be_read_is_named(tiny, tmp_path: Path):
    whole, target = tiny.write(tmp_path / "whole.onnx"), tmp_path / "out.onnx"
    with pytest.raises(ArtifactError, match=r"none\.onnx is missing; export the model again"):
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
