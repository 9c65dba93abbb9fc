from __future__ import annotations

import json
import random
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from underpaint.core.errors import ArtifactError
from underpaint.models.text_tokenizer import FILE, TextTokenizer

CAPTIONS = Path(__file__).parents[2] / "artifacts" / "stickers-64" / "samples.jsonl"
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "".join(map(chr, range(0x20, 0x7F))),
    "áàâäãåāăąçćčďéèêëėęğíìîïıİñńňóòôöõøőŕřśşšßẞťúùûüůűýÿžæœþðđħłŋǅΣςσΆέώ",
    "aeiounçc\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0328\u0323\u0307\u0345\u20dd\u1ab0",
    "猫犬日本語中文漢字か゚カ゛ガｶﾞ한국어각各豈更㐀㋿𠀀𪜀𫝀丽々〆〇",
    "😀🐱👩👨🏽🚒❤️👍🏿🇫🇷1️⃣\u200d\ufe0f\U000e0067\U000e007f☠©™",
    "".join(map(chr, [*range(0x20), *range(0x7F, 0xA1), 0xAD, 0x600, 0x180E, 0xFEFF, 0xFFFD, 0xE000, 0xF0000])),
    " \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2000\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\u2060a",
    "¡¿«»‘’“”‐–—…·•′″‹›⁄§¶。、「」（），．！？～€£¥°±×÷¬",
    "שלום عربي ۱۲۳ ערב\u064b\u0651\u05b0\u200f\u202e،؟؛",
    "०१२३ไทยกำ\u0e31ကြမန်हिन्दी০১Ⅷⅷ²½①㈱ﬁﬀ",
)
UNUSUAL = ("x" * 100, "x" * 101, "é" * 100, "e\u0301" * 101, "!" * 200, "猫" * 150, "[CLS] [PAD] [UNK] ##s [unused1]")

WORDS = ["[PAD]", "[UNK]", "!", "[", "]", "a", "##s", "cat", "car", "pad", "smiling", "sun", "##glasses"]


def nasty_texts(count: int, seed: int) -> list[str]:
    """Texts of mixed alphabets and of any code points, surrogates left out."""
    draw = random.Random(seed)
    texts: list[str] = list(UNUSUAL)
    while len(texts) < count:
        alphabets = draw.choices(ALPHABETS, k=draw.randint(1, 5))
        parts = ["".join(draw.choices(alphabet, k=draw.randint(1, 12))) for alphabet in alphabets]
        anything = [draw.randrange(draw.choice((0x800, 0x3000, 0x10000, 0x110000))) for _ in range(draw.randint(0, 4))]
        parts += [chr(code) for code in anything if not 0xD800 <= code < 0xE000]
        draw.shuffle(parts)
        texts.append(draw.choice(("", " ", "ca", "##")).join(parts))
    return texts


def shipped(name: str) -> tuple[TextTokenizer, Tokenizer]:
    """A shipped tokenizer as ours and as the library's."""
    text = (resources.files("underpaint") / "weights" / name / FILE).read_text(encoding="utf-8")
    return TextTokenizer.from_json(text), Tokenizer.from_str(text)


def test_words_in_known_pieces_are_known_and_others_are_named_once() -> None:
    tokenizer, _ = shipped("stickers-64/text_tokenizer")
    assert tokenizer.unknown_words("a jabberwocky's xqzvk, 50% off_line") == []
    long = "x" * 101
    assert tokenizer.unknown_words(f"{long} cat {long}, {long}") == [long]
    assert [tokenizer.encode(word).unknown for word in (long, "xqzvk")] == [1, 0]


def assert_equal_ids(ours: TextTokenizer, library: Tokenizer, texts: list[str]) -> None:
    for text, expected in zip(texts, library.encode_batch(texts, add_special_tokens=False), strict=True):
        assert ours.encode(text, max_tokens=9999).ids == expected.ids, ascii(text)


def small(words: list[str] = WORDS) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))  # type: ignore[call-arg]
    tokenizer.normalizer = BertNormalizer(lowercase=True)  # type: ignore[assignment]
    tokenizer.pre_tokenizer = BertPreTokenizer()  # type: ignore[assignment]
    return tokenizer


@pytest.fixture
def tokenizer() -> TextTokenizer:
    return TextTokenizer.from_json(small().to_str())


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
        TextTokenizer.from_json(small(WORDS[1:]).to_str())


@pytest.mark.parametrize("name", ["stickers-64/text_tokenizer", "evaluator-64"])
def test_nasty_texts_have_the_ids_of_the_library(name: str) -> None:
    assert_equal_ids(*shipped(name), nasty_texts(5_000, seed=len(name)))


def test_every_character_of_most_alphabets_has_the_ids_of_the_library() -> None:
    codes = [*range(0x3400), *range(0x3400, 0xD800, 61), *range(0xF900, 0x11000), *range(0x11000, 0x110000, 251)]
    words = [f"a{chr(code)}b" for code in codes]
    assert_equal_ids(*shipped("stickers-64/text_tokenizer"), [" ".join(words[i::97]) for i in range(97)])


@pytest.mark.skipif(not CAPTIONS.is_file(), reason="the data set is not built")
def test_all_captions_of_the_data_set_have_the_ids_of_the_library() -> None:
    lines = CAPTIONS.read_text(encoding="utf-8").splitlines()
    assert_equal_ids(*shipped("stickers-64/text_tokenizer"), [json.loads(line)["caption"] for line in lines])


def test_ids_outside_the_vocabulary_read_as_unknown(tokenizer: TextTokenizer) -> None:
    assert tokenizer.tokens([0, -1, len(WORDS), 5]) == ["[PAD]", "[UNK]", "[UNK]", "a"]


def test_it_imports_neither_torch_nor_a_library_of_tokenizers() -> None:
    code = (
        "import underpaint.models.text_tokenizer, sys; "
        "assert not {'torch', 'tokenizers', 'transformers', 'safetensors'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
