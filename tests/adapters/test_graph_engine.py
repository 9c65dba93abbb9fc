from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.adapters import graph_engine, onnxruntime, openvino
from underpaint.core.errors import ArtifactError, SetupError

ENGINES = (onnxruntime.ENGINE, openvino.ENGINE)
GRAPH = Path("graphs/one")


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_refused_graph_is_to_be_made_again(engine):
    error = engine.refusal("1.2", GRAPH, RuntimeError("it is\n  broken"))
    assert isinstance(error, ArtifactError)
    assert str(error) == f"{engine.name} 1.2 cannot load graphs/one: it is broken; {graph_engine.REMEDY}"
    assert "underpaint export MODEL --out DIR" in graph_engine.REMEDY


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_graph_that_is_too_new_asks_for_a_newer_engine(engine):
    for mark in engine.too_new:
        error = engine.refusal("1.2", GRAPH, RuntimeError(f"node 7: {mark}"), "opset 99")
        assert isinstance(error, SetupError)
        assert str(error).startswith(f"{engine.name} 1.2 is too old for graphs/one (opset 99): node 7: {mark}; ")
        assert str(error).endswith(f"pip install --upgrade {engine.package}")


def test_a_long_refusal_is_cut():
    assert len(str(ENGINES[0].refusal("1.2", GRAPH, RuntimeError("x" * 10_000)))) < 500
