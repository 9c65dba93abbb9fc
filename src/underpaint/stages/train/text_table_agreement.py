"""Agreement: whether a text table finds the same captions alike as the model that it was distilled from.

The similarities of all pairs of captions are ranked, by the table and by MiniLM, and the ranks are correlated.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from underpaint.core.emoji import emoji_names
from underpaint.core.text import caption_from_name
from underpaint.models.text_tokenizer import TextTokenizer


def check_captions(limit: int) -> list[str]:
    """Return captions for the check, evenly from CLDR's names without skin tones.

    Args:
        limit: At most so many.
    """
    captions = sorted({caption_from_name(name) for name in emoji_names().values() if "skin tone" not in name})
    stride = max(1, -(-len(captions) // limit))
    return captions[::stride]


def mean_vectors(table: Tensor, weight: Tensor, tokenizer: TextTokenizer, captions: Sequence[str]) -> Tensor:
    """Return the weighted mean of table rows of each caption ``[N, width]``."""
    ids, mask = (torch.from_numpy(a) for a in tokenizer.encode_batch(captions, length=64))  # [N, T] each
    share = (weight[ids] * mask).unsqueeze(-1)  # [N, T, 1]
    return (table[ids] * share).sum(1) / share.sum(1).clamp(min=1e-12)


def pair_similarities(vectors: Tensor) -> Tensor:
    """Return the cosine similarity of every pair of vectors once ``[N (N - 1) / 2]``.

    Args:
        vectors: ``[N, D]``.
    """
    unit = torch.nn.functional.normalize(vectors.double(), dim=1)
    rows, columns = torch.triu_indices(len(unit), len(unit), offset=1)
    return (unit @ unit.T)[rows, columns]


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Return Spearman's rank correlation; ties share their mean rank.

    Args:
        first: ``[N]``.
        second: ``[N]``.
    """
    return float(torch.corrcoef(torch.stack([_ranks(first), _ranks(second)]))[0, 1])


def _ranks(values: Tensor) -> Tensor:
    _, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts.double() - 1) / 2)[inverse]
