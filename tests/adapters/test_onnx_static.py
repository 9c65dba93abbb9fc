from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from underpaint.adapters import onnx_nodes, onnx_offline, onnx_static
from underpaint.adapters.onnxruntime import load_graph
from underpaint.core.errors import ArtifactError, InputError, SetupError

RNG = np.random.default_rng(0)
FEEDS = [{"x": RNG.standard_normal((1, 8, 6, 6)).astype(np.float32)} for _ in range(4)]
PRODUCTS = ("conv", "up", "down")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A convolution, a product with a bias whose weight lies the other way, and one without."""
    rng = np.random.default_rng(1)
    shapes = {"k": (4, 8, 3, 3), "kb": (4,), "u": (32, 144), "ub": (32,), "d": (32, 5)}
    weights = {name: (rng.standard_normal(shape) / 4).astype(np.float32) for name, shape in shapes.items()}
    weights["u"][:, 3] *= 50.0
    nodes = [
        helper.make_node("Conv", ["x", "k", "kb"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["c"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "u", "ub"], ["g"], name="up", transB=1),
        helper.make_node("Identity", ["d"], ["same"], name="alias"),
        helper.make_node("MatMul", ["g", "same"], ["y"], name="down"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "three",
        [value("x", TensorProto.FLOAT, [1, 8, 6, 6])],
        [value("y", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "whole.onnx").write_bytes(model.SerializeToString())
    onnx_offline.optimize(tmp_path / "whole.onnx", tmp_path / "f32.onnx")
    return tmp_path / "f32.onnx"


def run(path: Path, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    return load_graph(path, {}, threads=1, sha256=None).run(feeds)["y"]


def error(path: Path, whole: Path) -> float:
    due = np.stack([run(whole, feeds) for feeds in FEEDS])
    return float(np.linalg.norm(np.stack([run(path, feeds) for feeds in FEEDS]) - due) / np.linalg.norm(due))


def test_products_are_named_with_their_weights_under_whatever_name(whole: Path, tmp_path: Path):
    for path in (whole, tmp_path / "whole.onnx"):
        found = onnx_nodes.products(path)
        assert {name: array.shape for name, array in found.items()} == {
            "conv": (4, 8, 3, 3), "up": (32, 144), "down": (32, 5),
        }  # fmt: skip
    assert set(onnx_nodes.products(whole, ("Gemm",))) == {"up"}


def test_a_calibrated_graph_is_near_and_nearer_the_fewer_products_have_8_bits(whole: Path, tmp_path: Path):
    ranges = onnx_static.find_ranges(whole, PRODUCTS, FEEDS)
    errors = []
    for products in ((), ("up",), PRODUCTS):
        onnx_static.quantize(whole, tmp_path / "int8.onnx", products, ranges)
        errors.append(error(tmp_path / "int8.onnx", whole))
    assert errors[0] == 0.0 < errors[1] < errors[2] < 0.03


def test_the_engine_fuses_it_into_products_of_integers_that_give_the_same(whole: Path, tmp_path: Path):
    ranges = onnx_static.find_ranges(whole, PRODUCTS, FEEDS)
    onnx_static.quantize(whole, tmp_path / "int8.onnx", PRODUCTS, ranges)
    onnx_offline.optimize(tmp_path / "int8.onnx", tmp_path / "fused.onnx", level="extended")
    kinds = {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
    assert {"QLinearConv", "QGemm", "MatMulIntegerToFloat"} <= kinds
    assert error(tmp_path / "fused.onnx", whole) == pytest.approx(error(tmp_path / "int8.onnx", whole), rel=0.5)


def test_equal_work_gives_equal_bytes(whole: Path, tmp_path: Path):
    for name in ("a", "b"):
        ranges = onnx_static.find_ranges(whole, PRODUCTS, FEEDS)
        onnx_static.quantize(whole, tmp_path / name, PRODUCTS, ranges)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_weight_is_rounded_to_seven_bits_a_channel(axis: int):
    weight = np.random.default_rng(2).standard_normal((5, 7)).astype(np.float32)
    array, scale = onnx_static.quantized_weight(weight, axis)
    assert array.dtype == np.int8 and int(np.abs(array).max()) == 64
    shape = (-1, 1) if axis == 0 else (1, -1)
    assert np.abs(array * scale.reshape(shape) - weight).max() <= scale.max() / 2 + 1e-6
    zero, one = onnx_static.quantized_weight(np.zeros((3, 2), np.float32), axis)
    assert not zero.any() and np.isfinite(one).all()


def test_smoothing_changes_no_product_and_levels_the_channels():
    rng = np.random.default_rng(3)
    x, weight = rng.standard_normal((50, 6)) * [1, 1, 1, 1, 1, 100], rng.standard_normal((6, 4))
    s = onnx_static.smoothing(np.abs(x).max(axis=0), weight)
    assert np.allclose((x / s) @ (weight * s[:, None]), x @ weight)
    before, after = np.abs(x).max(axis=0), np.abs(x / s).max(axis=0)
    assert after.max() / after.min() < 0.6 * before.max() / before.min()
    assert onnx_static.smoothing(np.array([0.0, 1.0]), np.array([[1.0], [0.0]])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("factor", "smoothed"), [(1.0, 0), (100.0, 1)])
def test_only_channels_that_stand_out_are_smoothed_and_it_pays(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, smoothed: int
):
    onnx_offline.optimize(tiny.write(tmp_path / "whole.onnx"), tmp_path / "f32.onnx")
    name = next(iter(onnx_nodes.products(tmp_path / "f32.onnx")))
    feeds = [tiny.feeds(seed) for seed in range(20)]
    for given in feeds:
        given["x"][:, 3] *= factor
    ranges = onnx_static.find_ranges(tmp_path / "f32.onnx", (name,), feeds)
    exact = load_graph(tmp_path / "f32.onnx", {}, threads=1, sha256=None)
    errors = []
    for outlier in (onnx_static.OUTLIER, np.inf):
        monkeypatch.setattr(onnx_static, "OUTLIER", outlier)
        onnx_static.quantize(tmp_path / "f32.onnx", tmp_path / f"{outlier}.onnx", (name,), ranges)
        graph = load_graph(tmp_path / f"{outlier}.onnx", {}, threads=1, sha256=None)
        errors.append(max(float(np.abs(graph.run(given)["y"] - exact.run(given)["y"]).max()) for given in feeds))
    nodes = onnx.load(tmp_path / "8.0.onnx").graph.node
    assert sum(node.op_type == "Mul" and name in node.name for node in nodes) == smoothed
    assert errors[0] < 0.7 * errors[1] if smoothed else errors[0] == errors[1]


def test_what_goes_into_an_operator_can_be_given_out_and_taken_back(tiny, tmp_path: Path):
    whole = tiny.write(tmp_path / "whole.onnx")
    assert onnx_nodes.watch_inputs(whole, tmp_path / "watched.onnx", "ArgMax") == ("sum",)
    found = load_graph(tmp_path / "watched.onnx", {}, threads=1, sha256=None).run(tiny.feeds())
    assert np.array_equal(found["sum"].argmax(axis=1), found["best"]) and set(found) == {"y", "best", "sum"}
    onnx_nodes.keep_outputs(tmp_path / "watched.onnx", tmp_path / "kept.onnx", ("y",))
    assert load_graph(tmp_path / "kept.onnx", {}, threads=1, sha256=None).outputs == ("y",)


def test_what_the_engine_refuses_is_one_of_our_errors(whole: Path, tmp_path: Path):
    for old, new, said in ((b"transB", b"transC", "transC"), (b"Flatten", b"Flattem", "install a newer engine")):
        (tmp_path / "odd.onnx").write_bytes(whole.read_bytes().replace(old, new))
        with pytest.raises((ArtifactError, SetupError), match=rf"odd\.onnx.*{said}"):
            onnx_static.find_ranges(tmp_path / "odd.onnx", PRODUCTS, FEEDS)
    with pytest.raises(InputError, match=r"'x' is float32 \[1, 8, 5, 5\] where float32 \[1, 8, 6, 6\] is due"):
        onnx_static.find_ranges(whole, PRODUCTS, [{"x": FEEDS[0]["x"][..., 1:, 1:]}])
