"""Calls that say the same are one graph, and what differs among them is left open."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call
from underpaint.adapters.diffusers.recording import recording
from underpaint.stages.optimize.export.ways import ways_of


class Network(nn.Module):
    def forward(self, x: Tensor, t: Tensor, **told: Any) -> tuple[Tensor]:
        return (x + t,)


def calls_of(*given: tuple[Tensor, Tensor, dict[str, Any]]) -> list[Call]:
    network = Network()
    with recording({"unet": network}) as calls:
        for x, t, told in given:
            network(x, t, **told)
    return calls["unet"]


T = torch.tensor(3.0)


def test_equal_calls_are_one_way_with_one_shape():
    (way,) = ways_of("unet", calls_of((torch.zeros(1, 4), T, {}), (torch.ones(1, 4), 2 * T, {})))
    assert way.shapes == [{"x": (1, 4), "t": ()}] and way.open == {} and way.constants == {}


def test_dimensions_that_differ_are_open_and_the_first_shape_comes_first():
    (way,) = ways_of("unet", calls_of(*((torch.zeros(n, 4), T, {}) for n in (2, 1, 2))))
    assert way.open == {"x": (0,)}
    assert way.shapes == [{"x": (2, 4), "t": ()}, {"x": (1, 4), "t": ()}]


def test_what_is_told_otherwise_is_another_way():
    found = ways_of("unet", calls_of((T, T, {"deep": True}), (T, T, {"deep": False}), (T, T, {"deep": True})))
    assert [way.constants for way in found] == [{"deep": True}, {"deep": False}]


def test_another_kind_of_number_or_of_tensor_is_another_way():
    given = [(torch.zeros(1), T, {}), (torch.zeros(1), T.long(), {}), (torch.zeros(1, 1), T, {})]
    assert len(ways_of("unet", calls_of(*given))) == 3
    assert len(ways_of("unet", calls_of(given[0], (torch.zeros(1), T, {"more": T})))) == 2
