from __future__ import annotations

import pytest
import torch

from underpaint.core.text import canonicalize
from underpaint.stages.train.text_table_agreement import check_captions, pair_similarities, rank_correlation


def test_rank_correlation_is_spearmans() -> None:
    values = torch.tensor([0.1, 5.0, 2.0, 3.0])
    assert rank_correlation(values, values.exp()) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)
    tied = rank_correlation(torch.tensor([1.0, 1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert tied == pytest.approx(4.5 / (4.5 * 5) ** 0.5)  # mean ranks 1.5 1.5 3 4 against 1 2 3 4


def test_check_captions_are_canonical_and_spread() -> None:
    captions = check_captions(200)
    assert 150 < len(captions) <= 200
    assert [canonicalize(caption) for caption in captions] == captions
    assert {caption[0] for caption in captions} >= set("acfmsw")


def test_each_pair_is_compared_once_and_its_length_does_not_matter() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.0, 3.0], [2.0, 2.0]])
    assert torch.allclose(pair_similarities(vectors), torch.tensor([0, 0.5**0.5, 0.5**0.5], dtype=torch.float64))
