"""Cut networks: what contributed nothing can go without any change, and a cut network is the masked one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.pruning import (
    best,
    blocks_of,
    head_scores,
    hidden_scores,
    with_blocks,
    with_heads,
    with_hidden,
)
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.models.twin import twin


@pytest.fixture
def flow(make_tiny_flow: Callable[..., Any]) -> Any:
    """Its blocks do something, which those of a fresh network do not."""
    made = make_tiny_flow()
    with torch.no_grad():
        for block in blocks_of(made.flow_transformer):
            block.norm1_out.weight.fill_(0.7)
            block.norm2_out.weight.fill_(0.7)
    return made


@torch.no_grad()
def predicted(flow: Any, network: FlowTransformer) -> Tensor:
    text = flow.encode_text(["a red cat", "a dog"])
    x = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    condition = network.condition(text, torch.tensor([0, 1]))
    return network(x, torch.tensor([0.2, 0.7]), condition)


def copied(network: Any) -> Any:
    return twin(network, lambda tensor: torch.nn.Parameter(tensor.clone()) if tensor.requires_grad else tensor.clone())


@torch.no_grad()
def test_channels_that_say_nothing_go_without_a_change(flow: Any) -> None:
    network = copied(flow.flow_transformer)
    for index, block in enumerate(blocks_of(network)):
        block.feed_forward.down.weight[:, index * 8 : index * 8 + 40] = 0
    cut = with_hidden(network, best(hidden_scores(network), 88))
    torch.testing.assert_close(predicted(flow, cut), predicted(flow, network))
    assert cut.config.hidden == 88 and blocks_of(cut)[1].feed_forward.up.weight.shape == (88, 32)


@torch.no_grad()
def test_heads_that_say_nothing_go_without_a_change(flow: Any) -> None:
    network = copied(flow.flow_transformer)
    for index, block in enumerate(blocks_of(network)):
        block.attention.out.weight[:, 16 * index : 16 * index + 16] = 0
    kept = best(head_scores(network), 1)
    assert [int(heads[0]) for heads in kept] == [1, 0]
    cut = with_heads(network, kept)
    torch.testing.assert_close(predicted(flow, cut), predicted(flow, network))
    assert (cut.config.heads, cut.config.head_dim) == (1, 16)


@torch.no_grad()
def test_a_block_that_does_nothing_goes_without_a_change(flow: Any) -> None:
    network = copied(flow.flow_transformer)
    idle = blocks_of(network)[0]
    idle.norm1_out.weight.zero_()
    idle.norm2_out.weight.zero_()
    cut = with_blocks(network, [1])
    assert torch.equal(predicted(flow, cut), predicted(flow, network)) and cut.config.depth == 1


@torch.no_grad()
def test_a_cut_network_is_the_masked_one(flow: Any) -> None:
    network = flow.flow_transformer
    kept = best(hidden_scores(network), 64)
    masked = copied(network)
    for block, channels in zip(blocks_of(masked), kept, strict=True):
        gone = torch.ones(128, dtype=torch.bool)
        gone[channels] = False
        block.feed_forward.down.weight[:, gone] = 0
    torch.testing.assert_close(predicted(flow, with_hidden(network, kept)), predicted(flow, masked))
    assert not torch.allclose(predicted(flow, masked), predicted(flow, network))


def test_what_calibration_never_met_goes_first(flow: Any) -> None:
    network = flow.flow_transformer
    inputs = {index: torch.ones(128) for index in range(2)}
    inputs[1][:64] = 0
    assert best(hidden_scores(network, inputs), 64)[1].tolist() == list(range(64, 128))


def test_early_blocks_keep_their_heads() -> None:
    config = TransformerConfig(
        schedule=(1, 2, 4), n_logits=8, width=32, depth=2, heads=4, text_width=32, early_scales=2
    )
    network = ScaleTransformer(config)
    cut = with_heads(network, [torch.tensor([0, 2]), torch.tensor([1, 3])])
    assert cut.early is not None and cut.early.blocks[0].attention.heads == 4  # pyright: ignore
    assert blocks_of(cut)[0].attention.heads == 2 and cut.turns.shape == network.turns.shape


def test_settings_of_whole_networks_do_not_speak_of_cuts(flow: Any) -> None:
    assert not {"hidden", "head_dim"} & set(flow.flow_transformer.config.model_dump())
