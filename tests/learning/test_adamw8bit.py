from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.learning.adamw8bit import SMALL, AdamW8bit, state_bytes
from underpaint.learning.config import LoopConfig
from underpaint.learning.ema import WeightAverage
from underpaint.learning.optimizer import make_optimizer, parameter_groups
from underpaint.learning.seeding import initialized_by
from underpaint.learning.state import load_state, save_state

SETTINGS = {"lr": 2e-3, "betas": (0.9, 0.95), "weight_decay": 0.05}


class Network(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(16, width), nn.Linear(width, width), nn.Linear(width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.silu(self.second(F.silu(self.first(x)))))


def network(width: int = 128) -> Network:
    with initialized_by(0):
        return Network(width)


def take_steps(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int, first: int = 0) -> list[float]:
    """Learn a fixed smooth function and return the losses."""
    losses = []
    for step in range(first, first + steps):
        x = torch.randn(64, 16, generator=torch.Generator().manual_seed(step))
        loss = (module(x) - torch.tanh(x[:, :4] - x[:, 4:8])).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def reference(module: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(module.parameters(), **SETTINGS)  # pyright: ignore[reportArgumentType]


def ours(module: nn.Module) -> AdamW8bit:
    return AdamW8bit(module.parameters(), **SETTINGS)  # pyright: ignore[reportArgumentType]


def test_small_tensors_take_the_steps_of_adamw_in_float32():
    one, two = network(32), network(32)
    assert max(p.numel() for p in one.parameters()) < SMALL
    take_steps(one, reference(one), 30)
    take_steps(two, ours(two), 30)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_loss_follows_that_of_adamw_with_32_bits():
    one, two = network(), network()
    wanted, got = take_steps(one, reference(one), 200), take_steps(two, ours(two), 200)
    assert sum(got[150:]) == pytest.approx(sum(wanted[150:]), rel=0.03)
    assert sum(wanted[150:]) < 0.5 * sum(wanted[:50])
    assert any(a != b for a, b in zip(wanted, got, strict=True)), "nothing was quantized"


def test_a_step_goes_where_that_of_adamw_goes():
    one, two = network(), network()
    before = one.second.weight.detach().clone()
    take_steps(one, reference(one), 10)
    take_steps(two, ours(two), 10)
    a, b = (part.second.weight.detach() - before for part in (one, two))
    assert torch.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 0.999
    assert float(b.norm() / a.norm()) == pytest.approx(1.0, abs=0.01)


def test_numbers_far_below_their_block_take_no_leaps():
    weight = nn.Parameter(torch.zeros(2 * SMALL))
    optimizer = AdamW8bit([weight], lr=1.0, betas=(0.9, 0.999))
    scale = torch.logspace(0, -12, 2 * SMALL)[torch.randperm(2 * SMALL, generator=torch.Generator().manual_seed(1))]
    for step in range(20):
        before = weight.detach().clone()
        noise = torch.randn(2 * SMALL, generator=torch.Generator().manual_seed(step))
        weight.grad = noise * scale
        optimizer.step()
        assert (weight.detach() - before).abs().max() < 10.0


def test_the_state_takes_about_a_quarter_of_the_memory():
    one, two = network(512), network(512)
    small, large = ours(two), reference(one)
    take_steps(one, large, 1)
    take_steps(two, small, 1)
    assert 0.25 < state_bytes(small) / state_bytes(large) < 0.27


def saved(folder, module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, object]:
    kept = {"module": module, "optimizer": optimizer, "average": WeightAverage(module, 0.9), "identity": "one"}
    save_state(folder / "state.safetensors", **kept, step=5, extra={})  # pyright: ignore[reportArgumentType]
    return kept


def test_a_restored_state_goes_on_bit_for_bit(tmp_path):
    whole, first, second = network(), network(), network()
    take_steps(whole, ours(whole), 12)
    optimizer = ours(first)
    take_steps(first, optimizer, 5)
    saved(tmp_path, first, optimizer)
    fresh = ours(second)
    load_state(
        tmp_path / "state.safetensors",
        module=second,
        optimizer=fresh,
        average=WeightAverage(second, 0.9),
        identity="one",
    )
    codes = [slots["m"] for slots in fresh.state.values()]
    assert {value.dtype for value in codes if value.numel() >= SMALL} == {torch.uint8}
    take_steps(second, fresh, 7, first=5)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


def test_parameters_without_a_gradient_are_left_alone():
    module = network()
    optimizer = ours(module)
    before = module.first.weight.detach().clone()
    module.second.weight.grad = torch.ones(128, 128)
    optimizer.step()
    assert torch.equal(module.first.weight, before) and set(optimizer.state) == {module.second.weight}


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("adamw8bit", AdamW8bit)])
def test_the_settings_choose_the_optimizer_and_both_decay_the_same_tensors(name, kind):
    module = nn.ModuleDict({"embedding": nn.Embedding(3, 4), "linear": nn.Linear(4, 4), "norm": nn.LayerNorm(4)})
    config = LoopConfig.model_validate({"steps": 1, "optimizer": name, "weight_decay": 0.3, "betas": (0.5, 0.6)})
    optimizer = make_optimizer(module, config)
    assert type(optimizer) is kind
    decayed: list[Tensor] = [p for g in optimizer.param_groups if g["weight_decay"] == 0.3 for p in g["params"]]
    assert [id(p) for p in decayed] == [id(module["linear"].weight)]
    assert all(group["betas"] == (0.5, 0.6) for group in optimizer.param_groups)


def test_a_network_without_matrices_has_one_group():
    assert len(parameter_groups(nn.LayerNorm(4), 0.1)) == 1
