"""A UNet whose deep levels are remembered: nothing skipped is the identity, and what is skipped is not computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import underpaint
from underpaint.pipelines.around import Beginning, begin_drawing
from underpaint.pipelines.optimizing.block_cache import BlockCache, CachedLevels

STEPS = 10


@pytest.fixture(scope="module")
def unet(tiny_diffusers: Callable[[str], Path]) -> Any:
    return underpaint.load(tiny_diffusers("sd")).networks.network


@torch.no_grad()
def walk(network: Any, batches: tuple[int, ...] = (2,) * STEPS) -> list[Tensor]:
    begin_drawing(network, Beginning(pictures=1, steps=STEPS))
    draws = torch.Generator().manual_seed(0)
    x, words = torch.randn(2, 4, 8, 8, generator=draws), torch.randn(2, 3, 32, generator=draws)
    said = []
    for index, size in enumerate(batches):
        out = network(x[:size], torch.tensor(900 - 80 * index), encoder_hidden_states=words[:size], return_dict=False)[
            0
        ]
        x = torch.cat([x[:size] - 0.1 * out, x[size:]])
        said.append(out)
    return said


def computed(around: CachedLevels) -> Callable[[], int]:
    calls: list[int] = []
    around.network.mid_block.block.register_forward_pre_hook(lambda *_: calls.append(1))  # pyright: ignore
    return lambda: len(calls)


def test_with_nothing_skipped_a_drawing_is_the_same_to_the_bit(unet: Any) -> None:
    for one, other in zip(walk(CachedLevels(unet, BlockCache(every=1))), walk(unet), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("cache", "expected"), [
    (BlockCache(every=2), 5),
    (BlockCache(every=3), 4),
    (BlockCache(every=5, warm_up=2, last=1), 2 + 1 + 1),
])  # fmt: skip
def test_deep_levels_are_computed_as_often_as_said(unet: Any, cache: BlockCache, expected: int) -> None:
    around = CachedLevels(unet, cache)
    count = computed(around)
    said = walk(around)
    assert count() == expected == sum(cache.computes(step, STEPS) for step in range(STEPS))
    exact = walk(unet)
    assert torch.equal(said[0], exact[0]) and not torch.equal(said[-1], exact[-1])
    assert float((said[-1] - exact[-1]).norm() / exact[-1].norm()) < 0.5


def test_a_drawing_does_not_remember_the_one_before(unet: Any) -> None:
    around = CachedLevels(unet, BlockCache())
    first, again = walk(around), walk(around)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_a_batch_of_another_size_asks_all_levels(unet: Any) -> None:
    around = CachedLevels(unet, BlockCache(every=8))
    count = computed(around)
    walk(around, (2, 2, 1, 1))
    assert count() == 2


def test_the_network_itself_is_left_as_it_is(unet: Any) -> None:
    before = [id(module) for module in unet.modules()]
    walk(CachedLevels(unet, BlockCache()))
    assert [id(module) for module in unet.modules()] == before
