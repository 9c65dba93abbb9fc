"""The scale-wise autoregressive transformer: draws whole token maps, coarse to fine, given a text.

The sequence is ``[text | start -> scale 1 | scale 2 | ... | scale S]``. Text sees text; a scale sees the text and all
scales up to itself, whole. The input of a scale is what the earlier scales have drawn so far, averaged to its cells.

Shapes: ``B`` batch, ``T`` text tokens, ``k`` side of a scale, ``P`` picture tokens over all scales, ``D`` width,
``C`` latent channels, ``L`` logits per token.

Source: VAR, arXiv 2404.02905; text as a prefix and the residual head's inputs, HART, arXiv 2410.10812.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from underpaint.core.config import Config, is_none
from underpaint.models.attention import Block, Change, Norm, bias_from, grid_angles, rotation_from, rotation_table
from underpaint.models.early import EarlyTokens
from underpaint.models.recomputation import recomputed
from underpaint.models.text_encoder import TextStates

Cache = list[tuple[Tensor, Tensor]]


class TransformerConfig(Config):
    """Settings of the scale-wise transformer.

    Args:
        schedule: Sides of the scales, coarse to fine.
        n_logits: Logits per token, as the quantizer's codes say.
        width: Width ``D``.
        depth: Blocks.
        heads: Attention heads; ``width / heads`` is a multiple of 4.
        num_styles: Styles; one more row stands for "any".
        text_width: Width of the text states.
        latent_channels: Channels of the latent.
        drop_path: Largest chance to drop a branch while training; grows linearly with depth.
        early_scales: First scales whose tokens are drawn one by one; 0 draws every scale at once.
        early_depth: Causal blocks for them.
        plane: Side of the plane that positions lie in; None for the finest scale's. A model grown to larger pictures
            keeps the plane it was trained on.
        hidden: Width between the maps of a block's feed-forward; None for 4 times the width.
        head_dim: Width of a head; None shares the width out among them.
    """

    schedule: tuple[int, ...]
    n_logits: int
    width: int = 256
    depth: int = 8
    heads: int = 4
    num_styles: int = 4
    text_width: int = 256
    latent_channels: int = 16
    drop_path: float = 0.05
    early_scales: int = Field(default=0, ge=0)
    early_depth: int = Field(default=1, ge=1)
    plane: int | None = Field(default=None, ge=1, exclude_if=is_none)
    hidden: int | None = Field(default=None, ge=1, exclude_if=is_none)
    head_dim: int | None = Field(default=None, ge=4, exclude_if=is_none)

    @model_validator(mode="after")
    def _check_early(self) -> TransformerConfig:
        if self.early_scales > len(self.schedule):
            raise ValueError(
                f"early_scales must lie in 0 to {len(self.schedule)}, the number of scales, not at {self.early_scales}"
            )
        return self


@dataclass(frozen=True)
class Condition:
    """What a picture is drawn from, ready for the blocks.

    Args:
        prefix: Text as tokens ``[B, T, D]``.
        mask: ``[B, T]``, true at real tokens.
        start: Input of the first scale ``[B, D]``.
        modulation: ``[B, 6, D]``.
        head: Shift and scale of the last norm ``[B, 2, D]``.
        changes: What the modulation does to each block, of a condition that is ``ready``.
    """

    prefix: Tensor
    mask: Tensor
    start: Tensor
    modulation: Tensor
    head: Tensor
    changes: tuple[Change, ...] = ()

    def half(self, size: int) -> Condition:
        """Return the condition of the first ``size`` samples."""
        changes = tuple(change.half(size) for change in self.changes)
        return Condition(
            self.prefix[:size], self.mask[:size], self.start[:size], self.modulation[:size], self.head[:size], changes
        )


class ScaleTransformer(nn.Module):
    """The transformer with its conditioning and its head."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        d = config.width
        self.style_embedding = nn.Embedding(config.num_styles + 1, config.text_width)
        self.null_embedding = nn.Parameter(torch.randn(config.text_width) * 0.02)
        self.prefix = nn.Linear(config.text_width, d)
        self.start = nn.Sequential(nn.Linear(config.text_width, d), nn.SiLU(), nn.Linear(d, d))
        last = nn.Linear(d, 8 * d)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.modulate = nn.Sequential(nn.Linear(config.text_width, d), nn.SiLU(), last)
        self.read = nn.Linear(config.latent_channels, d)
        self.scale_embedding = nn.Parameter(torch.randn(len(config.schedule), d) * 0.02)
        rates = [config.drop_path * i / max(config.depth - 1, 1) for i in range(config.depth)]
        head_dim = config.head_dim or d // config.heads
        self.blocks = nn.ModuleList(
            Block(d, config.heads, drop_path=rate, hidden=config.hidden, head_dim=head_dim) for rate in rates
        )
        self.norm = Norm(d)
        self.head = nn.Linear(d, config.n_logits)
        nn.init.normal_(self.style_embedding.weight, std=0.02)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        plane = config.plane or config.schedule[-1]
        angles = [grid_angles(side, plane, head_dim) for side in config.schedule]
        self.register_buffer("turns", rotation_table(torch.cat(angles)), persistent=False)
        self.use_checkpointing = False
        self.early: EarlyTokens | None = None
        if config.early_scales:
            sides = config.schedule[: config.early_scales]
            self.early = EarlyTokens(sides, d, d // head_dim, config.early_depth, config.latent_channels)

    turns: Tensor

    @classmethod
    def from_config(cls, config: TransformerConfig) -> ScaleTransformer:
        """Build the network with fresh weights."""
        return cls(config)

    @property
    def any_style(self) -> int:
        """Index of the style that stands for none in particular."""
        return self.config.num_styles

    def span(self, scale: int) -> tuple[int, int]:
        """Return where a scale's tokens begin and end among the picture tokens."""
        sizes = [side * side for side in self.config.schedule]
        return sum(sizes[:scale]), sum(sizes[: scale + 1])

    def condition(self, text: TextStates, style: Tensor, drop: Tensor | None = None) -> Condition:
        """Turn text and style into what the blocks need.

        Args:
            text: The encoded text.
            style: ``[B]`` int64 in [0, num_styles]; ``any_style`` for none in particular.
            drop: ``[B]`` bool, true where the text is replaced by the learned null text of the same length.
        """
        text = text.without(drop, self.null_embedding)
        whole = text.pooled + self.style_embedding(style)
        modulation = self.modulate(whole).unflatten(-1, (8, -1))  # [B, 8, D]
        return Condition(self.prefix(text.tokens), text.mask, self.start(whole), modulation[:, :6], modulation[:, 6:])

    def ready(self, condition: Condition) -> Condition:
        """Return a condition for drawing, which asks every block again at each scale: what they do is found once."""
        dtype = condition.prefix.dtype
        blocks = cast("Iterable[Block]", self.blocks)
        changes = tuple(block.change(condition.modulation, dtype) for block in blocks)
        return replace(condition, changes=changes)

    def scale_input(self, condition: Condition, seen: Tensor | None, scale: int) -> Tensor:
        """Return the input tokens of one scale, ``[B, k * k, D]``.

        Args:
            condition: From ``condition``.
            seen: What the earlier scales drew, averaged to this scale's cells ``[B, k * k, C]``; None for the first.
            scale: Index of the scale.
        """
        side = self.config.schedule[scale]
        x = condition.start[:, None].expand(-1, side * side, -1) if seen is None else self.read(seen)
        return x + self.scale_embedding[scale]

    def mask(self, text_mask: Tensor) -> Tensor:
        """Return who may look at whom in training: ``[B, T + P, T + P]``, rows look at columns."""
        device = text_mask.device
        order = torch.cat(
            [torch.full((side * side,), index, device=device) for index, side in enumerate(self.config.schedule)]
        )
        picture = order[:, None] >= order[None, :]  # [P, P]
        b, t, p = len(text_mask), text_mask.shape[1], len(order)
        mask = torch.zeros(b, t + p, t + p, dtype=torch.bool, device=device)
        mask[:, :, :t] = text_mask[:, None, :]
        mask[:, t:, t:] = picture
        return mask

    def forward(
        self,
        condition: Condition,
        seen: list[Tensor],
        generator: torch.Generator | None = None,
        tokens: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predict all scales at once, for training.

        Args:
            condition: From ``condition``.
            seen: For scales 2 to S, what the earlier scales drew, averaged to its cells: each ``[B, k * k, C]``.
            generator: Turns on dropping paths.
            tokens: Vectors of the true tokens of the early scales ``[B, E, C]``; None predicts them at once too.

        Returns:
            Logits ``[B, P, L]`` in float32, and the last hidden states ``[B, P, D]``.
        """
        inputs = [self.scale_input(condition, None, 0)]
        inputs += [self.scale_input(condition, s, index) for index, s in enumerate(seen, 1)]
        t = condition.prefix.shape[1]
        x = torch.cat([condition.prefix, *inputs], dim=1)  # [B, T + P, D]
        x = x.to(condition.prefix.dtype)
        still = rotation_table(self.turns.new_zeros(t, self.turns.shape[-1] // 2))
        turn = rotation_from(torch.cat([still, self.turns], dim=1), x.dtype)
        bias = bias_from(self.mask(condition.mask), self.config.heads).to(x.dtype)
        for block in self.blocks:
            if self.use_checkpointing and self.training:
                x = recomputed(block, x, condition.modulation, turn, bias, None, generator)
            else:
                x, _ = block(x, condition.modulation, turn, bias, None, generator)
        hidden = self._hidden(x[:, t:], condition)
        if self.early is None or tokens is None:
            return self.logits(hidden), hidden
        first, later = hidden.split([self.early.num_tokens, hidden.shape[1] - self.early.num_tokens], dim=1)
        return self.logits(torch.cat([self.early(first, tokens), later], dim=1)), hidden

    def _hidden(self, x: Tensor, condition: Condition) -> Tensor:
        shift, scale = condition.head[:, :, None].to(x.dtype).unbind(1)  # [B, 1, D]
        return torch.addcmul(shift, self.norm(x), 1.0 + scale)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[B, L, n_logits]`` of states ``[B, L, D]``, in float32."""
        with torch.autocast(hidden.device.type, enabled=False):
            return self.head(hidden.to(torch.float32))

    def _changes(self, condition: Condition) -> Sequence[Tensor | Change]:
        return condition.changes or [condition.modulation] * len(self.blocks)

    def read_text(self, condition: Condition) -> Cache:
        """Run the text through the blocks once; returns its keys and values per block."""
        x, cache = condition.prefix, []
        bias = bias_from(condition.mask[:, None, :], self.config.heads)
        for block, change in zip(self.blocks, self._changes(condition), strict=True):
            x, kv = block(x, change, None, bias)
            cache.append(kv)
        return cache

    def draw_scale(
        self, condition: Condition, cache: Cache, seen: Tensor | None, scale: int
    ) -> tuple[Tensor, Tensor, Cache]:
        """Predict one scale given the cached keys and values of everything before it.

        Args:
            condition: From ``condition``.
            cache: From ``read_text`` or the previous scale.
            seen: See ``scale_input``.
            scale: Index of the scale.

        Returns:
            Logits ``[B, k * k, L]`` of all tokens at once, hidden states ``[B, k * k, D]`` (``early`` goes on from
            them), and the cache with this scale added.
        """
        x = self.scale_input(condition, seen, scale)
        start, stop = self.span(scale)
        picture = torch.ones(len(x), stop, dtype=torch.bool, device=x.device)
        bias = bias_from(torch.cat([condition.mask, picture], dim=1)[:, None, :], self.config.heads)
        turn = rotation_from(self.turns[:, start:stop], x.dtype)
        grown: Cache = []
        for block, change, past in zip(self.blocks, self._changes(condition), cache, strict=True):
            x, kv = block(x, change, turn, bias, past)
            grown.append(kv)
        hidden = self._hidden(x, condition)
        return self.logits(hidden), hidden, grown
