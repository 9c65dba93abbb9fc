"""The block that every transformer here is made of: normalized, modulated, with rotary positions.

Shapes: ``B`` batch, ``L`` tokens, ``D`` width, ``N`` heads, ``d = D / N``.

Source: sandwich norm, CogView, arXiv 2105.13290; query-key norm, arXiv 2302.05442; adaptive norm, DiT, arXiv
2212.09748; rotary embedding, arXiv 2104.09864.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.runtime.draws import rand


class Norm(nn.Module):
    """Layer normalization with a gain and no offset.

    It does what root-mean-square normalization does here and has a fused bfloat16 kernel on CPUs, 7 times as fast.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``[..., dim]``."""
        return F.layer_norm(x, (x.shape[-1],), self.weight, None, 1e-6)


Rotation = tuple[Tensor, Tensor]


def rotation(angles: Tensor, dtype: torch.dtype) -> Rotation:
    """Return what ``rotate`` needs of angles ``[L, d / 2]``: (cos, cos) and (-sin, sin), each ``[L, d]``."""
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1).to(dtype), torch.cat([-sin, sin], dim=-1).to(dtype)


def rotation_table(angles: Tensor) -> Tensor:
    """Return the rotation by angles ``[L, d / 2]`` as one float32 tensor ``[2, L, d]``, to be kept and cut."""
    return torch.stack(rotation(angles, torch.float32))


def rotation_from(table: Tensor, dtype: torch.dtype) -> Rotation:
    """Return what ``rotate`` needs of a table ``[2, L, d]``."""
    cos, sin = table.to(dtype)
    return cos, sin


def rotate(x: Tensor, turn: Rotation) -> Tensor:
    """Apply rotary positions.

    Args:
        x: ``[B, N, L, d]``.
        turn: From ``rotation``; an angle of zero leaves a token as it is.
    """
    a, b = x.chunk(2, dim=-1)
    return torch.addcmul(x * turn[0], torch.cat([b, a], dim=-1), turn[1])


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Return softmax attention ``[B, N, L, d]`` for queries ``[B, N, L, d]`` and keys and values ``[B, N, M, d]``.

    Written out, because the fused kernel's backward pass with a mask is three times slower on CPUs.

    Args:
        q: Queries.
        k: Keys.
        v: Values.
        bias: Added to the logits: ``[B * N or 1, L or 1, M]``, or None.
    """
    b, n, length, d = q.shape
    q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
    if bias is None:
        bias = q.new_zeros(1, 1, 1)
    logits = torch.baddbmm(bias.to(q.dtype), q, k.transpose(1, 2), alpha=d**-0.5)  # [B * N, L, M]
    return torch.bmm(logits.softmax(dim=-1), v).view(b, n, length, d)


def bias_from(mask: Tensor, heads: int) -> Tensor:
    """Turn ``mask [B, L or 1, M]`` (true where a query may look) into a bias ``[B * heads, L or 1, M]``."""
    bias = torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, -1e4)
    return bias.repeat_interleave(heads, dim=0)


def grid_angles(side: int, reference: int, head_dim: int, base: float = 100.0) -> Tensor:
    """Return 2-D rotary angles for the cell centers of a square grid.

    Coordinates lie in [0, reference], whatever the side, so that all scales share one picture plane.

    Args:
        side: Cells a side.
        reference: Side of the plane: of the finest grid, or of the one a model was first trained on.
        head_dim: Channels of a head; a multiple of 4.
        base: Ratio of the longest to the shortest wavelength.

    Returns:
        ``[side * side, head_dim / 2]``; the first half turns with the row, the second with the column.
    """
    centers = (torch.arange(side, dtype=torch.float32) + 0.5) / side * reference
    quarter = head_dim // 4
    frequencies = base ** (-torch.arange(quarter, dtype=torch.float32) / quarter)
    per_axis = centers[:, None] * frequencies  # [side, d / 4]
    rows = per_axis[:, None].expand(side, side, quarter)
    columns = per_axis[None].expand(side, side, quarter)
    return torch.cat([rows, columns], dim=-1).reshape(side * side, 2 * quarter)


