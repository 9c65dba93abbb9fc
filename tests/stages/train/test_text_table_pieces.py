from __future__ import annotations

import pytest

from underpaint.stages.train.text_table_pieces import used_pieces, zipf_weights


def test_weights_rank_words_alone() -> None:
    pieces = ["[PAD]", "[UNK]", "!", "a", "z", "the", "of", "##ing", "cat", "axolotl", "##é"]
    weights = dict(zip(pieces, zipf_weights(pieces, 1e-2).tolist(), strict=True))
    ordered = [weights[p] for p in ("a", "the", "of", "##ing", "cat", "axolotl")]
    assert ordered == sorted(ordered)
    assert len(set(ordered)) == 6
    middle = (weights["of"] + weights["##ing"]) / 2
    assert [weights[p] for p in ("[PAD]", "[UNK]", "!", "z", "##é")] == pytest.approx([middle] * 5)
    frequency = (1 / 2) / sum(1 / rank for rank in range(1, 7))
    assert weights["the"] == pytest.approx(1e-2 / (1e-2 + frequency))


def test_only_pieces_in_use_get_a_row() -> None:
    vocab = {"[PAD]": 0, "[unused0]": 1, "[UNK]": 2, "[unused1]": 3, "cat": 4}
    assert used_pieces(vocab) == [("[PAD]", 0), ("[UNK]", 2), ("cat", 4)]
    assert used_pieces(vocab, 2) == [("[PAD]", 0), ("[UNK]", 2)]
