"""The graphs of one network: which of them answers a call, and when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, bind
from underpaint.core.errors import InputError
from underpaint.core.tensor_spec import TensorSpec, check_feeds
from underpaint.pipelines.exported_loop import NetworkGraphs, Shapes, widened
from underpaint.pipelines.loop import NEEDS, Loop, NetworkCall


class Network(nn.Module):
    """Adds."""

    def forward(self, x: Tensor, t: Tensor, deep: bool = False) -> tuple[Tensor]:
        return (x + t + deep,)


class Adding:
    """A graph that does in NumPy what the network does, in one shape."""

    name: Literal["onnx"] = "onnx"
    outputs = ("out.0",)

    def __init__(self, shapes: Shapes, deep: bool) -> None:
        self.inputs = {name: TensorSpec(shape, "float32") for name, shape in shapes.items()}
        self.deep = deep

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        check_feeds(feeds, self.inputs)
        return {"out.0": np.asarray(feeds["x"] + feeds["t"] + self.deep, dtype=np.float32)}


PAIR: Shapes = {"x": (2, 3), "t": ()}
ALONE: Shapes = {"x": (1, 3), "t": ()}


def graphs(loaded: list[tuple[bool, Shapes]]) -> NetworkGraphs:
    """Return the graphs of a network that is called in two ways, and note what is loaded."""

    def way(deep: bool, *shapes: Shapes) -> tuple[NetworkCall, Any]:
        def load(chosen: Shapes) -> Adding:
            loaded.append((deep, chosen))
            return Adding(chosen, deep)

        return NetworkCall(graph=f"unet_{deep}", constants={"deep": deep}, shapes=shapes), load

    return NetworkGraphs("unet", [way(False, PAIR, ALONE), way(True, PAIR)])


def call_of(batch: int, deep: bool) -> Call:
    return bind(Network(), "forward", (torch.ones(3, batch).T, torch.tensor(2.0)), {"deep": deep})


@pytest.mark.parametrize(("batch", "deep"), [(2, False), (1, False), (2, True)])
def test_the_graph_that_was_made_for_a_call_answers_it(batch: int, deep: bool):
    answer = graphs([])(call_of(batch, deep))["out.0"]
    assert torch.equal(answer, torch.full((batch, 3), 3.0 + deep))


def test_what_a_picture_needs_by_default_is_loaded_first_and_the_rest_when_it_is_asked_for():
    loaded: list[tuple[bool, Shapes]] = []
    made = graphs(loaded)
    made.warm()
    assert loaded == [(False, PAIR), (True, PAIR)]
    for _ in range(2):
        made(call_of(1, False))
    assert loaded == [(False, PAIR), (True, PAIR), (False, ALONE)]


def test_a_call_that_no_graph_was_made_for_is_refused_with_those_that_were():
    with pytest.raises(InputError, match=r"made for x \[2, 3\], t \[\], deep = False; .*called with x \[3, 3\]"):
        graphs([])(call_of(3, False))
    with pytest.raises(InputError, match=r"called with x \[1, 3\], t \[\], deep = True \[graph.fixed\]; make it again"):
        graphs([])(call_of(1, True))


def test_halves_are_widened_and_nothing_else_is_changed():
    given = {"half": np.ones(2, np.float16), "whole": np.ones(2, np.float32), "index": np.ones(2, np.int64)}
    assert [array.dtype.name for array in widened(given).values()] == ["float32", "float32", "int64"]


@pytest.mark.parametrize(
    "values", [{"needs": ["os"]}, {"networks": {}}, {"networks": {"unet": [{"graph": "../x", "shapes": [{}]}]}}]
)
def test_a_loop_that_names_other_packages_or_leads_out_of_its_folder_is_refused(values: dict[str, Any]):
    whole = {"width": 8, "height": 8, "networks": {"unet": [{"graph": "unet", "shapes": [{"x": [1]}]}]}}
    assert Loop.parse(whole, source="test").needs == NEEDS
    with pytest.raises(InputError):
        Loop.parse(whole | values, source="test")
