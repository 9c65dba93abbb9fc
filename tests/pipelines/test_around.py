from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from underpaint.diffusion.output_cache import OutputCache
from underpaint.pipelines.around import Beginning, HalfGuided, begin_drawing
from underpaint.pipelines.optimizing.cached_network import CachedNetwork

STEPS, PICTURES = 12, 2
HERE = Beginning(pictures=PICTURES, steps=STEPS)


class Watched(nn.Module):
    """Answers as networks of diffusers do, and takes down the size of every batch."""

    color = "blue"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, sample: Tensor, timestep: Tensor, words: Tensor | None = None, **_: Any) -> tuple[Tensor]:
        self.seen.append(len(sample))
        told = torch.zeros_like(sample) if words is None else words
        return (torch.sin(sample) * timestep / 1000 + told,)


def walk(network: nn.Module, strength: float = 3.0) -> Tensor:
    """Take steps as the loops of diffusers do: guided as one batch, first the half without words."""
    begin_drawing(network, HERE)
    x, words = torch.linspace(-1, 1, PICTURES * 3).view(PICTURES, 3), torch.tensor([[0.1], [0.2]])
    for index in range(STEPS):
        time = torch.tensor(1000.0 - 80 * index)
        both = network(torch.cat([x, x]), time, words=torch.cat([0 * words, words]).expand(-1, 3))[0]
        without, with_words = both.chunk(2)
        x = x - 0.1 * (without + strength * (with_words - without))
    return x


def test_a_span_of_everything_is_the_identity() -> None:
    assert torch.equal(walk(HalfGuided(Watched(), 0.0, 1.0)), walk(Watched()))


def test_outside_its_span_a_call_has_half_the_batch() -> None:
    network = Watched()
    walk(HalfGuided(network, 0.25, 0.5))
    assert network.seen == [2] * 3 + [4] * 3 + [2] * 6


def test_outside_its_span_guidance_of_any_strength_is_none() -> None:
    assert torch.equal(walk(HalfGuided(Watched(), 0.0, 0.0), 7.0), walk(HalfGuided(Watched(), 0.0, 0.0), 1.0))
    torch.testing.assert_close(walk(HalfGuided(Watched(), 0.0, 0.0), 7.0), walk(Watched(), 1.0))


def test_a_loop_that_guides_in_another_way_is_computed_whole() -> None:
    network = Watched()
    around = HalfGuided(network, 0.0, 0.0)
    around.begin(HERE)
    around(torch.ones(3, 3), torch.tensor(1.0))
    assert network.seen == [3]


def test_without_a_beginning_everything_is_computed() -> None:
    network = Watched()
    HalfGuided(network, 0.0, 0.0)(torch.ones(4, 3), torch.tensor(1.0))
    assert network.seen == [4]


def test_a_surrounding_looks_like_its_network() -> None:
    around = CachedNetwork(HalfGuided(Watched(), 0.0, 1.0), OutputCache())
    assert around.color == "blue"
    with pytest.raises(AttributeError, match="weight"):
        _ = around.weight


def test_with_nothing_skipped_the_cache_is_the_identity() -> None:
    assert torch.equal(walk(CachedNetwork(Watched(), OutputCache(every=1))), walk(Watched()))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_cache_computes_as_many_calls_as_said_in_every_drawing_anew(order: int) -> None:
    network, cache = Watched(), OutputCache(every=3, order=order)
    around = CachedNetwork(network, cache)
    first, again = walk(around), walk(around)
    assert len(network.seen) == 2 * cache.computed(STEPS)
    assert torch.equal(first, again), "something of the drawing before was left"
    exact = walk(Watched())
    assert not torch.equal(first, exact)
    torch.testing.assert_close(first, exact, atol=0.1, rtol=0.0)


def test_two_calls_a_step_are_continued_apart() -> None:
    """Loops that call for each half by itself."""
    network = Watched()
    around = CachedNetwork(network, OutputCache(every=4, order=0, warm_up=1))
    around.begin(Beginning(pictures=1, steps=9))
    for index in range(9):
        time = torch.tensor(1000.0 - index)
        low, high = (around(torch.full((1, 2), value), time)[0] for value in (-1.0, 1.0))
        assert (low < 0).all() and (high > 0).all()
    assert len(network.seen) < 18


def test_a_batch_of_another_size_is_computed() -> None:
    network = Watched()
    around = CachedNetwork(network, OutputCache(every=4, order=1, warm_up=1))
    around.begin(Beginning(pictures=1, steps=9))
    for index in range(9):
        answer = around(torch.ones(2 if index < 3 else 1, 2), torch.tensor(1000.0 - index))[0]
        assert len(answer) == (2 if index < 3 else 1)
