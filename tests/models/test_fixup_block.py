from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.fixup_block import (
    FixupBlock,
    FixupConfig,
    Pointwise,
    blocks_at,
    channels_last,
    check_widths,
    entry_at,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fresh(depth: int = 4, width: int = 8) -> FixupBlock:
    with initialized_by(0):
        return FixupBlock(width, 2, 4, depth)


@torch.no_grad()
def test_a_fresh_block_is_the_identity():
    x = noise(2, 8, 5, 5)
    assert torch.equal(fresh()(x), x)


def test_the_first_update_of_a_fresh_block_reaches_its_last_convolution_alone():
    block = fresh()
    block(noise(2, 8, 5, 5)).square().sum().backward()
    moved = {name for name, p in block.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"narrow.weight"}


@pytest.mark.parametrize("layer", ["widen", "mix"])
def test_deeper_networks_start_with_smaller_blocks(layer):
    one, sixteen = (getattr(fresh(depth), layer).weight for depth in (1, 16))
    torch.testing.assert_close(sixteen, one / 2.0)


@torch.no_grad()
def test_grouped_convolutions_are_dense_ones_with_zeros_between_the_groups(stir):
    block, x = fresh(), noise(2, 8, 6, 6, seed=1)
    stir(block)
    dense = torch.zeros(16, 16, 3, 3)
    for group in range(4):
        rows = slice(4 * group, 4 * group + 4)
        dense[rows, rows] = block.mix.weight[rows]
    inner = F.leaky_relu(F.conv2d(x, block.widen.weight, block.widen.bias), 0.2)
    inner = F.leaky_relu(F.conv2d(inner, dense, block.mix.bias, padding=1), 0.2)
    torch.testing.assert_close(block(x), x + F.conv2d(inner, block.narrow.weight), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_change_of_channels_keeps_the_size_of_signals():
    with initialized_by(0):
        layer = Pointwise(256, 512)
    x = noise(4, 256, 8, 8)
    assert float(layer(x).std() / x.std()) == pytest.approx(1.0, abs=0.03)


def test_the_layout_in_memory_changes_no_value():
    x = noise(2, 3, 4, 4)
    assert torch.equal(channels_last(x), x) and channels_last(x).stride()[1] == 1


@pytest.mark.parametrize(
    ("widths", "blocks", "message"),
    [((), (), "one entry a resolution"), ((8, 8), (1,), "got 2 and 1"), ((12,), (1,), "multiple of group_width 16")],
)
def test_widths_that_cannot_be_built_are_refused(widths, blocks, message):
    with pytest.raises(ValueError, match=message):
        check_widths(widths, blocks, expansion=2, group_width=16)


def test_every_resolution_has_its_blocks_and_the_first_needs_no_change_of_channels():
    config = FixupConfig(widths=(16, 8, 24), blocks=(2, 1, 3))
    entries = [entry_at(config, index) for index in range(3)]
    assert entries[0] is None
    assert [tuple(entry.weight.shape[:2]) for entry in entries if entry is not None] == [(8, 16), (24, 8)]
    for index, width in enumerate(config.widths):
        blocks = blocks_at(config, index)
        assert len(blocks) == config.blocks[index]
        assert blocks(noise(2, width, 4, 4)).shape == (2, width, 4, 4)
    assert config.image_size == 32


def test_blocks_count_all_of_the_network_as_its_depth():
    shallow, deep = FixupConfig(widths=(8,), blocks=(1,)), FixupConfig(widths=(8, 8), blocks=(1, 15))
    weights = []
    for config in (shallow, deep):
        with initialized_by(0):
            weights.append(blocks_at(config, 0)[0].mix.weight)  # pyright: ignore[reportAttributeAccessIssue]
    torch.testing.assert_close(weights[1], weights[0] / 2.0)


def test_settings_that_cannot_be_built_are_refused():
    with pytest.raises(ValidationError, match="one entry a resolution"):
        FixupConfig(widths=(8, 8), blocks=(1,))
