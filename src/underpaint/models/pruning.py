"""Smaller networks of blocks: channels of feed-forwards, attention heads and whole blocks are cut out.

What remains is an ordinary network with smaller settings; nothing of what was cut is kept. All blocks keep equally many
channels and heads, each the ones that it needs most. A block without effect, a head or channel whose output is zero,
can be cut without any change.

Shapes: ``D`` width, ``N`` heads, ``d`` width of a head, ``F`` channels of a feed-forward.

Source: structured pruning by what parts contribute, Minitron, arXiv 2407.14679.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from underpaint.models.attention import Block
from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.transformer import ScaleTransformer
from underpaint.runtime.weights import skip_initialization

PRUNABLE = (FlowTransformer, ScaleTransformer)
"""Networks with a rule."""
BLOCKS = "blocks"
N = TypeVar("N", FlowTransformer, ScaleTransformer)
Scores = Sequence[Tensor]
"""One tensor a block: how much each part contributes, all at least 0."""


def blocks_of(network: FlowTransformer | ScaleTransformer) -> list[Block]:
    """Return the blocks of a network."""
    return [block for block in network.blocks if isinstance(block, Block)]


@torch.no_grad()
def hidden_scores(network: FlowTransformer | ScaleTransformer, inputs: Mapping[int, Tensor] | None = None) -> Scores:
    """Return how much each channel of the feed-forwards contributes, ``[F]`` a block.

    Args:
        network: The network.
        inputs: Mean size of each channel by number of the block, ``[F]``, as calibration met it; None takes the size of
            the weights that compute it.
    """
    scores = []
    for index, block in enumerate(blocks_of(network)):
        up, down = block.feed_forward.up.weight, block.feed_forward.down.weight
        size = up.norm(dim=1) if inputs is None else inputs[index]
        scores.append(size * down.norm(dim=0))
    return scores


@torch.no_grad()
def head_scores(network: FlowTransformer | ScaleTransformer, inputs: Mapping[int, Tensor] | None = None) -> Scores:
    """Return how much each head contributes, ``[N]`` a block.

    Args:
        network: The network.
        inputs: Mean size of what enters the attention's last map, ``[N d]`` by number of the block; None takes the size
            of the weights of the values.
    """
    scores = []
    for index, block in enumerate(blocks_of(network)):
        heads = block.attention.heads
        values = block.attention.qkv.weight.chunk(3)[2].norm(dim=1) if inputs is None else inputs[index]
        scores.append((values * block.attention.out.weight.norm(dim=0)).unflatten(0, (heads, -1)).sum(dim=1))
    return scores


def best(scores: Scores, count: int) -> list[Tensor]:
    """Return the numbers of the parts with the highest scores of each block, in their old order."""
    return [one.topk(count).indices.sort().values for one in scores]


def with_hidden(network: N, kept: Sequence[Tensor]) -> N:
    """Return a network with fewer channels in its feed-forwards.

    Args:
        network: The network.
        kept: Numbers of the channels that stay, equally many a block.
    """
    state = network.state_dict()
    for index, channels in enumerate(kept):
        place = f"{BLOCKS}.{index}.feed_forward"
        for name in ("up.weight", "up.bias"):
            state[f"{place}.{name}"] = state[f"{place}.{name}"][channels]
        state[f"{place}.down.weight"] = state[f"{place}.down.weight"][:, channels]
    return _rebuilt(network, state, hidden=len(kept[0]))


def with_heads(network: N, kept: Sequence[Tensor]) -> N:
    """Return a network with fewer attention heads of the same width.

    Args:
        network: The network.
        kept: Numbers of the heads that stay, equally many a block.
    """
    state, before = network.state_dict(), network.config.heads
    head_dim = blocks_of(network)[0].attention.out.in_features // before
    for index, heads in enumerate(kept):
        place = f"{BLOCKS}.{index}.attention"
        qkv = state[f"{place}.qkv.weight"].unflatten(0, (3, before, head_dim))  # [3, N, d, D]
        state[f"{place}.qkv.weight"] = qkv[:, heads].flatten(0, 2)
        out = state[f"{place}.out.weight"].unflatten(1, (before, head_dim))  # [D, N, d]
        state[f"{place}.out.weight"] = out[:, heads].flatten(1)
    return _rebuilt(network, state, heads=len(kept[0]), head_dim=head_dim)


def with_blocks(network: N, kept: Sequence[int]) -> N:
    """Return a network of fewer blocks.

    Args:
        network: The network.
        kept: Numbers of the blocks that stay, in order.
    """
    prefix, state = f"{BLOCKS}.", {}
    for name, value in network.state_dict().items():
        if not name.startswith(prefix):
            state[name] = value
            continue
        number, _, rest = name.removeprefix(prefix).partition(".")
        if int(number) in kept:
            state[f"{prefix}{kept.index(int(number))}.{rest}"] = value
    return _rebuilt(network, state, depth=len(kept))


def _rebuilt(network: N, state: Mapping[str, Tensor], **changes: Any) -> N:
    config = type(network.config).model_validate(network.config.model_dump() | changes)
    with skip_initialization():
        other = type(network)(config)  # pyright: ignore[reportArgumentType]
    other.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
    return other.to(next(network.parameters()).device).eval().requires_grad_(False)  # pyright: ignore[reportReturnType]


@torch.no_grad()
def mean_size(x: Tensor) -> Tensor:
    """Return the root mean square of every channel of ``[..., F]``: ``[F]``."""
    return x.flatten(0, -2).square().mean(dim=0).sqrt()


def feeding(network: nn.Module, layer: str) -> dict[int, nn.Module]:
    """Return the layers of one name, by number of their block.

    Args:
        network: The network.
        layer: As ``feed_forward.down``.
    """
    return {index: block.get_submodule(layer) for index, block in enumerate(network.get_submodule(BLOCKS).children())}
