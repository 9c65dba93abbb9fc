from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from underpaint.core.errors import ArtifactError
from underpaint.learning.seeding import initialized_by
from underpaint.models.low_rank import LowRank, adapt, adapter_of, add_adapter, merge


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def network() -> nn.Module:
    with initialized_by(1):
        return nn.Sequential(
            nn.Linear(12, 20), nn.SiLU(), nn.Sequential(nn.LayerNorm(20), nn.Linear(20, 6, bias=False))
        )


@pytest.fixture
def x() -> Tensor:
    return torch.randn(5, 12, generator=generator(2))


def trained(network: nn.Module, rank: int = 3) -> nn.Module:
    """Return a copy with adapters that are not zero."""
    adapted = copy.deepcopy(network)
    adapt(adapted, rank, generator(3))
    draws = generator(4)
    for name, parameter in adapted.named_parameters():
        if name.endswith(".up"):
            parameter.data = torch.randn(parameter.shape, generator=draws)
    return adapted


def test_a_fresh_adapter_changes_nothing(network, x):
    before = network(x)
    adapt(network, 4, generator())
    assert torch.equal(network(x), before)


def test_only_the_adapters_are_trained_and_all_of_them_get_gradients(network, x):
    adapt(network, 4, generator())
    network(x).square().mean().backward()
    trainable = {name for name, p in network.named_parameters() if p.requires_grad}
    assert trainable == {"0.down", "0.up", "2.1.down", "2.1.up"}
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)


def test_merging_keeps_the_function_and_leaves_plain_maps(network, x):
    adapted = trained(network)
    before = adapted(x)
    assert (before - network(x)).abs().max() > 0.1
    merge(adapted)
    assert not any(isinstance(module, LowRank) for module in adapted.modules())
    assert adapted.state_dict().keys() == network.state_dict().keys()
    torch.testing.assert_close(adapted(x), before)


def test_an_adapter_added_to_the_original_is_the_merged_network(network):
    adapted = trained(network)
    adapter = adapter_of(adapted)
    merge(adapted)
    add_adapter(network, adapter, source="here")
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), adapted.state_dict().values(), strict=True)
    )


def test_what_is_added_has_the_rank_asked_for_or_that_of_a_smaller_map(network):
    before = network[0].weight.clone()
    for rank in (2, 100):
        adapted = trained(network, rank)
        merge(adapted)
        assert torch.linalg.matrix_rank(adapted.get_submodule("0").weight - before, rtol=1e-4) == min(rank, 12)


@pytest.mark.parametrize("change", ["other map", "other size", "half of it"])
def test_an_adapter_of_another_network_is_refused_and_changes_nothing(network, change):
    adapter = adapter_of(trained(network))
    if change == "other map":
        adapter |= {"9.down": torch.zeros(1, 12), "9.up": torch.zeros(20, 1)}
    if change == "other size":
        adapter["0.down"] = torch.zeros(3, 13)
    if change == "half of it":
        del adapter["2.1.up"]
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ArtifactError, match=r"file\.safetensors"):
        add_adapter(network, adapter, source="file.safetensors")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
