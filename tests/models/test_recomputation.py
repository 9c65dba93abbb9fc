from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.attention import Block
from underpaint.models.recomputation import recomputed

X = torch.randn(4, 3, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def blocks(stir) -> list[Block]:
    with initialized_by(0):
        made = [Block(16, 2, modulated=False, drop_path=0.5) for _ in range(3)]
    for block in made:
        stir(block)
        block.train()
    return made


def gradients(blocks: list[Block], generator: torch.Generator | None, *, kept: bool) -> tuple[list[Tensor], Tensor]:
    """Return the gradients of all weights and of the tokens, and what the generator draws afterwards."""
    x = X.clone().requires_grad_()
    y = x
    for block in blocks:
        block.zero_grad()
        given = (None, None, None, None, generator)
        y = block(y, *given)[0] if kept else recomputed(block, y, *given)
    y.sin().sum().backward()
    found = [p.grad.clone() for block in blocks for p in block.parameters() if p.grad is not None]
    assert x.grad is not None
    return [x.grad, *found], torch.rand(3, generator=generator) if generator else torch.zeros(3)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_gradients_and_the_generator_are_those_of_kept_activations(blocks, seed):
    def generator() -> torch.Generator | None:
        return None if seed is None else torch.Generator().manual_seed(seed)

    (kept, after), (again, later) = (gradients(blocks, generator(), kept=kept) for kept in (True, False))
    assert len(kept) > 3 * 8 and all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))
    assert torch.equal(after, later)


def test_other_drops_give_other_gradients(blocks):
    one, two = (gradients(blocks, torch.Generator().manual_seed(seed), kept=False)[0] for seed in (0, 1))
    assert not all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_block_runs_once_forth_and_once_back(blocks):
    runs: list[int] = []

    def counted(y: Tensor) -> tuple[Tensor, None]:
        runs.append(len(runs))
        return blocks[0](y)[0], None

    x = X.clone().requires_grad_()
    y = recomputed(counted, x)
    assert len(runs) == 1
    y.sum().backward()
    assert len(runs) == 2
