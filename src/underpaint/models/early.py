"""Early tokens one by one: within a coarse scale, each token knows those drawn before it.

The transformer draws all tokens of a scale at once, so every token may be right on its own and the whole still be
incoherent. A few causal blocks on top of the transformer's states mend that where it costs least, on the first scales.
A token sees the earlier tokens of its own scale only; those of earlier scales reach it through the transformer, which
knows what became of them.

Shapes: ``B`` batch, ``E`` tokens of the early scales together, ``D`` width, ``C`` latent channels.

Source: the idea of Li et al., Logit Refiner, arXiv 2609.11804, which draws the tokens of all scales so.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from underpaint.models.attention import Block, Norm, bias_from

Past = list[tuple[Tensor, Tensor]]
"""Keys and values of the earlier tokens of a scale, per block."""


class EarlyTokens(nn.Module):
    """Causal blocks that change the transformer's states by what the earlier tokens of the same scale are.

    The last map starts at zero, so that fresh blocks change nothing.

    Args:
        sides: Sides of the early scales.
        width: Width ``D``.
        heads: Attention heads.
        depth: Blocks.
        channels: Channels ``C`` of a token's vector.
    """

    def __init__(self, sides: tuple[int, ...], width: int, heads: int, depth: int, channels: int) -> None:
        super().__init__()
        self.sizes, self.heads = [side * side for side in sides], heads
        self.read = nn.Linear(channels, width)
        self.positions = nn.Parameter(torch.randn(sum(self.sizes), width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads, modulated=False) for _ in range(depth))
        self.norm = Norm(width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @property
    def num_tokens(self) -> int:
        """Tokens ``E`` of the early scales together."""
        return sum(self.sizes)

    def forward(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Change the states of all early tokens at once, for training.

        Args:
            hidden: The transformer's states ``[B, E, D]``.
            tokens: Vectors of the true tokens ``[B, E, C]``.

        Returns:
            ``[B, E, D]``; a token's own vector and those after it do not matter.
        """
        previous = [nn.functional.pad(part[:, :-1], (0, 0, 1, 0)) for part in tokens.split(self.sizes, dim=1)]
        y = hidden + self.read(torch.cat(previous, dim=1)) + self.positions
        bias = bias_from(self.mask(hidden.device)[None], 1).to(hidden.dtype)  # [1, E, E]
        for block in self.blocks:
            y, _ = block(y, bias=bias)
        return hidden + self.out(self.norm(y))

    def step(self, hidden: Tensor, previous: Tensor, place: int, past: Past | None) -> tuple[Tensor, Past]:
        """Change the state of one token.

        Args:
            hidden: The transformer's state ``[B, 1, D]``.
            previous: Vector of the token before it in its scale ``[B, 1, C]``; zeros for the first.
            place: Its place among all early tokens.
            past: What ``step`` returned for the token before it; None for the first of a scale.

        Returns:
            The state ``[B, 1, D]``, and what the next token needs.
        """
        y, grown = hidden + self.read(previous) + self.positions[place], []
        for index, block in enumerate(self.blocks):
            y, kv = block(y, past=None if past is None else past[index])
            grown.append(kv)
        return hidden + self.out(self.norm(y)), grown

    def mask(self, device: torch.device) -> Tensor:
        """Return who may look at whom ``[E, E]``: the tokens of the own scale up to oneself."""
        parts = [torch.ones(size, size, dtype=torch.bool, device=device).tril() for size in self.sizes]
        return torch.block_diag(*parts).to(torch.bool)
