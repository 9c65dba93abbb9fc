"""How the labels of one scale are chosen from logits: guidance, temperature, nucleus, and noise from outside.

Shapes: ``B`` pictures, ``k`` side of the scale, ``D`` width of the transformer, ``L`` logits per token. Guided logits
come as ``2B`` rows: with the caption and style, then without either.

Source: guidance by scale, Switti, arXiv 2412.01819.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from underpaint.diffusion.guidance import guided
from underpaint.models.codes import Codes
from underpaint.models.early import EarlyTokens, Past
from underpaint.models.transformer import ScaleTransformer


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How one scale is sampled.

    Args:
        pull: Strength of guidance.
        temperature: At or above 0; 0 takes the likeliest.
        top_p: Share of probability kept, in (0, 1].
        noise: Gumbel noise, ``[B, k * k, L]`` or as the codes say.
    """

    pull: float | Tensor
    temperature: float | Tensor
    top_p: float
    noise: Tensor

    def labels(self, codes: Codes, logits: Tensor, tokens: slice = slice(None)) -> Tensor:
        """Choose labels of some tokens of the scale, all of them by default.

        Args:
            codes: The alphabet.
            logits: Of these tokens, ``[B, n, L]``, or ``[2B, n, L]`` where guided.
            tokens: Which of the scale's tokens they are.
        """
        size = len(self.noise)
        if len(logits) > size:
            logits = guided(logits[:size], logits[size:], self.pull)  # [B, n, L]
        return codes.sample(logits, self.temperature, self.top_p, self.noise[:, tokens])


def one_by_one(
    early: EarlyTokens, transformer: ScaleTransformer, codes: Codes, hidden: Tensor, scale: int, choice: Choice
) -> Tensor:
    """Choose the labels of an early scale token by token, each knowing those before it.

    Args:
        early: The causal blocks.
        transformer: For its head.
        codes: The alphabet.
        hidden: The transformer's states of this scale ``[B or 2B, k * k, D]``.
        scale: Index of the scale.
        choice: How to sample.
    """
    start, stop = transformer.span(scale)
    previous = hidden.new_zeros(len(hidden), 1, transformer.config.latent_channels)
    labels: list[Tensor] = []
    past: Past | None = None
    for place in range(stop - start):
        here = slice(place, place + 1)
        state, past = early.step(hidden[:, here], previous, start + place, past)
        labels.append(choice.labels(codes, transformer.logits(state), here))
        vector = codes.embed(labels[-1], scale)  # [B, 1, C]
        previous = vector.repeat(len(hidden) // len(vector), 1, 1)
    return torch.cat(labels, dim=1)
