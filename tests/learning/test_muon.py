from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.learning.config import LoopConfig
from underpaint.learning.ema import WeightAverage
from underpaint.learning.muon import Muon, orthogonalized
from underpaint.learning.optimizer import make_optimizer
from underpaint.learning.seeding import initialized_by
from underpaint.learning.state import load_state, save_state


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def svd(matrices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    u, values, vh = torch.linalg.svd(matrices, full_matrices=False)
    return u, values, vh


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(16, 64), nn.Linear(64, 64), nn.Linear(64, 64)
        self.head = nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second, self.third):
            x = F.silu(layer(x))
        return self.head(x)


def network() -> Network:
    with initialized_by(0):
        return Network()


def take_steps(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int, first: int = 0) -> list[float]:
    """Learn a fixed smooth function and return the losses."""
    losses = []
    for step in range(first, first + steps):
        x = noise(64, 16, seed=step)
        loss = (module(x) - torch.tanh(x[:, :4] - x[:, 4:8])).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def ours(module: nn.Module, weight_decay: float = 0.05, lr: float = 3e-3) -> torch.optim.Optimizer:
    config = {"steps": 1, "optimizer": "muon", "lr": lr, "betas": (0.9, 0.95), "weight_decay": weight_decay}
    return make_optimizer(module, LoopConfig.model_validate(config))


SHAPES = [(64, 16), (16, 64), (48, 192), (3, 50), (1, 20)]


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_come_near_one_and_singular_vectors_stay(shape):
    matrices = noise(3, *shape)
    found = orthogonalized(matrices)
    u, _, vh = svd(matrices)
    inner = u.mT @ found @ vh.mT
    values = inner.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(inner, torch.diag_embed(values), atol=1e-5, rtol=0)
    assert float(values.min()) > 0.68 and float(values.max()) < 1.21
    assert float((found - u @ vh).norm() / (u @ vh).norm()) < 0.32, "the polar factor, by an independent way"


def test_directions_of_very_different_size_come_out_alike():
    u, _, vh = svd(noise(1, 8, 8))
    values = torch.logspace(0, -2.4, 8)
    found = torch.linalg.svdvals(orthogonalized(u * values @ vh))
    assert float(values.max() / values.min()) > 200 and float(found.max() / found.min()) < 2.0


