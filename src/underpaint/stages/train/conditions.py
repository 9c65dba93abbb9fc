"""What a training batch is asked for: captions, styles, and which of them are dropped.

All text-conditional models draw these in the same order from the same generator, so that they see the same requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from underpaint.core.samples import Sample
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig, TextStates
from underpaint.models.text_tokenizer import MAX_TOKENS, TextTokenizer
from underpaint.runtime.draws import rand
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.captions import vary

STYLES = ("cartoon", "flat", "gradient", "line-art")


class DropShares(Protocol):
    """The chances to drop parts of a request."""

    @property
    def drop_both(self) -> float:
        """Chance to drop caption and style together."""
        ...

    @property
    def drop_caption(self) -> float:
        """Chance to drop the caption alone."""
        ...

    @property
    def drop_style(self) -> float:
        """Chance to drop the style alone."""
        ...


@dataclass(frozen=True)
class Conditions:
    """Requests of a batch.

    Args:
        captions: ``B`` texts.
        style: ``[B]`` rows of the style embedding.
        drop: ``[B]`` bool, true where the caption is dropped.
    """

    captions: list[str]
    style: Tensor
    drop: Tensor


def draw_conditions(
    samples: Sequence[Sample],
    shares: DropShares,
    any_style: int,
    generator: torch.Generator,
    device: torch.device,
    *,
    rewording: float = 0.0,
    styles: Sequence[str] = STYLES,
) -> Conditions:
    """Draw how a batch of samples is asked for.

    Args:
        samples: ``B`` samples.
        shares: What is dropped how often.
        any_style: Row of the style embedding that stands for none in particular.
        generator: Draws everything random.
        device: Where the tensors go.
        rewording: Chance that a caption is worded in another way.
        styles: The styles that the model knows, in the order of the style embedding.
    """
    captions = [vary(sample, generator, rewording=rewording) for sample in samples]
    style = style_rows(samples, device, styles)
    chance = rand((len(samples),), generator, device)
    drop_caption = chance < shares.drop_both + shares.drop_caption
    drop_style = (chance < shares.drop_both) | (chance > 1.0 - shares.drop_style)
    return Conditions(captions, torch.where(drop_style, any_style, style), drop_caption)


def style_to_ask(sample: Sample, styles: Sequence[str] = STYLES) -> str | None:
    """Return the style in which a sample may be asked for; None where the model does not know its style."""
    return sample.style if sample.style in styles else None


def style_rows(samples: Sequence[Sample], device: torch.device, styles: Sequence[str] = STYLES) -> Tensor:
    """Return the rows ``[B]`` of the style embedding for samples; no style, or one that is not known, is the null row.

    Args:
        samples: ``B`` samples.
        device: Where the tensor goes.
        styles: The styles that the model knows, in the order of the style embedding.
    """
    rows = {style: row for row, style in enumerate(styles)}
    return torch.tensor([rows.get(sample.style, len(rows)) for sample in samples], device=device)


def plain_conditions(samples: Sequence[Sample], device: torch.device) -> Conditions:
    """Return samples' own captions and styles, nothing dropped, for measuring on held-out pictures."""
    drop = torch.zeros(len(samples), dtype=torch.bool, device=device)
    return Conditions([sample.caption for sample in samples], style_rows(samples, device), drop)


def encode_captions(
    tokenizer: TextTokenizer, encoder: TextEncoder, captions: Sequence[str], device: torch.device
) -> TextStates:
    """Encode captions, padded to the longest among them.

    Args:
        tokenizer: Its ids are the rows of the encoder's table.
        encoder: The text encoder.
        captions: ``B`` texts; not all of them without any token.
        device: Where the encoder lies.
    """
    ids, mask = tokenizer.encode_batch(captions, MAX_TOKENS)
    longest = int(mask.sum(axis=1).max())
    return encoder(*(torch.from_numpy(array[:, :longest]).to(device) for array in (ids, mask)))


def make_text_encoder(text_table: Path, depth: int) -> TextEncoder:
    """Build a text encoder with fresh weights above the frozen table of a ``text-table`` artifact.

    Args:
        text_table: The artifact.
        depth: Transformer blocks.
    """
    return encoder_above(read_weights(text_table / "model.safetensors"), depth)


def encoder_above(table: Mapping[str, Tensor], depth: int) -> TextEncoder:
    """Build a text encoder with fresh weights above a frozen table.

    Args:
        table: ``table`` ``[vocabulary, width]`` and ``weight`` ``[vocabulary]``.
        depth: Transformer blocks.
    """
    rows, width = table["table"].shape
    config = TextEncoderConfig(vocab_size=rows, width=width, depth=depth, max_tokens=MAX_TOKENS)
    encoder = TextEncoder(config)
    encoder.table.copy_(table["table"])
    encoder.weight.copy_(table["weight"])
    return encoder
