"""The pieces that a text table has rows for: which of MiniLM's vocabulary, in which order, and how much each says.

A piece is weighed by ``a / (a + p)``, with ``p`` from Zipf's law over the rank of the word, so that "the" says little.

Source: frequency weight, Arora et al., "A simple but tough-to-beat baseline for sentence embeddings", ICLR 2017.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from underpaint.models.text_tokenizer import TextTokenizer


def used_pieces(vocab: Mapping[str, int], max_rows: int | None = None) -> list[tuple[str, int]]:
    """Return the pieces that text can be cut into, with their ids in MiniLM, in that order.

    Args:
        vocab: Piece to id.
        max_rows: Keep the first ones alone.
    """
    pieces = sorted(((p, i) for p, i in vocab.items() if not p.startswith("[unused")), key=lambda entry: entry[1])
    return pieces[:max_rows]


def renumbered(source: Mapping[str, Any], pieces: Sequence[tuple[str, int]]) -> TextTokenizer:
    """Return MiniLM's tokenizer with dense ids and without special tokens in the text.

    "[CLS]" in a text is then cut like any other characters and can't stand for a special token.

    Args:
        source: The published ``tokenizer.json``, parsed.
        pieces: The pieces to keep; their order gives the ids.
    """
    vocab = {piece: row for row, (piece, _) in enumerate(pieces)}
    values = {
        **source,
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "post_processor": None,
        "model": {**source["model"], "vocab": vocab},
    }
    return TextTokenizer.from_json(json.dumps(values), source="MiniLM's tokenizer.json")


def zipf_weights(pieces: Sequence[str], smoothing: float) -> Tensor:
    """Return the frequency weight of each piece, ``a / (a + p)`` with ``p`` by Zipf's law.

    Specials and single characters stand before or behind the words in BERT's vocabulary, so the words alone are
    ranked (with "a", the one frequent word of one letter, first), and the rest takes the median.

    Args:
        pieces: The vocabulary; its words are in order of frequency.
        smoothing: ``a``.

    Returns:
        ``[V]`` fp32, in (0, 1).
    """
    is_special = [piece.startswith("[") and piece.endswith("]") and len(piece) > 2 for piece in pieces]
    is_word = [len(p.removeprefix("##")) > 1 and not s for p, s in zip(pieces, is_special, strict=True)]
    words = [row for row, piece in enumerate(pieces) if piece == "a"] + [
        row for row, word in enumerate(is_word) if word
    ]
    ranks = np.arange(1, len(words) + 1, dtype=np.float64)
    frequency = (1 / ranks) / (1 / ranks).sum()
    weights = smoothing / (smoothing + frequency)
    full = np.full(len(pieces), np.median(weights) if len(words) else 1.0)
    full[words] = weights
    return torch.from_numpy(full).float()
