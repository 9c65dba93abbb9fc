from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from underpaint.core.errors import ArtifactError
from underpaint.models.text_tokenizer import TextTokenizer

WORDS = ["[PAD]", "[UNK]", "!", "[", "]", "a", "##s", "cat", "car", "pad", "smiling", "sun", "##glasses"]


def small(words: list[str] = WORDS) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))  # type: ignore[call-arg]
    tokenizer.normalizer = BertNormalizer(lowercase=True)  # type: ignore[assignment]
    tokenizer.pre_tokenizer = BertPreTokenizer()  # type: ignore[assignment]
    return tokenizer


@pytest.fixture
def tokenizer() -> TextTokenizer:
    return TextTokenizer(small())


def test_text_is_cut_into_pieces_without_specials(tokenizer: TextTokenizer) -> None:
    encoding = tokenizer.encode("smiling cats, sunglasses!")
    assert tokenizer.tokens(encoding.ids) == ["smiling", "cat", "##s", "[UNK]", "sun", "##glasses", "!"]
    assert (encoding.unknown, encoding.truncated) == (1, False)
    assert tokenizer.encode("").ids == []


def test_a_cut_is_reported(tokenizer: TextTokenizer) -> None:
    encoding = tokenizer.encode("a cat " * 20, max_tokens=24)
    assert len(encoding.ids) == 24
    assert encoding.truncated
    exact = tokenizer.encode("a cat " * 12, max_tokens=24)
    assert len(exact.ids) == 24
    assert not exact.truncated


def test_padding_and_truncation_of_the_file_are_switched_off(tmp_path: Path) -> None:
    published = small()
    published.enable_padding(length=128)
    published.enable_truncation(max_length=2)
    published.save(str(tmp_path / "tokenizer.json"))
    assert len(TextTokenizer.from_folder(tmp_path).encode("a smiling cat").ids) == 3


def test_a_batch_is_its_single_texts_padded(tokenizer: TextTokenizer) -> None:
    texts = ["a cat", "", "smiling " * 30, "cats!"]
    ids, mask = tokenizer.encode_batch(texts)
    assert ids.shape == mask.shape == (4, 24)
    assert (ids.dtype, mask.dtype) == (np.int64, np.bool_)
    for row, text in enumerate(texts):
        assert ids[row][mask[row]].tolist() == tokenizer.encode(text).ids
        assert (ids[row][~mask[row]] == tokenizer.pad_id).all()
        assert not (np.diff(mask[row].astype(int)) > 0).any()
    assert tokenizer.encode_batch(texts, length=5)[0].shape == (4, 5)
    assert tokenizer.encode_batch([])[0].shape == (0, 24)


def test_saved_and_loaded_it_is_the_same_to_the_byte(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "one")
    again = TextTokenizer.from_folder(tmp_path / "one")
    again.save(tmp_path / "two")
    assert (tmp_path / "one/tokenizer.json").read_bytes() == (tmp_path / "two/tokenizer.json").read_bytes()
    assert again.encode("smiling cats").ids == tokenizer.encode("smiling cats").ids
    assert again.vocab_size == len(WORDS)


@pytest.mark.parametrize("content", ["", "{}", "{", "\x00\xff", '{"model": 1}'])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="latin-1")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json"):
        TextTokenizer.from_folder(tmp_path)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"cannot read .*tokenizer\.json"):
        TextTokenizer.from_folder(tmp_path)


def test_a_vocabulary_without_padding_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"\[PAD\]"):
        TextTokenizer(small(WORDS[1:]))


def test_it_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import underpaint.models.text_tokenizer, sys; "
        "assert not {'torch', 'transformers'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