def drop_path(x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Drop a branch for whole samples and rescale the others.

    Args:
        x: What the branch adds ``[B, ...]``.
        rate: Chance to drop it, in [0, 1).
        generator: Draws for which samples; None drops nothing.

    Source: stochastic depth, arXiv 1603.09382.
    """
    if generator is None or rate == 0.0:
        return x
    keep = rand((len(x), *[1] * (x.ndim - 1)), generator, x.device) >= rate
    return x * keep.to(x.dtype) / (1.0 - rate)


class Attention(nn.Module):
    """Multi-head self-attention with normalized queries and keys and room for cached ones.

    Args:
        dim: Width ``D``.
        heads: Heads ``N``; a divisor of the width, unless their own width is given.
        head_dim: Width ``d`` of a head; None shares ``D`` out.
    """

    def __init__(self, dim: int, heads: int, head_dim: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        head_dim = head_dim or dim // heads
        self.qkv = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.query_norm = Norm(head_dim)
        self.key_norm = Norm(head_dim)
        self.out = nn.Linear(heads * head_dim, dim, bias=False)

    def forward(
        self, x: Tensor, turn: Rotation | None, bias: Tensor | None, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend.

        Args:
            x: ``[B, L, D]``.
            turn: Rotary positions of the ``L`` tokens, or None.
            bias: From ``bias_from`` with ``M = P + L``, or None to look everywhere.
            past: Keys and values of ``P`` earlier tokens, each ``[B, N, P, d]``.

        Returns:
            ``[B, L, D]``, and all keys and values, each ``[B, N, P + L, d]``.
        """
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each [B, N, L, d]
        q, k = self.query_norm(q).to(v.dtype), self.key_norm(k).to(v.dtype)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        y = attend(q, k, v, bias)
        return self.out(y.transpose(1, 2).flatten(2)), (k, v)


class FeedForward(nn.Module):
    """Two linear maps with a SiLU between.

    Args:
        dim: Width ``D``.
        hidden: Width between the maps; None for 4 times that outside.
    """

    def __init__(self, dim: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = hidden or 4 * dim
        self.up = nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., D]`` to ``[..., D]``."""
        return self.down(F.silu(self.up(x)))


class Change(NamedTuple):
    """What a condition does to one block, each ``[B, 1, D]``: 1 is added already to what multiplies.

    Args:
        shift1: Added before attention.
        scale1: Multiplied before attention.
        gate1: Multiplied after attention.
        shift2: Added before the feed-forward.
        scale2: Multiplied before the feed-forward.
        gate2: Multiplied after the feed-forward.
    """

    shift1: Tensor
    scale1: Tensor
    gate1: Tensor
    shift2: Tensor
    scale2: Tensor
    gate2: Tensor

    def half(self, size: int) -> Change:
        """Return the change of the first ``size`` samples."""
        return Change(*(part[:size] for part in self))


class Block(nn.Module):
    """Attention and feed-forward, each between two norms, optionally modulated by a condition.

    The modulation is computed once for all blocks; a block adds only its own offset to it. The outer norms start at
    zero, so that a fresh block is the identity.

    Args:
        dim: Width.
        heads: Attention heads.
        modulated: Whether ``forward`` takes a modulation.
        drop_path: Chance that a branch is dropped for a sample while training.
        hidden: See ``FeedForward``.
        head_dim: See ``Attention``.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        modulated: bool = True,
        drop_path: float = 0.0,
        hidden: int | None = None,
        head_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.norm1, self.norm1_out = Norm(dim), Norm(dim)
        self.norm2, self.norm2_out = Norm(dim), Norm(dim)
        self.attention = Attention(dim, heads, head_dim)
        self.feed_forward = FeedForward(dim, hidden)
        self.offset = nn.Parameter(torch.zeros(6, dim)) if modulated else None
        nn.init.zeros_(self.norm1_out.weight)
        nn.init.zeros_(self.norm2_out.weight)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor | Change | None = None,
        turn: Rotation | None = None,
        bias: Tensor | None = None,
        past: tuple[Tensor, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Transform ``[B, L, D]``.

        Args:
            x: Tokens.
            modulation: ``[B, 6, D]``: shift, scale and gate of both branches; or what ``change`` made of it, where the
                block is called again with the same; None if not modulated.
            turn: See ``Attention``.
            bias: See ``Attention``.
            past: See ``Attention``.
            generator: Turns on dropping paths.

        Returns:
            The tokens ``[B, L, D]``, and the keys and values of this block.
        """
        if self.offset is None or modulation is None:
            y, cache = self.attention(self.norm1(x), turn, bias, past)
            x = x + drop_path(self.norm1_out(y), self.drop_path, generator)
            y = self.norm2_out(self.feed_forward(self.norm2(x)))
            return x + drop_path(y, self.drop_path, generator), cache
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            modulation if isinstance(modulation, Change) else self.change(modulation, x.dtype)
        )
        y, cache = self.attention(torch.addcmul(shift1, self.norm1(x), scale1), turn, bias, past)
        x = torch.addcmul(x, self.norm1_out(y), drop_path(gate1, self.drop_path, generator))
        y = self.feed_forward(torch.addcmul(shift2, self.norm2(x), scale2))
        return torch.addcmul(x, self.norm2_out(y), drop_path(gate2, self.drop_path, generator)), cache

    def change(self, modulation: Tensor, dtype: torch.dtype) -> Change:
        """Return what a modulation ``[B, 6, D]`` does to this block, in the type of its tokens.

        Raises:
            ValueError: The block is not modulated.
        """
        if self.offset is None:
            raise ValueError("this block is not modulated")
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.offset)[:, :, None].to(dtype).unbind(1)
        return Change(shift1, 1.0 + scale1, 1.0 + gate1, shift2, 1.0 + scale2, 1.0 + gate2)


def sinusoid(values: Tensor, dim: int) -> Tensor:
    """Embed numbers in [0, 1] as ``[B, dim]`` sines and cosines (Source: arXiv 1706.03762, section 3.5)."""
    half = dim // 2
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float32) / half)
    angles = values.to(torch.float32)[:, None] * 1000.0 * frequencies.to(values.device)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
