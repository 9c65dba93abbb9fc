"""The flow transformer: predicts the whole clean latent from a noisy one, given a text; the hybrid model's rival.

The sequence is ``[text | one token a latent cell]``. Text sees text alone and is not modulated by time, so its keys and
values are computed once a picture; cells see the text and each other, modulated by text, style, time and, in the
few-step form, by the length of the step that is going to be taken.

Shapes: ``B`` batch, ``T`` text tokens, ``C`` latent channels, ``h`` side of the latent, ``D`` width.

Source: DiT, arXiv 2212.09748; flow matching, arXiv 2210.02747; data prediction, JiT, arXiv 2511.13720; step length as a
condition, shortcut models, arXiv 2410.12557.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config, is_none
from underpaint.models.attention import Block, Norm, bias_from, grid_angles, rotation_from, rotation_table, sinusoid
from underpaint.models.recomputation import recomputed
from underpaint.models.text_encoder import TextStates
from underpaint.models.transformer import Cache

TIME_CHANNELS = 64


class FlowTransformerConfig(Config):
    """Settings of the flow transformer.

    Args:
        side: Side ``h`` of the latent.
        width: Width ``D``.
        depth: Blocks.
        heads: Attention heads; ``width / heads`` is a multiple of 4.
        num_styles: Styles; one more row stands for "any".
        text_width: Width of the text states.
        latent_channels: Channels of the latent.
        drop_path: Largest chance to drop a branch while training; grows linearly with depth.
        step_length: Whether the length of the step is a condition (the few-step form).
        hidden: Width between the maps of a block's feed-forward; None for 4 times the width.
        head_dim: Width of a head; None shares the width out among them.
    """

    side: int = 8
    width: int = 256
    depth: int = 9
    heads: int = 4
    num_styles: int = 4
    text_width: int = 256
    latent_channels: int = 16
    drop_path: float = 0.05
    step_length: bool = False
    hidden: int | None = Field(default=None, ge=1, exclude_if=is_none)
    head_dim: int | None = Field(default=None, ge=4, exclude_if=is_none)


@dataclass(frozen=True)
class FlowCondition:
    """What a latent is drawn from, ready for the blocks.

    Args:
        prefix: Text as tokens ``[B, T, D]``.
        mask: ``[B, T]``, true at real tokens.
        whole: Text and style as one vector ``[B, text_width]``.
    """

    prefix: Tensor
    mask: Tensor
    whole: Tensor

    def half(self, size: int) -> FlowCondition:
        """Return the condition of the first ``size`` samples."""
        return FlowCondition(self.prefix[:size], self.mask[:size], self.whole[:size])


class FlowTransformer(nn.Module):
    """The transformer with its conditioning."""

    def __init__(self, config: FlowTransformerConfig) -> None:
        super().__init__()
        self.config = config
        d, wide = config.width, config.text_width
        self.style_embedding = nn.Embedding(config.num_styles + 1, wide)
        self.null_embedding = nn.Parameter(torch.randn(wide) * 0.02)
        self.prefix = nn.Linear(wide, d)
        last = nn.Linear(d, 8 * d)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.modulate = nn.Sequential(nn.Linear(wide, d), nn.SiLU(), last)
        self.time = _embedder(wide)
        self.step = _embedder(wide) if config.step_length else None
        self.read = nn.Linear(config.latent_channels, d)
        rates = [config.drop_path * i / max(config.depth - 1, 1) for i in range(config.depth)]
        head_dim = config.head_dim or d // config.heads
        self.blocks = nn.ModuleList(
            Block(d, config.heads, drop_path=rate, hidden=config.hidden, head_dim=head_dim) for rate in rates
        )
        self.norm = Norm(d)
        self.out = nn.Linear(d, config.latent_channels)
        nn.init.normal_(self.style_embedding.weight, std=0.02)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("turns", rotation_table(grid_angles(config.side, config.side, head_dim)), persistent=False)
        self.use_checkpointing = False

    turns: Tensor

    @classmethod
    def from_config(cls, config: FlowTransformerConfig) -> FlowTransformer:
        """Build the network with fresh weights."""
        return cls(config)

    @property
    def any_style(self) -> int:
        """Index of the style that stands for none in particular."""
        return self.config.num_styles

    def condition(self, text: TextStates, style: Tensor, drop: Tensor | None = None) -> FlowCondition:
        """Turn text and style into what the blocks need.

        Args:
            text: The encoded text.
            style: ``[B]`` int64 in [0, num_styles]; ``any_style`` for none in particular.
            drop: ``[B]`` bool, true where the text is replaced by the learned null text of the same length.
        """
        text = text.without(drop, self.null_embedding)
        return FlowCondition(self.prefix(text.tokens), text.mask, text.pooled + self.style_embedding(style))

    def read_text(self, condition: FlowCondition, generator: torch.Generator | None = None) -> Cache:
        """Run the text through the blocks once; returns its keys and values per block.

        Args:
            condition: From ``condition``.
            generator: Turns on dropping paths.
        """
        x, cache = condition.prefix, []
        modulation = self.modulate(condition.whole).unflatten(-1, (8, -1))[:, :6]  # [B, 6, D]
        bias = bias_from(condition.mask[:, None, :], self.config.heads)
        for block in self.blocks:
            x, kv = block(x, modulation, None, bias, None, generator)
            cache.append(kv)
        return cache

    def forward(
        self,
        x_t: Tensor,
        t: Tensor,
        condition: FlowCondition,
        cache: Cache | None = None,
        step: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Predict the clean latent.

        Args:
            x_t: Noisy latent ``[B, C, h, h]``.
            t: Times ``[B]`` in [0, 1]; 1 is clean.
            condition: From ``condition``.
            cache: From ``read_text``; computed here if None.
            step: Length ``[B]`` in (0, 1] of the step to be taken; needed by the few-step form alone.
            generator: Turns on dropping paths.

        Returns:
            ``[B, C, h, h]``, float32.
        """
        cache = self.read_text(condition, generator) if cache is None else cache
        whole = condition.whole + self.time(sinusoid(t, TIME_CHANNELS))
        if self.step is not None and step is not None:
            whole = whole + self.step(sinusoid(step, TIME_CHANNELS))
        modulation = self.modulate(whole).unflatten(-1, (8, -1))  # [B, 8, D]
        x = self.read(x_t.flatten(2).transpose(1, 2))  # [B, h * h, D]
        seen = torch.cat([condition.mask, condition.mask.new_ones(len(x), x.shape[1])], dim=1)
        bias = bias_from(seen[:, None, :], self.config.heads)
        turn = rotation_from(self.turns, x.dtype)
        for block, past in zip(self.blocks, cache, strict=True):
            if self.use_checkpointing and self.training:
                x = recomputed(block, x, modulation[:, :6], turn, bias, past, generator)
            else:
                x, _ = block(x, modulation[:, :6], turn, bias, past, generator)
        shift, scale = modulation[:, 6:, None].to(x.dtype).unbind(1)  # [B, 1, D]
        y = torch.addcmul(shift, self.norm(x), 1.0 + scale)
        with torch.autocast(x.device.type, enabled=False):
            return self.out(y.to(torch.float32)).transpose(1, 2).unflatten(2, x_t.shape[2:])  # [B, C, h, h]


def _embedder(width: int) -> nn.Sequential:
    """Return a map from a sinusoid to a condition that starts at zero, so that it changes nothing at first."""
    last = nn.Linear(width, width)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(TIME_CHANNELS, width), nn.SiLU(), last)
