from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from underpaint.stages.train.tuning.verdict import Point
from underpaint.stages.train.tuning.watch import Watch


@pytest.fixture
def module() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1).requires_grad_(False))


def at(module: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)
    return module


def test_the_weights_of_the_best_validation_come_back_and_frozen_ones_are_left_alone(module):
    watch = Watch(module, 4)
    for step, (held_out, value) in enumerate([(5.0, 0.0), (4.0, 1.0), (4.5, 2.0)]):
        watch.note(at(module, value), Point(step, 1.0, held_out, 1.0))
    watch.restore(at(module, 9.0))
    assert {float(p.detach().mean()) for p in module[0].parameters()} == {1.0}
    assert {float(p.detach().mean()) for p in module[1].parameters()} == {9.0}


def test_waiting_counts_the_validations_since_the_best(module):
    watch, waited = Watch(module, 5), []
    for step, held_out in enumerate([5.0, 4.0, 4.5, 4.5, 3.0]):
        watch.note(module, Point(step, 1.0, held_out, 1.0))
        waited.append(watch.waited)
    assert waited == [0, 0, 1, 2, 0]


def test_a_watch_that_is_loaded_from_its_state_goes_on_as_if_nothing_had_happened(module):
    watch = Watch(module, 3)
    watch.note(at(module, 1.0), Point(0, 2.0, 5.0, 1.0))
    other = Watch(copy.deepcopy(module), 3)
    other.load_state_dict(watch.state_dict())
    assert other.points == watch.points == [Point(0, 2.0, 5.0, 1.0)]
    other.note(at(module, 7.0), Point(4, 1.0, 6.0, 1.0))
    other.restore(module)
    assert {float(p.detach().mean()) for p in module[0].parameters()} == {1.0}
