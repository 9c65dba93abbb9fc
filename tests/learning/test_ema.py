from __future__ import annotations

import pytest
import torch
from torch import nn

from underpaint.learning.ema import WeightAverage


@pytest.fixture
def module() -> nn.Module:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    network[0].bias.requires_grad_(False)
    return network


def test_the_average_is_the_weighted_sum_of_all_weights_so_far(module):
    average = WeightAverage(module, decay=0.5)
    weight = module[0].weight
    expected = weight.detach().clone()
    for step in range(1, 8):
        with torch.no_grad():
            weight.add_(1.0)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.detach()
        torch.testing.assert_close(average.average["0.weight"], expected)


def test_constant_weights_have_themselves_as_average(module):
    average = WeightAverage(module, decay=0.999)
    for step in range(1, 50):
        average.update(step)
    torch.testing.assert_close(average.average["0.weight"], module[0].weight.detach())


def test_early_weights_are_soon_forgotten(module):
    average = WeightAverage(module, decay=0.9999)
    with torch.no_grad():
        module[0].weight.fill_(5.0)
    for step in range(1, 101):
        average.update(step)
    torch.testing.assert_close(average.average["0.weight"], torch.full((2, 2), 5.0), atol=1e-3, rtol=0)


def test_only_trainable_parameters_are_averaged(module):
    assert set(WeightAverage(module, 0.9).average) == {"0.weight", "1.weight", "1.bias"}


def test_the_average_is_swapped_in_and_out_bit_for_bit(module):
    average = WeightAverage(module, decay=0.9)
    for value in average.average.values():
        value.add_(1.0 / 3.0)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with average.applied() as inside:
        assert inside is module
        assert torch.equal(module[0].weight, average.average["0.weight"])
        assert torch.equal(module[0].bias, before["0.bias"])
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_an_error_inside_leaves_the_weights_as_they_were(module):
    average = WeightAverage(module, decay=0.9)
    average.average["0.weight"].add_(1.0)
    before = module[0].weight.detach().clone()
    with pytest.raises(RuntimeError, match="stop"), average.applied():
        raise RuntimeError("stop")
    assert torch.equal(module[0].weight, before)


def test_the_average_follows_no_gradient(module):
    average = WeightAverage(module, decay=0.9)
    average.update(1)
    assert not any(value.requires_grad for value in average.average.values())