def test_matrices_taken_together_are_what_each_is_alone_and_their_size_does_not_matter():
    matrices = noise(4, 12, 20)
    together = orthogonalized(matrices)
    for row in range(4):
        torch.testing.assert_close(orthogonalized(matrices[row : row + 1])[0], together[row], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(orthogonalized(1e3 * matrices), together, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(orthogonalized(matrices.mT), together.mT, atol=1e-5, rtol=1e-4)


def test_a_gradient_of_zeros_moves_nothing():
    weight = nn.Parameter(noise(4, 4))
    before = weight.detach().clone()
    weight.grad = torch.zeros(4, 4)
    Muon([{"params": [weight], "muon": True}], lr=1.0).step()
    assert torch.equal(weight.detach(), before)


def test_matrices_go_where_those_of_torch_go_up_to_its_bfloat16():
    reference, own = ([nn.Parameter(noise(*shape, seed=n)) for n, shape in enumerate(SHAPES[:3])] for _ in range(2))
    theirs = torch.optim.Muon(reference, lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    mine = Muon([{"params": own, "muon": True, "weight_decay": 0.1}], lr=0.02)
    before = [p.detach().clone() for p in own]
    for step in range(5):
        for number, (a, b) in enumerate(zip(reference, own, strict=True)):
            a.grad = noise(*a.shape, seed=100 * step + number)
            b.grad = a.grad.clone()
        theirs.step()
        mine.step()
    for start, a, b in zip(before, reference, own, strict=True):
        wanted, got = a.detach() - start, b.detach() - start
        assert float(wanted.norm()) > 0.1
        assert float((got - wanted).norm() / wanted.norm()) < 0.02


def test_a_step_has_the_root_mean_square_of_adamws():
    weight = nn.Parameter(torch.zeros(96, 32))
    weight.grad = noise(96, 32)
    Muon([{"params": [weight], "muon": True}], lr=0.01).step()
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.2)


def test_everything_that_is_no_matrix_moves_as_by_adamw():
    reference, own = ([nn.Parameter(noise(*shape)) for shape in ((7,), (2, 3, 4), (5, 6))] for _ in range(2))
    theirs = torch.optim.AdamW(reference, lr=2e-3, betas=(0.9, 0.95), weight_decay=0.1)
    mine = Muon([{"params": own, "weight_decay": 0.1}], lr=2e-3, betas=(0.9, 0.95))
    for step in range(20):
        for number, (a, b) in enumerate(zip(reference, own, strict=True)):
            a.grad = noise(*a.shape, seed=100 * step + number)
            b.grad = a.grad.clone()
        theirs.step()
        mine.step()
    for a, b in zip(reference, own, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_a_smooth_function_is_learned_about_as_well_as_by_adamw_each_at_its_own_learning_rate():
    one, two = network(), network()
    adamw = torch.optim.AdamW(one.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.05)
    wanted, got = take_steps(one, adamw, 200), take_steps(two, ours(two, lr=3e-2), 200)
    assert sum(got[100:]) < 0.1 * sum(got[:50])
    assert sum(got[50:]) < 1.5 * sum(wanted[50:])


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_hidden_matrices_are_muons_and_embeddings_heads_kernels_and_vectors_are_adamws(weight_decay):
    module = nn.ModuleDict(
        {
            "embedding": nn.Embedding(3, 4),
            "hidden": nn.Linear(4, 4),
            "kernel": nn.Conv2d(4, 4, 3),
            "norm": nn.LayerNorm(4),
            "head": nn.Linear(4, 3),
        }
    )
    optimizer = ours(module, weight_decay)
    names = {id(p): name for name, p in module.named_parameters()}
    marked = {g["muon"]: {names[id(p)] for q in optimizer.param_groups if q["muon"] == g["muon"] for p in q["params"]}
              for g in optimizer.param_groups}  # fmt: skip
    assert marked[True] == {"hidden.weight"}
    assert marked[False] == set(names.values()) - marked[True]
    decayed = {names[id(p)] for g in optimizer.param_groups if g["weight_decay"] > 0 for p in g["params"]}
    assert decayed == ({"hidden.weight", "kernel.weight", "head.weight"} if weight_decay else set())


def test_what_is_no_matrix_is_refused():
    with pytest.raises(InputError, match=r"got a parameter of shape \[5\] \(1 such in all\)"):
        Muon([{"params": [nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(5))], "muon": True}])


def test_parameters_without_a_gradient_are_left_alone():
    module = network()
    optimizer = ours(module)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    module.second.weight.grad = noise(64, 64)
    optimizer.step()
    moved = {name for name, p in module.named_parameters() if not torch.equal(p.detach(), before[name])}
    assert moved == {"second.weight"} and set(optimizer.state) == {module.second.weight}


def test_a_restored_state_goes_on_bit_for_bit(tmp_path):
    whole, first, second = network(), network(), network()
    take_steps(whole, ours(whole), 8)
    optimizer, fresh = ours(first), ours(second)
    take_steps(first, optimizer, 5)
    path = tmp_path / "state.safetensors"
    kept = {"module": first, "optimizer": optimizer, "average": WeightAverage(first, 0.9), "identity": "one"}
    save_state(path, **kept, step=5, extra={})  # pyright: ignore[reportArgumentType]
    load_state(path, module=second, optimizer=fresh, average=WeightAverage(second, 0.9), identity="one")
    assert {name for slots in fresh.state.values() for name in slots} == {"momentum", "step", "exp_avg", "exp_avg_sq"}
    take_steps(second, fresh, 3, first=5)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))
