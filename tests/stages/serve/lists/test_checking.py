"""A list that is looked through: every row is reckoned with whom it will be drawn by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.lists.checking import checked
from underpaint.stages.serve.service import Service

COSTS_S = {"stickers-64": 1.0, "tiny": 4.0}


@dataclass
class Costs:
    """A dispatcher that knows what a picture costs, and no more."""

    def cost_s(self, name: str) -> float:
        return COSTS_S[name]


class Asked:
    """Readers that only note whom they were asked about."""

    def __init__(self) -> None:
        self.models: list[str] = []

    def read(self, model: Any, prompts: list[str]) -> list[None]:
        self.models.append(model.size)
        return [None for _ in prompts]


@pytest.mark.parametrize(
    ("common", "side", "cost_s"),
    [
        ({}, 64, 3.0),
        ({"size": "64x64"}, 64, 3.0),
        ({"size": "32x32"}, 32, 12.0),
        ({"model": "tiny"}, 32, 12.0),
    ],
)
def test_a_row_costs_and_is_read_as_by_the_model_that_will_draw_it(tiny_model, tmp_path, common, side, cost_s):
    models = {"stickers-64": None, "tiny": str(tiny_model)}
    service: Any = Service(ServeConfig(models=models, engine="torch", state=tmp_path))
    service.dispatcher, service.readers = Costs(), Asked()
    found = checked("prompt,n\na cat,2\na dog,\n", common, service, "ann")
    assert (found.mistakes, found.num_pictures, found.cost_s) == ([], 3, cost_s)
    assert service.readers.models == [f"{side}x{side}"] * 2
