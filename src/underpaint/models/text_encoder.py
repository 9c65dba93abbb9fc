"""Text to token states: a frozen table of word vectors and a small transformer above it.

The table is distilled once from a sentence encoder and never trained, so that words which the captions do not know
stay near those that they do.

Shapes: ``B`` batch, ``T`` text tokens, ``D`` width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.attention import Block, Norm, bias_from


class TextEncoderConfig(Config):
    """Settings of the text encoder.

    Args:
        vocab_size: Rows of the table.
        width: Width of the table and of the states.
        depth: Transformer blocks.
        heads: Attention heads.
        max_tokens: Longest text.
    """

    vocab_size: int
    width: int = 256
    depth: int = 2
    heads: int = 4
    max_tokens: int = 24


@dataclass(frozen=True)
class TextStates:
    """What a text encoder says.

    Args:
        tokens: ``[B, T, D]``.
        mask: ``[B, T]``, true at real tokens.
        pooled: ``[B, D]``, the text as a whole.
    """

    tokens: Tensor
    mask: Tensor
    pooled: Tensor

    def without(self, drop: Tensor | None, null: Tensor) -> TextStates:
        """Return the states with some texts replaced by a learned null text of the same length.

        Args:
            drop: ``[B]`` bool, true where the text is replaced; None for nowhere.
            null: The null text ``[D]``.
        """
        if drop is None:
            return self
        tokens = torch.where(drop[:, None, None], null.to(self.tokens.dtype), self.tokens)
        return TextStates(tokens, self.mask, torch.where(drop[:, None], null.to(self.pooled.dtype), self.pooled))

    def with_and_without(
        self, style: Tensor, any_style: int, against: TextStates | None = None
    ) -> tuple[TextStates, Tensor, Tensor]:
        """Return what a guided batch of ``2B`` samples is conditioned on: texts and styles, then neither.

        Args:
            style: ``[B]`` rows of the style embedding.
            any_style: The row that stands for none in particular.
            against: Texts that stand in the second half in place of none.

        Returns:
            The states of all texts and all again, ``2B`` styles, and ``[2B]`` bool, true where the text is dropped.
        """
        other = self if against is None else against
        halves = zip((self.tokens, self.mask, self.pooled), (other.tokens, other.mask, other.pooled), strict=True)
        double = TextStates(*(torch.cat(pair) for pair in halves))
        drop = torch.arange(2 * len(style), device=style.device) >= len(style)
        if against is not None:
            drop = torch.zeros_like(drop)
        return double, torch.cat([style, torch.full_like(style, any_style)]), drop


@dataclass(frozen=True)
class Words:
    """Texts as rows of the table.

    Args:
        vectors: ``[B, T, D]`` float32.
        weight: ``[B, T]``, how much each counts; 0 at padding.
        mask: ``[B, T]`` bool, true at real tokens.
    """

    vectors: Tensor
    weight: Tensor
    mask: Tensor


class TextEncoder(nn.Module):
    """Word vectors, frequency weights, learned positions, and a few unmodulated blocks."""

    table: Tensor
    weight: Tensor

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("table", torch.zeros(config.vocab_size, config.width, dtype=torch.float16))
        self.register_buffer("weight", torch.ones(config.vocab_size))
        self.norm_in = Norm(config.width)
        self.position_embedding = nn.Parameter(torch.randn(config.max_tokens, config.width) * 0.02)
        self.blocks = nn.ModuleList(Block(config.width, config.heads, modulated=False) for _ in range(config.depth))
        self.norm_out = Norm(config.width)
        self.pool = nn.Sequential(
            nn.Linear(config.width, config.width), nn.SiLU(), nn.Linear(config.width, config.width)
        )

    @classmethod
    def from_config(cls, config: TextEncoderConfig) -> TextEncoder:
        """Build the network with an empty table and fresh weights."""
        return cls(config)

    def look_up(self, ids: Tensor, mask: Tensor) -> Words:
        """Return the words of texts.

        Args:
            ids: ``[B, T]`` int64, padded.
            mask: ``[B, T]`` bool, true at real tokens; each row needs one at least.
        """
        return Words(self.table[ids].to(torch.float32), self.weight[ids] * mask, mask)

    def read(self, words: Words) -> TextStates:
        """Encode words that were looked up."""
        x = self.norm_in(words.vectors) * words.weight[..., None]
        x = x + self.position_embedding[: x.shape[1]]  # [B, T, D]
        bias = bias_from(words.mask[:, None, :], self.config.heads)
        for block in self.blocks:
            x, _ = block(x, bias=bias)
        x = self.norm_out(x)
        share = words.mask.to(x.dtype) / words.mask.sum(dim=1, keepdim=True)
        return TextStates(x, words.mask, self.pool((x * share[..., None]).sum(dim=1)))

    def forward(self, ids: Tensor, mask: Tensor) -> TextStates:
        """Encode texts; see ``look_up``."""
        return self.read(self.look_up(ids, mask))
