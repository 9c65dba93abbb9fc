"""Attention over fewer tokens: those most like another one are merged with it before, and get its answer after.

Of every cell of 2 x 2 tokens the first is a *target*; of the others the ``r`` that are most like some target, by the
cosine of what attention reads, are averaged into it. Everything is decided by the picture alone: no random numbers.

Shapes: ``B`` batch, ``N`` tokens of a grid of ``h x w``, ``D`` width, ``r`` tokens merged away.

Source: token merging for Stable Diffusion, arXiv 2303.17604; that targets are not drawn at random is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL = 2
"""Side of a cell with one target."""


@dataclass(frozen=True)
class Merging:
    """Which tokens of a batch are merged with which.

    Args:
        kept: Sources that stay ``[B, S - r]``, as places in the grid.
        merged: Sources that go ``[B, r]``.
        into: For each of them the number of its target ``[B, r]``.
        targets: Places of the targets ``[T]``.
    """

    kept: Tensor
    merged: Tensor
    into: Tensor
    targets: Tensor

    def merge(self, x: Tensor) -> Tensor:
        """Return the tokens that stay, then the targets with what was merged into them: ``[B, N - r, D]``."""
        targets, gone = x[:, self.targets], _taken(x, self.merged)  # [B, T, D], [B, r, D]
        numbers = torch.arange(len(self.targets), device=x.device)
        joined = (self.into[:, None] == numbers[:, None]).to(x.dtype)  # [B, T, r]
        means = (targets + joined @ gone) / (1.0 + joined.sum(dim=-1, keepdim=True))
        return torch.cat([_taken(x, self.kept), means], dim=1)

    def unmerge(self, y: Tensor) -> Tensor:
        """Return an answer for every token ``[B, N, D]``: merged ones get that of their target."""
        stayed, targets = y.split([self.kept.shape[1], len(self.targets)], dim=1)
        whole = torch.cat([stayed, targets, _taken(targets, self.into)], dim=1)  # [B, N, D]
        places = torch.cat([self.kept, self.targets.expand(y.shape[0], -1), self.merged], dim=1)
        numbers = torch.arange(places.shape[1], device=y.device).expand_as(places)
        back = torch.zeros_like(places).scatter(1, places, numbers)  # [B, N], where each token of the grid stands
        return _taken(whole, back)


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """Return rows of ``[B, N, D]`` by their places ``[B, K]``, of all batches at once: engines copy them whole."""
    first = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1]
    return x.flatten(0, 1)[first + places]


def match(x: Tensor, grid: tuple[int, int], count: int) -> Merging:
    """Choose which tokens are merged.

    Args:
        x: What attention reads ``[B, N, D]``.
        grid: ``h`` and ``w`` with ``h w = N``.
        count: ``r``, tokens that go; at most as many as are no targets.
    """
    targets, sources = _parted(grid, x.device)
    unit = F.normalize(x, dim=-1)
    likeness = unit[:, sources] @ unit[:, targets].transpose(1, 2)  # [B, S, T]
    best = likeness.amax(dim=-1)
    numbers = torch.arange(len(targets), device=x.device)
    into = torch.where(likeness == best[..., None], numbers, 0).amax(dim=-1)  # [B, S], the last of equals
    order = best.topk(best.shape[-1], dim=-1).indices  # [B, S]
    merged, kept = order[:, :count], order[:, count:]
    return Merging(sources[kept], sources[merged], into.gather(1, merged), targets)


def _parted(grid: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the places of targets ``[T]`` and of all others ``[S]``."""
    rows, columns = torch.arange(grid[0], device=device), torch.arange(grid[1], device=device)
    first = (rows[:, None] % CELL == 0) & (columns[None] % CELL == 0)
    places = torch.arange(grid[0] * grid[1], device=device).view(grid)
    return places[first], places[~first]


def grid_of(tokens: int, aspect: float) -> tuple[int, int] | None:
    """Return the grid of a number of tokens; None where they make none.

    Args:
        tokens: ``N``.
        aspect: Width of the picture by its height.
    """
    rows = max(round((tokens / aspect) ** 0.5), 1)
    return (rows, tokens // rows) if tokens % rows == 0 else None


class MergedAttention(nn.Module):
    """Self-attention of diffusers over merged tokens; small grids are left alone.

    Args:
        attention: The attention.
        share: Share of the tokens that go, in [0, 0.75].
        least_tokens: Tokens below which nothing is merged.
        aspect: Width of the picture by its height.
    """

    def __init__(self, attention: nn.Module, share: float, least_tokens: int, aspect: float) -> None:
        super().__init__()
        self.attention = attention
        self.share, self.least_tokens, self.aspect = share, least_tokens, aspect

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **others: Any,
    ) -> Tensor:
        """Attend.

        Args:
            hidden_states: ``[B, N, D]``.
            encoder_hidden_states: What is looked at instead; with it nothing is merged.
            attention_mask: Who may look at whom; with it nothing is merged.
            others: Handed on.
        """
        tokens = int(hidden_states.shape[1])  # a number in a graph too, whose size is fixed
        grid, count = grid_of(tokens, self.aspect), int(tokens * self.share)
        known = {"encoder_hidden_states": encoder_hidden_states, "attention_mask": attention_mask, **others}
        if encoder_hidden_states is not None or attention_mask is not None or grid is None or count == 0:
            return self.attention(hidden_states, **known)
        if tokens < self.least_tokens:
            return self.attention(hidden_states, **known)
        targets = -(-grid[0] // CELL) * -(-grid[1] // CELL)
        merging = match(hidden_states, grid, min(count, tokens - targets))
        return merging.unmerge(self.attention(merging.merge(hidden_states), **known))
