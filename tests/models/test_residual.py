from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from underpaint.models.residual import ResidualConfig, ResidualRefiner


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def inputs(batch: int = 2, side: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return x_t, t, hidden, token and f."""
    t = torch.linspace(0.2, 0.8, batch)
    cells = side * side
    return (
        noise(batch, 3, side, side, seed=1),
        t,
        noise(batch, cells, 10, seed=2),
        noise(batch, cells, 3, seed=3),
        noise(batch, 3, side, side, seed=4),
    )


@pytest.fixture
def make(stir):
    def build(kind: Literal["conv", "mlp"], fresh: bool = False) -> ResidualRefiner:
        refiner = ResidualRefiner(ResidualConfig(kind=kind, width=16, depth=2, hidden_width=10, latent_channels=3))
        if not fresh:
            stir(refiner)
        return refiner.eval()

    return build


@torch.no_grad()
def test_a_fresh_refiner_adds_nothing(make):
    out = make("conv", fresh=True)(*inputs())
    assert torch.equal(out, torch.zeros(2, 3, 4, 4))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["conv", "mlp"])
def test_every_input_matters(make, kind):
    refiner, given = make(kind), inputs()
    before = refiner(*given)
    for index in range(5):
        changed = list(given)
        changed[index] = changed[index] * 0.5
        assert not torch.allclose(refiner(*changed), before, atol=1e-3), index


@torch.no_grad()
@pytest.mark.parametrize(("kind", "reach"), [("mlp", 0), ("conv", 2)])
def test_a_cell_is_seen_as_far_as_the_convolutions_reach(make, kind, reach):
    """The two blocks look one cell further each; the multilayer perceptron does not look around at all."""
    refiner, side = make(kind), 9
    x, t, hidden, token, f = inputs(1, side)
    before = refiner(x, t, hidden, token, f)
    x = x.clone()
    x[:, :, 4, 4] += 3.0
    changed = (refiner(x, t, hidden, token, f) - before).abs().amax(dim=(0, 1)) > 1e-5
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    within = torch.maximum((rows - 4).abs(), (columns - 4).abs()) <= reach
    assert torch.equal(changed, within)


@torch.no_grad()
def test_cells_and_states_are_in_the_same_order(make):
    """A state in row y, column x of the flat list belongs to the pixel there."""
    refiner = make("mlp")
    x, t, hidden, token, f = inputs(1)
    before = refiner(x, t, hidden, token, f)
    for flat in (0, 6, 15):
        for which in (0, 1):
            states = [hidden.clone(), token.clone()]
            states[which][:, flat] += 2.0
            changed = (refiner(x, t, *states, f) - before).abs().amax(dim=(0, 1)) > 1e-5
            assert changed.nonzero().tolist() == [[flat // 4, flat % 4]]


@torch.no_grad()
def test_pictures_of_a_batch_do_not_meet(make):
    refiner, given = make("conv"), inputs(3)
    whole = refiner(*given)
    for row in range(3):
        alone = refiner(*(value[row : row + 1] for value in given))
        torch.testing.assert_close(alone, whole[row : row + 1], atol=1e-5, rtol=1e-4)


def test_every_parameter_is_trained(make):
    refiner = make("conv").train()
    refiner(*inputs()).square().mean().backward()
    assert [n for n, p in refiner.named_parameters() if p.grad is None or not p.grad.any()] == []
