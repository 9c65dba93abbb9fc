"""What holds for every engine alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from underpaint.adapters import onnxruntime, openvino
from underpaint.adapters.onnx import write_structure
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.tensor_spec import TensorSpec
from underpaint.runtime.engine import Graph


def with_onnx(whole: Path, folder: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    weights = write_structure(whole, folder / "graph.onnx")
    return onnxruntime.load_graph(folder / "graph.onnx", weights, threads=1, sha256=None, shapes=shapes)


def with_openvino(whole: Path, folder: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    openvino.convert(whole, folder / "graph.xml", half=False)
    return openvino.load_graph(folder / "graph.xml", threads=1, cache=None, shapes=shapes)


@pytest.fixture(params=[with_onnx, with_openvino], ids=["onnx", "openvino"])
def graph(request: pytest.FixtureRequest, tiny, tmp_path: Path) -> Graph:
    load: Callable[[Path, Path], Graph] = request.param
    return load(tiny.write(tmp_path / "whole.onnx"), tmp_path)


def test_a_graph_tells_what_goes_in_and_out(graph: Graph):
    assert graph.inputs == {"x": TensorSpec((2, 16), "float32"), "scale": TensorSpec((), "float32")}
    assert graph.outputs == ("y", "best")


def test_it_computes_what_numpy_does(graph: Graph, tiny):
    for seed in range(5):
        found, due = graph.run(tiny.feeds(seed)), tiny.computed(tiny.feeds(seed))
        assert list(found) == ["y", "best"]
        assert found["y"].dtype == np.float32 and np.allclose(found["y"], due["y"], atol=1e-5)
        assert found["best"].dtype == np.int64 and np.array_equal(found["best"], due["best"])


def test_equal_feeds_give_equal_bits_in_any_order_and_layout(graph: Graph, tiny):
    feeds = tiny.feeds()
    turned = {name: np.array(feeds[name], order="F") for name in reversed(feeds)}
    assert np.array_equal(graph.run(feeds)["y"], graph.run(turned)["y"])


def test_what_comes_out_is_the_callers_own(graph: Graph, tiny):
    first = graph.run(tiny.feeds(1))["y"]
    kept = first.copy()
    graph.run(tiny.feeds(2))
    assert np.array_equal(first, kept)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x": np.zeros((3, 16), np.float32)}, r"'x' is float32 \[3, 16\] where float32 \[2, 16\] is due"),
        ({"x": np.zeros((2, 16))}, r"'x' is float64"),
        ({"z": np.zeros(1)}, "'z' is unknown"),
    ],
)
def test_feeds_that_do_not_fit_are_named(graph: Graph, tiny, changed: dict[str, np.ndarray], said: str):
    with pytest.raises(InputError, match=said):
        graph.run({**tiny.feeds(), **changed})


def memory_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_many_runs_do_not_grow_the_memory(graph: Graph, tiny):
    feeds = tiny.feeds()
    for _ in range(200):
        graph.run(feeds)
    before = memory_kb()
    for _ in range(1500):
        graph.run(feeds)
    assert memory_kb() - before < 200, "outputs that are kept would take more than 300 kB"


def opened(whole: Path) -> Path:
    """Write a graph again with the first dimension of ``x`` and ``y`` left open."""
    onnx = require("onnx", extra="optimize")
    model = onnx.load(whole)
    for value in (*model.graph.input, *model.graph.output):
        for dim in list(value.type.tensor_type.shape.dim)[: value.name != "scale"]:
            dim.dim_param = onnxruntime.open_dimension("x", 0)
    onnx.save(model, whole)
    return whole


@pytest.mark.parametrize("load", [with_onnx, with_openvino], ids=["onnx", "openvino"])
def test_a_dimension_left_open_gets_its_size_when_the_graph_is_loaded(load, tiny, tmp_path: Path):
    whole, feeds = opened(tiny.write(tmp_path / "whole.onnx")), tiny.feeds()
    for size in (1, 2):
        graph = load(whole, tmp_path, shapes={"x": (size, 16)})
        assert graph.inputs["x"] == TensorSpec((size, 16), "float32")
        found = graph.run({**feeds, "x": feeds["x"][:size]})["y"]
        assert np.allclose(found, tiny.computed(feeds)["y"][:size], atol=1e-5)
    with pytest.raises(ArtifactError, match=r"'x'.*fixed shape"):
        load(whole, tmp_path)
