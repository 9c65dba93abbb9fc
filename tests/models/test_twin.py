from __future__ import annotations

import torch
from torch import nn

from underpaint.models.twin import exchanged, twin


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)))


def test_a_twin_shares_every_number_and_no_module() -> None:
    original = network()
    other = twin(original)
    for name, value in original.state_dict(keep_vars=True).items():
        assert other.state_dict(keep_vars=True)[name] is value
    assert not set(map(id, original.modules())) & set(map(id, other.modules()))


def test_exchanging_leaves_the_original_as_it_is() -> None:
    original = network()
    before = dict(original.named_modules())
    other = exchanged(original, {"1.1": nn.Identity()})
    assert isinstance(other[1][1], nn.Identity)  # pyright: ignore[reportIndexIssue]
    assert dict(original.named_modules()) == before


def test_changed_tensors_stand_in_the_copy_alone() -> None:
    original = network()
    other = twin(original, lambda tensor: nn.Parameter(tensor + 1) if isinstance(tensor, nn.Parameter) else tensor)
    assert torch.equal(other.get_parameter("0.bias"), original.get_parameter("0.bias") + 1)
