from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from underpaint.adapters.tokenizers import whole_ids


@pytest.fixture
def published() -> Tokenizer:
    """A tokenizer that cuts and pads its texts, as published files do."""
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "cat")
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    return tokenizer


def test_special_tokens_are_added_and_nothing_is_cut_or_padded(published: Tokenizer) -> None:
    assert whole_ids(published.to_str(), ["a red red cat", "dog", ""]) == [[2, 4, 5, 5, 6, 3], [2, 1, 3], [2, 3]]
